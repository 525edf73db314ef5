import type { Dataset } from '../../data/dataset.js';
import type { Engine } from '../../engine/engine.js';
import type { Feed } from './feed.js';
import { ResidentFeed } from './resident.js';
import { StreamedFeed, type StreamedOptions } from './streamed.js';

interface FeedOptions extends StreamedOptions {
  /** A dataset of at most so many bytes may live in the engine as a whole. Default: 50 MB, as MNIST has. */
  readonly residentBytes?: number | undefined;
}

/** Above it a second copy of the dataset costs more than batches that are gathered on the host. */
const defaultResidentBytes = 3 * 2 ** 24;
/** The same for models beside whose work nobody notices how batches are gathered, from so many multiply-adds on. */
const residentBytesBesideWork = 2 ** 23;
const muchWork = 2 ** 20;

/**
 * How large a dataset may live in the engine that a model is trained on.
 *
 * @param multiplyAdds of the model, for one example
 */
export function residentBytesFor(multiplyAdds: number): number {
  return multiplyAdds >= muchWork ? residentBytesBesideWork : defaultResidentBytes;
}

/**
 * The feed for a dataset. It lives in the engine where it is small enough and trained on as it is; gpu, which has no
 * cheap way to take rows out of a resident, is fed batches.
 */
export function openFeed(engine: Engine, dataset: Dataset, options: FeedOptions): Feed {
  const { augmentation, residentBytes = defaultResidentBytes } = options;
  const resident =
    augmentation === undefined && dataset.images.length <= residentBytes && engine.report.backend !== 'gpu';
  return resident ? new ResidentFeed(dataset) : new StreamedFeed(dataset, options);
}
