import type { Augmentation } from './augmentation.js';
import { Draws, epochKey } from './draws.js';
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
  fill(indices: Int32Array, epoch: number, target: Uint8Array, [from, to]: readonly [number, number]): void {
    const { augmenter, images } = this;
    const key = epochKey(this.seed, epoch);
    for (let i = from; i < to; i++) {
      augmenter.augment(images, new Draws(key, indices[i]!), target, i * augmenter.size);
    }
  }
}
