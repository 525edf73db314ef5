import { DataError } from '../../core/errors.js';
import { checkLabels } from '../dataset.js';
import { type IdxArray, type IdxForm, parseIdx, readBounded } from '../idx.js';
import { verifyBytes } from './hashes.js';
import type { DatasetEntry, FileEntry } from './manifest.js';

/** One of the four files of a dataset. */
export interface DatasetFile extends FileEntry {
  readonly split: 'train' | 'test';
  /** The form that it must have. */
  readonly form: IdxForm;
}

/** The files of a dataset: images and labels, train before test. */
export function filesOf(entry: DatasetEntry): [DatasetFile, DatasetFile, DatasetFile, DatasetFile] {
  const [height, width, channels] = entry.image;
  const { dtype = 'uint8', columns } = entry.labels ?? {};
  // A single channel, and a single column of labels, have no axis of their own in the file.
  const image = channels === 1 ? [height, width] : [height, width, channels];
  const label = columns === undefined ? [] : [columns];
  const images = (split: 'train' | 'test'): DatasetFile => {
    const { count, images } = entry.splits[split];
    return { ...images, split, form: { dtype: 'uint8', shape: [count, ...image] } };
  };
  const labels = (split: 'train' | 'test'): DatasetFile => {
    const { count, labels } = entry.splits[split];
    return { ...labels, split, form: { dtype, shape: [count, ...label] } };
  };
  return [images('train'), labels('train'), images('test'), labels('test')];
}

/** Gives memory back at once: the collector sees no haste, and would leave it there for the whole training. */
function giveBack(buffer: ArrayBufferLike): void {
  if (!(buffer instanceof ArrayBuffer)) return;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(undefined, [buffer]);
  // drops what it was sent
  port2.close();
}

/**
 * Reads one file of a dataset. Its form is checked, and its hash unless `verify` is false.
 *
 * @param dataset the dataset's name, and `name` what the file is called, for errors.
 *
 * Throws DataError; a wrong hash is named with what was expected and what was found.
 */
export async function readDatasetFile(
  dataset: string,
  file: DatasetFile,
  path: string,
  { verify = true, name = path }: { verify?: boolean | undefined; name?: string } = {},
): Promise<IdxArray> {
  const stored = await readBounded(path, file.form);
  const array = await parseIdx(stored, name, file.form);
  if (verify) {
    const { ok, expected, found } = verifyBytes(file, stored, array.raw);
    if (!ok)
      throw new DataError(
        `${name}: wrong hash for ${file.name} of ${dataset}: expected ${expected}, found ${found}`,
      );
  }
  if (stored.buffer !== array.raw.buffer) giveBack(stored.buffer);
  return array;
}

/** Swaps the rows and columns of square images with one channel, in place: `[count, x, y]` → `[count, y, x]`. */
function transposeImages(images: Uint8Array, side: number): void {
  for (let start = 0; start < images.length; start += side * side) {
    for (let y = 1; y < side; y++) {
      for (let x = 0; x < y; x++) {
        const [below, above] = [start + y * side + x, start + x * side + y];
        const pixel = images[below]!;
        images[below] = images[above]!;
        images[above] = pixel;
      }
    }
  }
}

/**
 * Pixels `[count, height, width, channels]` of an images file, upright. What is stored lying is turned in the array that
 * was read: EMNIST has 550 MB of it.
 */
export function imagesOf(entry: DatasetEntry, array: IdxArray): Uint8Array {
  const pixels = array.data as Uint8Array;
  if (entry.transposed) transposeImages(pixels, entry.image[0]);
  return pixels;
}

/** One column of a labels file: `[count]` of `[count, columns]`. */
function columnOf({ labels: { columns = 1 } = {} }: DatasetEntry, array: IdxArray, column: number) {
  const values = new Int32Array(array.shape[0]!);
  for (let i = 0; i < values.length; i++) values[i] = array.data[i * columns + column]!;
  return values;
}

/** Classes `[count]` of a labels file, counted from 0. Throws DataError naming `path` for a label that is no class. */
export function labelsOf(entry: DatasetEntry, array: IdxArray, path: string): Uint8Array {
  const { column = 0, first = 0 } = entry.labels ?? {};
  const classes = columnOf(entry, array, column).map((label) => label - first);
  checkLabels(classes, entry.classes.length, path);
  return Uint8Array.from(classes);
}

/** Reads the writer of each image, `[count]`, if a labels file tells. */
export function writersOf(entry: DatasetEntry, array: IdxArray): Int32Array | undefined {
  const { writer } = entry.labels ?? {};
  return writer === undefined ? undefined : columnOf(entry, array, writer);
}
