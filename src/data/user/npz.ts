import { unzipSync } from 'fflate';
import { DataError, reasonOf } from '../../core/errors.js';
import { readBounded } from '../idx.js';
import type { Examples, ImageShape, Parts } from './examples.js';
import { decodeNpy, type NpyArray } from './npy.js';
import { shapeOfPixels, toPixels } from './pixels.js';

/** Names of the arrays of a part, in the order in which they are looked for: images, labels. */
const trainNames = [
  ['x_train', 'y_train'],
  ['train_images', 'train_labels'],
  ['x', 'y'],
  ['images', 'labels'],
  ['data', 'labels'],
  ['arr_0', 'arr_1'],
] as const;
const testNames = [
  ['x_test', 'y_test'],
  ['test_images', 'test_labels'],
] as const;

/** An archive that claims more than this is refused before anything is unpacked. */
const largestUnpacked = 2 ** 31;

/** The arrays of the archive, by name, not decoded. */
function unpack(bytes: Uint8Array, file: string): Map<string, Uint8Array> {
  let unpacked = 0;
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        unpacked += originalSize;
        return name.endsWith('.npy') && unpacked <= largestUnpacked;
      },
    });
  } catch (cause) {
    throw new DataError(`${file}: not a sound zip archive: ${reasonOf(cause)}`, { cause });
  }
  if (unpacked > largestUnpacked) {
    throw new DataError(`${file}: too large: it unpacks to more than ${largestUnpacked} bytes`);
  }
  return new Map(Object.entries(members).map(([name, data]) => [name.slice(0, -'.npy'.length), data]));
}

/** [count, height, width], [count, height, width, channels] or [count, pixels]. */
function imageShape(array: NpyArray, shapes: readonly (ImageShape | undefined)[], where: string): ImageShape {
  const [, height, width, channels = 1] = array.shape;
  if (array.shape.length === 2) return shapeOfPixels(height!, shapes, where);
  if ((array.shape.length === 3 || array.shape.length === 4) && (channels === 1 || channels === 3)) {
    return [height!, width!, channels];
  }
  throw new DataError(
    `${where}: images must be [count, height, width], with 1 or 3 channels behind, or [count, pixels]: [${array.shape.join(', ')}]`,
  );
}

function examplesOf(
  images: NpyArray,
  labels: NpyArray,
  where: readonly [images: string, labels: string],
  shapes: readonly (ImageShape | undefined)[],
): Examples {
  const shape = imageShape(images, shapes, where[0]);
  const count = images.shape[0]!;
  // a column of labels is fine
  if (labels.shape.length > 2 || labels.data.length !== count || labels.shape[0] !== count) {
    throw new DataError(
      `${where[1]}: there must be a label for each of ${count} images: [${labels.shape.join(', ')}]`,
    );
  }
  const names = Array.from(labels.data, (label, i) => {
    if (Number.isSafeInteger(label)) return String(label);
    throw new DataError(`${where[1]}: label ${i + 1} is not a whole number`);
  });
  const size = images.data.length / Math.max(count, 1);
  const pixels = toPixels(images.data, (i) => `${where[0]}, image ${Math.floor(i / size) + 1}`);
  return { images: pixels, shape, labels: names };
}

/**
 * Reads arrays that numpy.savez or numpy.savez_compressed stored: images and labels to train on, perhaps others to test
 * with, under the names that Keras uses (x_train, y_train, x_test, y_test) or others that are usual.
 *
 * @throws DataError naming file and array
 */
export async function readNpz(file: string, shapes: readonly (ImageShape | undefined)[]): Promise<Parts> {
  const arrays = unpack(await readBounded(file), file);
  const read = (names: readonly (readonly [string, string])[]): Examples | undefined => {
    const found = names.find(([x, y]) => arrays.has(x) && arrays.has(y));
    if (found === undefined) return undefined;
    const where = [`${file}: ${found[0]}`, `${file}: ${found[1]}`] as const;
    const [images, labels] = found.map((name, i) => decodeNpy(arrays.get(name)!, where[i]!));
    return examplesOf(images!, labels!, where, shapes);
  };
  const train = read(trainNames);
  if (train === undefined) {
    const wanted = trainNames.map((names) => names.join(' and ')).join(', ');
    throw new DataError(
      `${file}: there are no arrays of images and labels under usual names: it holds ${[...arrays.keys()].join(', ') || 'none'}`,
      { hint: `Usual names are ${wanted}.` },
    );
  }
  return { train, test: read(testNames) };
}
