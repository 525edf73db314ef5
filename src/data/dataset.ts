import { DataError, UsageError } from '../core/errors.js';
import { permutation } from './batches.js';

/** Images and their labels, as they are stored: pixels from 0 to 255, one label per image. */
export interface Dataset {
  readonly name: string;
  readonly split: 'train' | 'validation' | 'test';
  /** `[count, height, width, channels]`, row-major. */
  readonly images: Uint8Array;
  /** `[count]`, each an index into `classes`. */
  readonly labels: Uint8Array;
  readonly count: number;
  /** Height, width and channels of an image. */
  readonly shape: readonly [number, number, number];
  readonly classes: readonly string[];
}

/** Bytes of one image. */
export function imageSize({ shape }: Pick<Dataset, 'shape'>): number {
  return shape[0] * shape[1] * shape[2];
}

/** The first `count` images, or all if there are fewer; no copy. Throws UsageError unless `count` is 1 or more. */
export function take(dataset: Dataset, count: number): Dataset {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UsageError(`take: the number of images must be a whole number of at least 1: got ${count}`);
  }
  const kept = Math.min(count, dataset.count);
  return {
    ...dataset,
    images: dataset.images.subarray(0, kept * imageSize(dataset)),
    labels: dataset.labels.subarray(0, kept),
    count: kept,
  };
}

/** The images at `indices`, in that order; a copy. Throws UsageError for an index outside the dataset. */
export function select(
  dataset: Dataset,
  indices: ArrayLike<number>,
  split: Dataset['split'] = dataset.split,
): Dataset {
  const size = imageSize(dataset);
  const images = new Uint8Array(indices.length * size);
  const labels = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    const label = dataset.labels[index];
    if (label === undefined) {
      throw new UsageError(`select: an index is outside the dataset: ${index} of ${dataset.count} images`);
    }
    images.set(dataset.images.subarray(index * size, (index + 1) * size), i * size);
    labels[i] = label;
  }
  return { ...dataset, split, images, labels, count: indices.length };
}

/**
 * Divides a dataset at random into a part to train on and a part to validate with. The same seed and fraction give the
 * same parts, whatever else the seed is used for.
 *
 * @param fraction the share of the images, between 0 and 1, that goes to validation, rounded to whole images.
 *
 * Throws UsageError when a part would be empty.
 */
export function splitDataset(
  dataset: Dataset,
  fraction: number,
  seed: number,
): { train: Dataset; validation: Dataset } {
  const held = Math.round(dataset.count * fraction);
  if (!(held >= 1 && held < dataset.count)) {
    throw new UsageError(
      `splitDataset: the fraction must leave both parts an image: ${fraction} of ${dataset.count} images is ${held}`,
    );
  }
  const order = permutation(dataset.count, seed, 'split');
  return {
    train: select(dataset, order.subarray(held), 'train'),
    validation: select(dataset, order.subarray(0, held), 'validation'),
  };
}

/**
 * Labels as rows of zeros with a single 1: `[count, classes]`, row-major.
 *
 * Throws DataError for a label that is no class.
 */
export function oneHotLabels(labels: ArrayLike<number>, classes: number): Float32Array {
  checkLabels(labels, classes, 'oneHotLabels');
  const rows = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) rows[i * classes + labels[i]!] = 1;
  return rows;
}

/** Throws DataError, naming `where`, for the first label outside [0, classes). */
export function checkLabels(labels: ArrayLike<number>, classes: number, where: string): void {
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
      throw new DataError(
        `${where}: a label is out of range: number ${i} is ${label}, the classes are 0 to ${classes - 1}`,
      );
    }
  }
}
