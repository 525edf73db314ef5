import { type Augmentation, checkAugmentation } from '../../data/augment/augmentation.js';
import { type Augmenter, type AugmenterOptions, createAugmenter } from '../../data/augment/augmenter.js';
import { type Dataset, imageSize } from '../../data/dataset.js';
import type { Leaf } from '../../tensor/tensor.js';
import { Blocks } from './blocks.js';
import type { Feed, FeedValues, Pass } from './feed.js';

export interface StreamedOptions {
  readonly batchSize: number;
  readonly augmentation?: Augmentation | undefined;
  /** Of the augmentation; default 0. */
  readonly seed?: number | undefined;
  /** Of the threads that augment. */
  readonly dataWorkers?: AugmenterOptions | undefined;
  /** Bytes of a block of images; default 4 MB. At least one batch is in a block. */
  readonly blockBytes?: number | undefined;
}

const defaultBlockBytes = 4 * 2 ** 20;

/**
 * A step is fed the batch itself: `images`, uint8 `[batch, …shape]`, and `labels`, uint8 `[batch]`. Blocks of images are
 * gathered or augmented on the host, one ahead of the one that is trained on.
 */
export class StreamedFeed implements Feed {
  private readonly size: number;
  private blocks: Blocks | undefined;
  private augmenter: Augmenter | undefined;
  private order: Int32Array = new Int32Array(0);

  /** @throws UsageError for an augmentation that is not well formed or does not suit the images */
  constructor(
    readonly dataset: Dataset,
    private readonly options: StreamedOptions,
  ) {
    const { batchSize, augmentation, blockBytes = defaultBlockBytes } = options;
    if (augmentation !== undefined) checkAugmentation(augmentation, dataset.shape);
    const batches = Math.max(1, Math.floor(blockBytes / (imageSize(dataset) * batchSize)));
    this.size = Math.min(batches * batchSize, Math.ceil(dataset.count / batchSize) * batchSize);
  }

  signature(batchSize: number) {
    return {
      images: { shape: [batchSize, ...this.dataset.shape], dtype: 'uint8' },
      labels: { shape: [batchSize], dtype: 'uint8' },
    } as const;
  }

  images({ images }: Readonly<Record<string, Leaf>>) {
    return images!;
  }

  labels({ labels }: Readonly<Record<string, Leaf>>) {
    return labels!;
  }

  begin(pass: Pass, next?: () => Pass | undefined): void {
    this.blocks ??= new Blocks(this.openFill(), this.size, imageSize(this.dataset));
    this.blocks.begin(pass, next);
    this.order = pass.order;
  }

  reach(position: number): number {
    return this.blocks!.end(position) - position;
  }

  async values(position: number, count: number): Promise<FeedValues> {
    const images = await this.blocks!.images(position, count);
    const labels = new Uint8Array(count);
    for (let i = 0; i < count; i++) labels[i] = this.dataset.labels[this.order[position + i]!]!;
    return { images, labels };
  }

  async close(): Promise<void> {
    await this.augmenter?.close();
    await this.blocks?.settle();
    this.augmenter = undefined;
    this.blocks = undefined;
  }

  private openFill() {
    const { augmentation, seed = 0, dataWorkers } = this.options;
    if (augmentation !== undefined) {
      const augmenter = createAugmenter(this.dataset, augmentation, seed, dataWorkers);
      this.augmenter = augmenter;
      return augmenter.fill.bind(augmenter);
    }
    const { dataset } = this;
    const size = imageSize(dataset);
    return async (indices: Int32Array, _epoch: number, target: Uint8Array) => {
      for (let i = 0; i < indices.length; i++) {
        const start = indices[i]! * size;
        target.set(dataset.images.subarray(start, start + size), i * size);
      }
    };
  }
}
