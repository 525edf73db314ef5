import { checkInteger, checkMembers, kindOf } from '../core/check.js';
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
  /** `[count]`, a number for whoever wrote each image, where that is known. */
  readonly writers?: Int32Array | undefined;
}

const datasetHint =
  'A dataset is { name, split, images: Uint8Array of pixels from 0 to 255, labels: Uint8Array of class numbers, count, shape: [height, width, channels], classes: names }.';

const members = ['images', 'labels', 'count', 'shape', 'classes'];

/** A value for messages: numbers themselves, of others the kind. */
const shown = (value: unknown) => (typeof value === 'object' ? kindOf(value) : String(value));

/**
 * Throws DataError unless a value is a sound dataset: its arrays are of the right types and lengths, every label is a
 * class.
 *
 * @param what begins the message: `fit`
 */
export function checkDataset(what: string, dataset: Dataset): void {
  const refuse = (wrong: string): never => {
    throw new DataError(`${what}: this is no dataset: ${wrong}`, { hint: datasetHint });
  };
  if (typeof dataset !== 'object' || dataset === null) refuse(shown(dataset));
  const { name, images, labels, count, shape, classes } = dataset;
  if (typeof name !== 'string') refuse(`name is ${shown(name)}, not text`);
  for (const [part, array] of Object.entries({ images, labels })) {
    if (!(array instanceof Uint8Array)) refuse(`${part} is ${shown(array)}, not Uint8Array`);
  }
  if (!Number.isSafeInteger(count) || count < 0) refuse(`count is ${shown(count)}, not a whole number`);
  const isShape =
    Array.isArray(shape) && shape.length === 3 && shape.every((n) => Number.isSafeInteger(n) && n > 0);
  if (!isShape)
    refuse(`shape is ${Array.isArray(shape) ? `[${shape}]` : shown(shape)}, not [height, width, channels]`);
  if (!Array.isArray(classes) || !classes.every((one) => typeof one === 'string')) {
    refuse(
      `classes is ${shown(classes)}${Array.isArray(classes) ? ' of other than names' : ', not an array of names'}`,
    );
  }
  const size = imageSize(dataset);
  if (images.length !== count * size) {
    refuse(`${images.length} pixels are not ${count} images of [${shape.join(', ')}] (${size} pixels each)`);
  }
  if (labels.length !== count) refuse(`there are ${labels.length} labels for ${count} images`);
  checkLabels(labels, classes.length, `${what}: ${name}`);
}

/** Bytes of one image. */
export function imageSize({ shape }: Pick<Dataset, 'shape'>): number {
  return shape[0] * shape[1] * shape[2];
}

/** The first `count` images, or all if there are fewer; no copy. Throws UsageError unless `count` is 1 or more. */
export function take(dataset: Dataset, count: number): Dataset {
  checkInteger('take: count', count);
  checkMembers('take', 'a dataset', dataset, members);
  const kept = Math.min(count, dataset.count);
  return {
    ...dataset,
    images: dataset.images.subarray(0, kept * imageSize(dataset)),
    labels: dataset.labels.subarray(0, kept),
    count: kept,
    ...(dataset.writers !== undefined && { writers: dataset.writers.subarray(0, kept) }),
  };
}

/** True if a split is stored class by class, as a folder of pictures per class is, or the test letters of EMNIST. */
function isSortedByClass({ labels, count }: Dataset): boolean {
  for (let i = 1; i < count; i++) if (labels[i]! < labels[i - 1]!) return false;
  return count > 1 && labels[0] !== labels[count - 1];
}

/** Indices that go round the classes: the first image of every class, then the second, … */
function roundTheClasses({ labels, classes }: Dataset): number[] {
  const places: number[][] = classes.map(() => []);
  for (const [i, label] of labels.entries()) places[label]!.push(i);
  const longest = Math.max(...places.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) => places.flatMap((own) => own[turn] ?? [])).flat();
}

/**
 * At most `count` images to stand for all: the first, as `take` gives them; but where the images are stored class by
 * class, the first of every class in turn, so that no class is left out. Throws UsageError unless `count` is 1 or more.
 */
export function limitDataset(dataset: Dataset, count: number): Dataset {
  checkMembers('limit', 'a dataset', dataset, members);
  if (!(count >= 1 && count < dataset.count) || !isSortedByClass(dataset)) return take(dataset, count);
  return select(dataset, roundTheClasses(dataset).slice(0, count));
}

/** The images at `indices`, in that order; a copy. Throws UsageError for an index outside the dataset. */
export function select(
  dataset: Dataset,
  indices: ArrayLike<number>,
  split: Dataset['split'] = dataset?.split,
): Dataset {
  checkMembers('select', 'a dataset', dataset, members);
  checkMembers('select: indices', 'a list of numbers', indices, ['length']);
  const size = imageSize(dataset);
  const images = new Uint8Array(indices.length * size);
  const labels = new Uint8Array(indices.length);
  const writers = dataset.writers && new Int32Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    const label = dataset.labels[index];
    if (label === undefined) {
      throw new UsageError(`select: an index is outside the dataset: ${index} of ${dataset.count} images`);
    }
    images.set(dataset.images.subarray(index * size, (index + 1) * size), i * size);
    labels[i] = label;
    if (writers) writers[i] = dataset.writers![index]!;
  }
  return { ...dataset, split, images, labels, count: indices.length, ...(writers && { writers }) };
}

