import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DataError, reasonOf, UsageError } from '../../core/errors.js';
import { type Dataset, limitDataset } from '../dataset.js';
import { type CsvOptions, readCsv } from './csv.js';
import {
  checkShape,
  classesOf,
  holdOut,
  type ImageShape,
  type Parts,
  reshape,
  toDataset,
} from './examples.js';
import { entriesOf, readFolder } from './folder.js';
import { isIdxImages, readIdxFile, readIdxFolder } from './idxPair.js';

export interface UserDatasetOptions {
  /** Height, width and channels (1 or 3) that images are brought to. Default: those of the data, or of its first picture. */
  readonly shape?: ImageShape | undefined;
  /** Height, width and channels of images that are stored as flat lists of pixels. Default: `shape` if it fits, or a square. */
  readonly storedShape?: ImageShape | undefined;
  /** The column of labels of a CSV file: its name, or its number from 1. Default: label, class, target or y, else the first. */
  readonly label?: string | number | undefined;
  /** Share of the images of every class that is held out to test with, where the data has no such part. Default 0.2. */
  readonly testShare?: number | undefined;
  /** Decides which; default 0. */
  readonly seed?: number | undefined;
  /** Dark on bright becomes bright on dark, as the images of the MNIST family are. Default false. */
  readonly invert?: boolean | undefined;
  /** Keep only the first images of each part, at most this many: of every class in turn where they are stored class by class. */
  readonly limit?: number | undefined;
}

const csvName = /\.(csv|tsv)$/i;

const hint =
  'It may be a folder with a folder of pictures for each class, a CSV file, an npz file, or idx files; docs/data.md has the forms.';

async function readParts(path: string, options: UserDatasetOptions): Promise<Parts> {
  const { shape, storedShape, label } = options;
  const shapes = [storedShape, shape];
  const csv: CsvOptions = { label, shapes };
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  });
  if (!found.isDirectory()) {
    if (csvName.test(path)) return { train: await readCsv(path, csv) };
    // the one format that needs a package
    if (/\.npz$/i.test(path)) return (await import('./npz.js')).readNpz(path, shapes);
    if (isIdxImages(basename(path))) return readIdxFile(path);
    throw new DataError(`${path}: this is no kind of file that images are read from`, { hint });
  }
  const { folders, files } = await entriesOf(path);
  if (files.some(isIdxImages)) return readIdxFolder(path, files);
  const [train, test] = ['train', 'test'].map((part) =>
    files.find((file) => csvName.test(file) && file.replace(csvName, '').toLowerCase() === part),
  );
  if (train !== undefined) {
    return {
      train: await readCsv(join(path, train), csv),
      ...(test !== undefined && { test: await readCsv(join(path, test), csv) }),
    };
  }
  if (folders.length > 0) return readFolder(path, shape);
  throw new DataError(`${path}: there are no images in this folder`, { hint });
}

function checkOptions({ shape, storedShape, testShare, limit }: UserDatasetOptions): void {
  if (shape !== undefined) checkShape(shape, 'shape');
  if (storedShape !== undefined) checkShape(storedShape, 'storedShape');
  if (testShare !== undefined && !(testShare > 0 && testShare < 1)) {
    throw new UsageError(`loadUserDataset: testShare must be between 0 and 1: got ${testShare}`);
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw new UsageError(`loadUserDataset: the limit must be a whole number of at least 1: got ${limit}`);
  }
}

function inverted(dataset: Dataset): Dataset {
  return { ...dataset, images: dataset.images.map((pixel) => 255 - pixel) };
}

/**
 * Loads images and labels of one's own:
 *
 * - a folder with a folder of PNG pictures for each class, or `train` and `test` with those;
 * - a CSV file with a label and pixels in each line, or a folder with train.csv and test.csv;
 * - an npz file of numpy with x_train, y_train, x_test, y_test, or images and labels under other usual names;
 * - idx files, raw or gzipped: a file of images with its labels beside it, or a folder of them.
 *
 * Without a part to test with, a share of every class is held out. Classes are in the order of their names, or of their
 * numbers. Images may have any size; all are brought to one.
 *
 * @throws UsageError for an option out of range, DataError naming file and line for what cannot be read
 */
export async function loadUserDataset(
  path: string,
  options: UserDatasetOptions = {},
): Promise<{ train: Dataset; test: Dataset }> {
  checkOptions(options);
  const { testShare = 0.2, seed = 0, invert = false, limit } = options;
  const parts = await readParts(path, options);
  const shape = options.shape ?? parts.train.shape;
  const classes = classesOf(parts.train, path);
  const name = basename(resolve(path)).replace(/\.\w+$/, '');
  const dataset = (part: 'train' | 'test', examples: Parts['train']) => {
    const made = toDataset(reshape(examples, shape, path), part, name, classes, path);
    return invert ? inverted(made) : made;
  };
  const whole = dataset('train', parts.train);
  const { train, test } =
    parts.test === undefined
      ? holdOut(whole, testShare, seed)
      : { train: whole, test: dataset('test', parts.test) };
  return limit === undefined
    ? { train, test }
    : { train: limitDataset(train, limit), test: limitDataset(test, limit) };
}
