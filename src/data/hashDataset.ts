import { sha256OfTwo } from '../core/sha256.js';
import type { Dataset } from './dataset.js';

type Hashes = Awaited<ReturnType<typeof sha256OfTwo>>;

const known = new WeakMap<Dataset, Promise<Hashes>>();

/** The SHA-256 of a dataset's images, of its labels, and of the one followed by the other: made once for each object. */
export function hashDataset(dataset: Dataset): Promise<Hashes> {
  let hashes = known.get(dataset);
  if (hashes === undefined) {
    hashes = sha256OfTwo('checkpoint', dataset.images, dataset.labels);
    known.set(dataset, hashes);
  }
  return hashes;
}