/** The images of several parts of the same form and classes, one after the other: a copy, unless they are in one of them. */
export function join(parts: readonly [Dataset, ...Dataset[]], split: Dataset['split']): Dataset {
  const [first] = parts;
  const [only, ...others] = parts.filter(({ count }) => count > 0);
  if (only !== undefined && others.length === 0) return { ...only, split };
  const images = new Uint8Array(parts.reduce((sum, part) => sum + part.images.length, 0));
  let at = 0;
  for (const part of parts) {
    images.set(part.images, at);
    at += part.images.length;
  }
  const labels = new Uint8Array(parts.reduce((sum, { count }) => sum + count, 0));
  at = 0;
  for (const part of parts) {
    labels.set(part.labels, at);
    at += part.count;
  }
  const { name, shape, classes } = first;
  return { name, split, images, labels, count: labels.length, shape, classes };
}

/** The unit in which images are held out: single images, or whole writers. */
export type SplitBy = 'image' | 'writer';

/** How many images a fraction is. Throws UsageError, with `what` it is called, when a part would be empty. */
export function heldOut(what: string, { count }: Pick<Dataset, 'count'>, fraction: number): number {
  const held = Math.round(count * fraction);
  if (held >= 1 && held < count) return held;
  throw new UsageError(`${what} must leave both parts an image: ${fraction} of ${count} images is ${held}`);
}

/**
 * Divides a dataset at random into a part to train on and a part to validate with. The same seed and fraction give the
 * same parts, whatever else the seed is used for.
 *
 * @param fraction the share of the images, between 0 and 1, that goes to validation, rounded to whole images.
 * @param by 'writer' does as `splitByWriter`; default 'image'.
 *
 * Throws UsageError when a part would be empty.
 */
export function splitDataset(
  dataset: Dataset,
  fraction: number,
  seed: number,
  by: SplitBy = 'image',
): { train: Dataset; validation: Dataset } {
  checkMembers('splitDataset', 'a dataset', dataset, members);
  if (by === 'writer') return splitByWriter(dataset, fraction, seed);
  const held = heldOut('splitDataset: the fraction', dataset, fraction);
  const order = permutation(dataset.count, seed, 'split');
  return {
    train: select(dataset, order.subarray(held), 'train'),
    validation: select(dataset, order.subarray(0, held), 'validation'),
  };
}

/** Images by who wrote them: indices in ascending order. Throws UsageError when that is not known. */
function imagesByWriter({ name, writers, count }: Dataset): number[][] {
  if (writers === undefined) {
    throw new UsageError(`splitByWriter: who wrote the images of ${name} is not known`, {
      hint: 'It is known of qmnist, and of mnist when that is loaded with `writers: true`.',
    });
  }
  const images = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const own = images.get(writers[i]!);
    if (own === undefined) images.set(writers[i]!, [i]);
    else own.push(i);
  }
  return [...images.values()];
}

/**
 * Divides a dataset at random into a part to train on and a part to validate with that have no writer in common: what
 * is validated with is handwriting that was never seen, as in the test set of MNIST. Writers are drawn one by one until
 * their images are as near to the fraction as whole writers come. The same seed and fraction give the same parts.
 *
 * @param fraction the share of the images, between 0 and 1, that goes to validation.
 *
 * Throws UsageError when the writers are not known, or a part would be empty.
 */
export function splitByWriter(
  dataset: Dataset,
  fraction: number,
  seed: number,
): { train: Dataset; validation: Dataset } {
  checkMembers('splitByWriter', 'a dataset', dataset, members);
  const writers = imagesByWriter(dataset);
  const wanted = dataset.count * fraction;
  const order = permutation(writers.length, seed, 'split by writer');
  let held = 0;
  let taken = 0;
  while (taken < order.length && held < wanted) {
    const { length } = writers[order[taken]!]!;
    // Without the last writer it may be nearer.
    if (taken > 0 && held + length - wanted > wanted - held) break;
    held += length;
    taken++;
  }
  if (!(taken >= 1 && taken < writers.length)) {
    throw new UsageError(
      `splitByWriter: the fraction must leave both parts a writer: ${fraction} of ${writers.length} writers is ${taken}`,
    );
  }
  const indices = (from: number, to: number) =>
    Int32Array.from([...order.subarray(from, to)].flatMap((writer) => writers[writer]!)).sort();
  return {
    train: select(dataset, indices(taken, order.length), 'train'),
    validation: select(dataset, indices(0, taken), 'validation'),
  };
}

/**
 * Labels as rows of zeros with a single 1: `[count, classes]`, row-major.
 *
 * Throws DataError for a label that is no class.
 */
export function oneHotLabels(labels: ArrayLike<number>, classes: number): Float32Array {
  checkMembers('oneHotLabels: labels', 'a list of class numbers', labels, ['length']);
  checkInteger('oneHotLabels: classes', classes);
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
