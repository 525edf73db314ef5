import { dirname, join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { exists } from '../../core/files.js';
import { readIdx } from '../idx.js';
import type { Examples, Parts } from './examples.js';

const imagesName = /images?[-._]idx[34]/i;

/** Whether a name looks like that of an idx file of images. */
export const isIdxImages = (name: string) => imagesName.test(name);

/** The file of labels that belongs to a file of images: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz. */
async function labelsPath(images: string): Promise<string> {
  const name = images.slice(dirname(images).length).replace(/^[/\\]/, '');
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

/** Reads an idx file of images `[count, height, width]`, perhaps with channels, and the labels beside it. */
async function readPair(imagesPath: string): Promise<Examples> {
  const labelsFile = await labelsPath(imagesPath);
  const [images, labels] = await Promise.all([readIdx(imagesPath), readIdx(labelsFile)]);
  const [count, height, width, channels = 1] = images.shape;
  const rank = images.shape.length;
  if (images.dtype !== 'uint8' || rank < 3 || rank > 4 || (channels !== 1 && channels !== 3)) {
    throw new DataError(
      `${imagesPath}: images must be uint8 [count, height, width], with 1 or 3 channels behind: ${images.dtype} [${images.shape.join(', ')}]`,
    );
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new DataError(
      `${labelsFile}: there must be a label for each of ${count} images: [${labels.shape.join(', ')}]`,
    );
  }
  return {
    images: images.data as Uint8Array,
    shape: [height!, width!, channels],
    labels: Array.from(labels.data, String),
  };
}

/** Reads an idx file of images and the labels beside it. */
export async function readIdxFile(path: string): Promise<Parts> {
  return { train: await readPair(path) };
}

/** Reads a folder of idx files: images and labels, those whose names begin with test or t10k to test with. */
export async function readIdxFolder(directory: string, files: readonly string[]): Promise<Parts> {
  const images = files.filter(isIdxImages);
  const isTest = (name: string) => /^(test|t10k)/i.test(name);
  const [train, test] = [images.filter((name) => !isTest(name)), images.filter(isTest)];
  if (train.length !== 1 || test.length > 1) {
    throw new DataError(
      `${directory}: there must be one idx file of images to train on, and at most one to test with: ${images.join(', ')}`,
      { hint: 'Name a file of images itself to read that and its labels alone.' },
    );
  }
  const [held] = test;
  return {
    train: await readPair(join(directory, train[0]!)),
    ...(held !== undefined && { test: await readPair(join(directory, held)) }),
  };
}
