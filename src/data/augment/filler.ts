import type { Augmentation } from './augmentation.js';
import { epochKey } from './draws.js';
import { ImageAugmenter } from './imageAugmenter.js';

/** Augments images of one dataset, on whatever thread it is on. */
export class Filler {
  private readonly augmenter: ImageAugmenter;

  constructor(
    private readonly images: Uint8Array,
    shape: readonly [number, number, number],
    augmentation: Augmentation,
    private readonly seed: number,
  ) {
    this.augmenter = new ImageAugmenter(shape, augmentation);
  }

  /** Writes the images `indices[from]` to `indices[to - 1]`, as they are in an epoch, to their places in `target`. */
  fill(indices: Int32Array, epoch: number, target: Uint8Array, from: number, to: number): void {
    const { augmenter, images } = this;
    const { size } = augmenter;
    const key = epochKey(this.seed, epoch);
    for (let i = from; i < to; i++) {
      const index = indices[i]!;
      augmenter.augment(images, index * size, target, i * size, key, index);
    }
  }
}
