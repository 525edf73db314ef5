import type { Augmentation } from '../../../src/data/augment/augmentation.js';
import { Filler } from '../../../src/data/augment/filler.js';
import type { Dataset } from '../../../src/data/dataset.js';

/** Images of numbers, one after another, as a dataset. */
export function datasetOf(pixels: ArrayLike<number>, shape: readonly [number, number, number]): Dataset {
  const count = pixels.length / (shape[0] * shape[1] * shape[2]);
  return {
    name: 'tiny',
    split: 'train',
    images: pixels instanceof Uint8Array ? pixels : Uint8Array.from(pixels),
    labels: new Uint8Array(count),
    count,
    shape,
    classes: ['a', 'b'],
  };
}

/** The same image many times. */
export function repeated(
  pixels: ArrayLike<number>,
  shape: readonly [number, number, number],
  count: number,
): Dataset {
  const all = new Uint8Array(count * pixels.length);
  for (let i = 0; i < count; i++) all.set(pixels, i * pixels.length);
  return datasetOf(all, shape);
}

/** Bytes of no meaning, the same every time (xorshift32, Marsaglia 2003). */
export function noise(count: number, shape: readonly [number, number, number]): Dataset {
  let x = 2463534242;
  return datasetOf(
    Array.from({ length: count * shape[0] * shape[1] * shape[2] }, () => {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      return x & 255;
    }),
    shape,
  );
}

/** All images of a dataset, or some of them, in an epoch. */
export function augmented(
  { images, shape, count }: Dataset,
  augmentation: Augmentation,
  { seed = 1, epoch = 1, indices = Int32Array.from({ length: count }, (_, i) => i) } = {},
): Uint8Array {
  const target = new Uint8Array(indices.length * shape[0] * shape[1] * shape[2]);
  new Filler(images, shape, augmentation, seed).fill(indices, epoch, target, [0, indices.length]);
  return target;
}

/** Image i of them, as a list of numbers. */
export function imageAt(images: Uint8Array, size: number, i: number): number[] {
  return [...images.subarray(i * size, (i + 1) * size)];
}
