import { basename, dirname, join } from 'node:path';
import { DataError } from '../../../core/errors.js';
import { exists } from '../../../core/files.js';
import { readIdx } from '../../idx.js';
import { bytesPerImage, checkInMemory } from '../../memory.js';
import { className, type Part, partOf } from '../names.js';
import type { Raw, Sources } from '../source.js';

const imagesName = /images?[-._]idx[34]/i;

/** Tells whether a name looks like that of an idx file of images. */
export const isIdxImages = (name: string) => imagesName.test(name);

/** The file of labels that belongs to a file of images: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz. */
async function labelsPath(images: string): Promise<string> {
  const name = basename(images);
  const other = name
    .replace(/images/i, 'labels')
    .replace(/image/i, 'label')
    .replace(/idx[34]/i, 'idx1');
  for (const candidate of [other, `${other}.gz`, other.replace(/\.gz$/, '')]) {
    const path = join(dirname(images), candidate);
    if (candidate !== name && (await exists(path))) return path;
  }
  throw new DataError(`${images}: its file of labels is not beside it: ${other}`);
}

/** Reads an idx file of images `[count, height, width]`, perhaps with channels before or behind. */
export async function readIdxImages(path: string): Promise<Omit<Raw, 'labels'>> {
  const { shape, dtype, data } = await readIdx(path);
  const [, height, width, channels = 1] = shape;
  if (dtype !== 'uint8' || shape.length < 3 || shape.length > 4 || (channels !== 1 && channels !== 3)) {
    throw new DataError(
      `${path}: images must be uint8 [count, height, width], with 1 or 3 channels behind: ${dtype} [${shape.join(', ')}]`,
    );
  }
  const size = height! * width! * channels;
  const where = (i: number) => `${path}, image ${Math.floor(i / size) + 1}`;
  return { numbers: { values: data, where }, shape: [height!, width!, channels] };
}

/** Reads an idx file of images and the labels beside it. */
async function readPair(path: string): Promise<Raw> {
  const labelsFile = await labelsPath(path);
  const images = await readIdxImages(path);
  const size = images.shape.reduce((product, side) => product * side, 1);
  const count = size === 0 ? 0 : images.numbers.values.length / size;
  checkInMemory(count * (size + bytesPerImage), path);
  const { shape, data } = await readIdx(labelsFile);
  if (shape.length !== 1 || shape[0] !== count) {
    throw new DataError(
      `${labelsFile}: there must be a label for each of ${count} images: [${shape.join(', ')}]`,
    );
  }
  return { ...images, labels: Array.from(data, (label) => className(String(label))) };
}

/** Reads an idx file of images and the labels beside it; its name may tell that it is to test with. */
export async function readIdxFile(path: string): Promise<Sources> {
  return { train: await readPair(path) };
}

/** Reads a folder of idx files: images and labels, by the parts that their names tell. */
export async function readIdxFolder(directory: string, files: readonly string[]): Promise<Sources> {
  const images = files.filter(isIdxImages);
  const parts = new Map<Part, string>();
  for (const name of images) {
    const part = partOf(name) ?? 'train';
    if (parts.has(part)) {
      throw new DataError(
        `${directory}: there must be one idx file of images to train on, and at most one to test with: ${images.join(', ')}`,
        { hint: 'Name a file of images itself to read that and its labels alone.' },
      );
    }
    parts.set(part, name);
  }
  const sources = new Map<Part, Raw>();
  for (const [part, name] of parts) sources.set(part, await readPair(join(directory, name)));
  return Object.fromEntries(sources);
}
