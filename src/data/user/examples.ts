import { DataError, UsageError } from '../../core/errors.js';
import { randomKey } from '../../core/random.js';
import { permutation } from '../batches.js';
import { type Dataset, select } from '../dataset.js';
import { resize, withChannels } from '../images/picture.js';

/** Height, width and channels of an image. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** Images of one size and the names of their classes, as a file has them. */
export interface Examples {
  /** `[count, height, width, channels]` */
  readonly images: Uint8Array;
  readonly shape: ImageShape;
  /** `[count]` */
  readonly labels: readonly string[];
}

/** What was found: with a part to test with, or without one. */
export interface Parts {
  readonly train: Examples;
  readonly test?: Examples | undefined;
}

const largestBytes = 2 ** 31;
/** Labels are kept as one byte each. */
const mostClasses = 256;

export const shapeText = (shape: readonly number[]) => shape.join(' x ');

/** Throws UsageError unless sides are from 1 to 4096 and there are 1 or 3 channels. */
export function checkShape(shape: ImageShape, what: string): void {
  const [height, width, channels] = shape;
  const side = (size: number) => Number.isInteger(size) && size >= 1 && size <= 4096;
  if (shape.length === 3 && side(height) && side(width) && (channels === 1 || channels === 3)) return;
  throw new UsageError(
    `loadUserDataset: ${what} must be [height, width, channels], sides up to 4096 and 1 or 3 channels: [${shape.join(', ')}]`,
  );
}

/** Memory for so many images. Throws DataError naming `where` if that is more than 2 GB. */
export function allocateImages(
  count: number,
  [height, width, channels]: ImageShape,
  where: string,
): Uint8Array {
  const bytes = count * height * width * channels;
  if (bytes <= largestBytes) return new Uint8Array(bytes);
  throw new DataError(
    `${where}: too large: ${count} images of ${shapeText([height, width, channels])} take ${bytes} bytes, the limit is ${largestBytes}`,
    { hint: 'A smaller shape takes less.' },
  );
}

/** The examples with images of another size or other channels. */
export function reshape(examples: Examples, shape: ImageShape, where: string): Examples {
  const { images, shape: old, labels } = examples;
  if (shapeText(old) === shapeText(shape)) return examples;
  const [height, width, channels] = old;
  const from = height * width * channels;
  const to = shape[0] * shape[1] * shape[2];
  const resized = allocateImages(labels.length, shape, where);
  for (let i = 0; i < labels.length; i++) {
    const picture = { height, width, channels, values: images.subarray(i * from, (i + 1) * from) };
    resized.set(resize(withChannels(picture, shape[2]), shape[0], shape[1]), i * to);
  }
  return { images: resized, shape, labels };
}

/** Names in order: as numbers if all are whole numbers, else by their letters. */
function sortedNames(names: Iterable<string>): string[] {
  const sorted = [...new Set(names)].sort();
  return sorted.every((name) => /^-?\d{1,15}$/.test(name))
    ? sorted.sort((a, b) => Number(a) - Number(b))
    : sorted;
}

/** The classes of a part to train on. Throws DataError naming `where` unless there are 2 to 256. */
export function classesOf({ labels }: Examples, where: string): string[] {
  const classes = sortedNames(labels);
  if (classes.length >= 2 && classes.length <= mostClasses) return classes;
  const hint = classes.length < 2 ? undefined : 'Labels are the names of classes, not measurements.';
  throw new DataError(
    `${where}: there must be 2 to ${mostClasses} classes: ${labels.length} images to train on have ${classes.length}`,
    { ...(hint !== undefined && { hint }) },
  );
}

/** A part as a dataset. Throws DataError naming `where` for a label that is none of the classes, or no images. */
export function toDataset(
  { images, shape, labels }: Examples,
  split: 'train' | 'test',
  name: string,
  classes: readonly string[],
  where: string,
): Dataset {
  if (labels.length === 0) throw new DataError(`${where}: there are no images to ${split} with`);
  const numbers = new Map(classes.map((label, i): [string, number] => [label, i]));
  const indices = labels.map((label, i) => {
    const number = numbers.get(label);
    if (number !== undefined) return number;
    throw new DataError(
      `${where}: image ${i + 1} to ${split} with is of a class that no image to train on has: the classes are ${classes.join(', ')}`,
    );
  });
  return { name, split, images, labels: Uint8Array.from(indices), count: labels.length, shape, classes };
}

/**
 * Divides a dataset at random into a part to train on and one to test with. Every class gives its share, rounded, and
 * keeps an image to train on; the order of the images remains.
 */
export function holdOut(dataset: Dataset, share: number, seed: number): { train: Dataset; test: Dataset } {
  const held = new Uint8Array(dataset.count);
  for (let label = 0; label < dataset.classes.length; label++) {
    const own: number[] = [];
    for (let i = 0; i < dataset.count; i++) if (dataset.labels[i] === label) own.push(i);
    const count = Math.min(own.length - 1, Math.round(own.length * share));
    const order = permutation(own.length, randomKey(seed, 'holdOut', label));
    for (const i of order.subarray(0, Math.max(0, count))) held[own[i]!] = 1;
  }
  const indices = Array.from({ length: dataset.count }, (_, i) => i);
  const part = (isHeld: number, split: Dataset['split']) =>
    select(
      dataset,
      indices.filter((i) => held[i] === isHeld),
      split,
    );
  const [train, test] = [part(0, 'train'), part(1, 'test')];
  if (test.count > 0) return { train, test };
  throw new UsageError(
    `loadUserDataset: a test share of ${share} leaves no image to test with: ${dataset.count} images in ${dataset.classes.length} classes`,
  );
}
