/** Tells images from labels among numpy's arrays, and their parts. */

import { DataError } from '../../../core/errors.js';
import { fourAxes } from '../../../core/shape.js';
import type { ImageShape } from '../../images/picture.js';
import { checkInMemory } from '../../memory.js';
import { className, type Part, pairKey, partNames, partOf, roleOf } from '../names.js';
import { findShape, shapeOfPixels } from '../pixels/shape.js';
import type { Reading } from '../reading.js';
import type { Raw, Sources } from '../source.js';
import {
  bytesDecoded,
  decodeNpy,
  decodeNpyText,
  isText,
  type NpyHeader,
  readNpyHeader,
  transpose,
} from './npy.js';

/** An array that is not decoded yet. */
export interface StoredArray {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Its file and name, for errors. */
  readonly where: string;
}

interface Described extends StoredArray {
  readonly header: NpyHeader;
  readonly count: number;
}

const product = (sizes: readonly number[]) => sizes.reduce((total, size) => total * size, 1);
const shapeText = (shape: readonly number[]) => `[${shape.join(', ')}]`;

/** [count, height, width], with 1 or 3 channels behind or before, or [count, pixels]. */
function mayBeImages({ header }: Described, { shapes }: Reading): boolean {
  const { shape } = header;
  if (isText(header)) return false;
  if (shape.length === 2) return shape[1]! > 3 && findShape(shape[1]!, shapes) !== undefined;
  return shape.length === 3 || (shape.length === 4 && channelAxis(shape) !== undefined);
}

/** [count], [count, 1], or a row for each with a single 1. */
const mayBeLabels = ({ header: { shape } }: Described) =>
  shape.length === 1 || (shape.length === 2 && shape[1]! <= 256);

/** The axis of 1 or 3 channels: the last, else the second. */
function channelAxis(shape: readonly number[]): number | undefined {
  return [3, 1].find((axis) => shape[axis] === 1 || shape[axis] === 3);
}

/** Throws DataError naming the file where the arrays take too much memory with all that is made of them. */
function describe(arrays: readonly StoredArray[], file: string): Described[] {
  const described = arrays.map((array) => {
    const header = readNpyHeader(array.bytes, array.where);
    return { ...array, header, count: header.shape[0] ?? 0 };
  });
  const needed = described.reduce((sum, { bytes, header }) => sum + bytes.length + bytesDecoded(header), 0);
  checkInMemory(needed, file);
  return described;
}

/** A pair of arrays that are taken for a part, or images without labels. */
interface Pair {
  readonly images: Described;
  readonly labels: Described | undefined;
}

/** Pairs images with labels of as many: of the same name but for the word, of the same part, or the next that is left. */
function pairUp(arrays: readonly Described[], reading: Reading): Pair[] {
  const isImages = (array: Described) =>
    mayBeImages(array, reading) && (roleOf(array.name) !== 'labels' || !mayBeLabels(array));
  const images = arrays.filter(isImages);
  const labels = arrays.filter((array) => !images.includes(array) && mayBeLabels(array));
  const left = new Set(labels);
  return images.map((array) => {
    const fitting = [...left].filter(({ count }) => count === array.count);
    const found =
      fitting.find(({ name }) => pairKey(name) === pairKey(array.name)) ??
      fitting.find(({ name }) => partOf(name) === partOf(array.name)) ??
      (partOf(array.name) === undefined ? fitting.find(({ name }) => partOf(name) === undefined) : undefined);
    if (found !== undefined) left.delete(found);
    return { images: array, labels: found };
  });
}

/** The parts of pairs: by their names, else in their order: to train with, (to validate with,) to test with. */
function partsOf(pairs: readonly Pair[]): Map<Part, Pair> | undefined {
  const parts = new Map<Part, Pair>();
  const unnamed: Pair[] = [];
  for (const pair of pairs) {
    const part = partOf(pair.images.name);
    if (part === undefined) unnamed.push(pair);
    else if (parts.has(part)) return undefined;
    else parts.set(part, pair);
  }
  const free = partNames.filter((part) => !parts.has(part));
  if (unnamed.length > free.length) return undefined;
  for (const [i, pair] of unnamed.entries()) {
    // of two the second is to test with, of three the last
    const last = i > 0 && i === unnamed.length - 1;
    parts.set((last ? free.at(-1) : free[i])!, pair);
  }
  return parts;
}

/** The names of arrays that need no word: those of Keras and of scikit-learn. */
const plainNames =
  /^([xy]|images|labels|data|target|([xy]|images|labels)_(train|test|val)|(train|test|val)_(images|labels))$/i;

function pixelsOf(
  array: Described,
  reading: Reading,
): { values: ArrayLike<number>; shape: ImageShape; logical: boolean } {
  const { data, shape, logical } = decodeNpy(array.bytes, array.where);
  if (shape.length === 2)
    return { values: data, shape: shapeOfPixels(shape[1]!, reading, array.where), logical };
  if (shape.length === 3) return { values: data, shape: [shape[1]!, shape[2]!, 1], logical };
  const [, a, b, c] = fourAxes(shape);
  if (channelAxis(shape) === 3 || a === 1) {
    return { values: data, shape: channelAxis(shape) === 3 ? [a, b, c] : [b, c, 1], logical };
  }
  reading.note(`${array.where}: ${shapeText(shape)}: channels come first in it`);
  const make = (length: number) =>
    data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
  const moved = transpose(data, shape, [0, 2, 3, 1], make);
  return { values: moved.data, shape: [b, c, a], logical };
}

/** The class of each image: numbers, text, or rows with a single 1. */
function labelsOf({ bytes, where, header, count }: Described): string[] {
  if (isText(header)) return decodeNpyText(bytes, where).texts.map(className);
  const { data, shape } = decodeNpy(bytes, where);
  const width = product(shape.slice(1));
  if (width !== 1) return fromRows(data, count, width, where);
  return Array.from(data, (label, i) => {
    if (Number.isSafeInteger(label)) return String(label);
    throw new DataError(`${where}: label ${i + 1} is not a whole number`);
  });
}

function fromRows(data: ArrayLike<number>, count: number, width: number, where: string): string[] {
  return Array.from({ length: count }, (_, i) => {
    const row = Array.from({ length: width }, (_, at) => data[i * width + at]!);
    if (row.filter((value) => value === 1).length === 1 && row.every((value) => value === 0 || value === 1)) {
      return String(row.indexOf(1));
    }
    throw new DataError(`${where}: row ${i + 1} is no label: a single 1 among zeros is expected`);
  });
}

function rawOf({ images, labels }: Pair, reading: Reading): Raw {
  const { values, shape, logical } = pixelsOf(images, reading);
  const size = product(shape);
  const where = (i: number) => `${images.where}, image ${Math.floor(i / size) + 1}`;
  return { numbers: { values, where, logical }, shape, labels: labels === undefined ? [] : labelsOf(labels) };
}

const usage = 'numpy.savez("data.npz", x_train=…, y_train=…, x_test=…, y_test=…) names them.';

const listed = (arrays: readonly Described[]) =>
  arrays.map(({ name, header }) => `${name} ${shapeText(header.shape)}`).join(', ') || 'none';

/** Says which arrays are taken for what, where their names do not. */
function noteTaken(
  parts: ReadonlyMap<Part, Pair>,
  arrays: readonly Described[],
  file: string,
  reading: Reading,
): void {
  const pairs = [...parts.values()].flatMap(({ images, labels }) => (labels ? [images, labels] : [images]));
  const guessed = pairs.some(({ name }) => !plainNames.test(name));
  if (guessed) {
    const told = [...parts].map(
      ([part, { images, labels }]) => `${part}: ${images.name} and ${labels?.name}`,
    );
    reading.note(`${file}: taken for images and labels: ${told.join('; ')}`);
  }
  const unused = arrays.filter((array) => !pairs.includes(array));
  if (unused.length > 0) reading.note(`${file}: not used: ${listed(unused)}`);
}

/** The error of arrays that are no images, or that have no labels. */
function missing(what: 'images' | 'labels', arrays: readonly Described[], file: string): DataError {
  const odd = what === 'labels' ? undefined : arrays.find(({ header }) => hasOddChannels(header));
  if (odd === undefined) {
    return new DataError(`${file}: there are no arrays of ${what} in it: it holds ${listed(arrays)}`, {
      hint: usage,
    });
  }
  const { shape } = odd.header;
  const first = shape[1]! < 8 && shape[3]! >= 8;
  const channels = first ? shape[1]! : shape[3]!;
  const kept = channels > 3 ? 3 : 1;
  return new DataError(
    `${odd.where}: images have 1 or 3 channels, these have ${channels}: ${shapeText(shape)}`,
    channels === 2 || channels === 4
      ? { hint: `${odd.name}[${first ? ':' : '...'}, :${kept}] leaves out their transparency.` }
      : {},
  );
}

/** Images whose channels are neither gray nor red, green and blue. */
const hasOddChannels = (header: NpyHeader) =>
  !isText(header) && header.shape.length === 4 && channelAxis(header.shape) === undefined;

/** Images and labels by their parts. Throws DataError where it is not clear which is what. */
export function sourcesOfArrays(stored: readonly StoredArray[], file: string, reading: Reading): Sources {
  const arrays = describe(stored, file);
  const pairs = pairUp(arrays, reading);
  const labeled = pairs.filter(({ labels }) => labels !== undefined);
  if (labeled.length === 0) {
    const [pair] = pairs;
    const lone = pair && arrays.find((array) => array !== pair.images && mayBeLabels(array));
    if (pair !== undefined && lone !== undefined) {
      throw new DataError(
        `${lone.where}: there must be a label for each of ${pair.images.count} images: ${shapeText(lone.header.shape)}`,
      );
    }
    throw missing(pairs.length === 0 ? 'images' : 'labels', arrays, file);
  }
  const parts = partsOf(labeled);
  if (parts === undefined) {
    throw new DataError(`${file}: which arrays are to train with is not clear: it holds ${listed(arrays)}`, {
      hint: usage,
    });
  }
  noteTaken(parts, arrays, file, reading);
  return Object.fromEntries([...parts].map(([part, pair]) => [part, rawOf(pair, reading)]));
}

/** The images of all arrays that are such, labels or not, by their names. Throws DataError where there are none. */
export function imagesOfArrays(
  stored: readonly StoredArray[],
  file: string,
  reading: Reading,
): { readonly name: string; readonly raw: Raw }[] {
  const arrays = describe(stored, file);
  const pairs = pairUp(arrays, reading);
  if (pairs.length > 0) {
    return pairs.map(({ images }) => ({
      name: images.name,
      raw: rawOf({ images, labels: undefined }, reading),
    }));
  }
  throw missing('images', arrays, file);
}
