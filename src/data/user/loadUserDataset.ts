import { basename, resolve } from 'node:path';
import { checkOptionNames } from '../../core/check.js';
import { DataError, UsageError } from '../../core/errors.js';
import { type Dataset, limitDataset } from '../dataset.js';
import {
  checkShape,
  classesOf,
  type Examples,
  examplesOfPictures,
  examplesOfRaw,
  type ImageShape,
  toDataset,
} from './examples.js';
import { holdOut } from './holdOut.js';
import { className, type Part, partNames } from './names.js';
import { scaleOf } from './pixels/scale.js';
import { Reading, type SourceOptions } from './reading.js';
import type { Sources } from './source.js';
import { readSources } from './sources/sources.js';

export interface UserDatasetOptions extends SourceOptions {
  /**
   * Share of the images of every class that is held out to test with, where the data has no such part; 1 for all of them,
   * of data that a model is only measured on. Default 0.2.
   */
  readonly testShare?: number | undefined;
  /** Decides which; default 0. */
  readonly seed?: number | undefined;
  /** Names of the classes, in the order of a model's outputs. Default: those of the data, in the order of their names. */
  readonly classes?: readonly string[] | undefined;
  /** Keep only the first images of each part, at most this many: of every class in turn where they are stored class by class. */
  readonly limit?: number | undefined;
  /** Is told, a line each, what was taken where the data left it open. Default: `console.warn`. */
  readonly onNote?: ((text: string) => void) | undefined;
}

/** Data of one's own, by its parts. */
export interface UserDataset {
  readonly train: Dataset;
  readonly test: Dataset;
  /** Where the data has a part to validate with. */
  readonly validation?: Dataset;
}

const isScale = (range: readonly number[]) =>
  range.length === 2 && range.every(Number.isFinite) && range[0] !== range[1];

function checkOptions({ shape, storedShape, testShare, limit, pixelRange }: UserDatasetOptions): void {
  if (shape !== undefined) checkShape(shape, 'shape');
  if (storedShape !== undefined) checkShape(storedShape, 'storedShape');
  if (testShare !== undefined && !(testShare > 0 && testShare <= 1)) {
    throw new UsageError(`loadUserDataset: testShare must be above 0 and at most 1: got ${testShare}`);
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw new UsageError(`loadUserDataset: the limit must be a whole number of at least 1: got ${limit}`);
  }
  if (pixelRange !== undefined && !isScale(pixelRange)) {
    throw new UsageError(
      `loadUserDataset: pixelRange must be two numbers, black and white: [${pixelRange.join(', ')}]`,
    );
  }
}

type PartsOf<T> = { readonly [part in Part]?: T | undefined };

/** Pixels of all parts, in one scale and one form. */
async function readExamples(sources: Sources, path: string, reading: Reading): Promise<PartsOf<Examples>> {
  const present = partNames.flatMap((part) => {
    const source = sources[part];
    return source === undefined ? [] : [{ part, source }];
  });
  const numbers = present.flatMap(({ source }) => ('numbers' in source ? [source.numbers] : []));
  const scale = scaleOf(numbers, path, reading);
  reading.scale = scale;
  let shape: ImageShape | undefined = reading.options.shape;
  const found: { [part in Part]?: Examples } = {};
  for (const { part, source } of present) {
    const examples: Examples =
      'numbers' in source
        ? examplesOfRaw(source, { scale, wanted: shape, where: path }, reading)
        : await examplesOfPictures(source, shape, path, reading);
    shape ??= examples.shape;
    found[part] = examples;
  }
  return found;
}

const withoutTraining = (path: string) =>
  new DataError(`${path}: there are no images to train with, only to test with`, {
    hint: '`quern evaluate` measures a model on them; arrays x_train and y_train, or a folder train, hold those to train with.',
  });

/** Classes as the caller names them, or those of the data. */
function chooseClasses(
  parts: PartsOf<Examples>,
  options: UserDatasetOptions,
  path: string,
  reading: Reading,
) {
  const { classes } = options;
  if (classes !== undefined) return classes.map(className);
  if (parts.train === undefined) throw withoutTraining(path);
  return classesOf(parts.train, path, reading);
}

/** A part to train on and one to test with, where the data has not got both. */
function divide(
  { train, validation, test }: PartsOf<Dataset>,
  { testShare = 0.2, seed = 0 }: UserDatasetOptions,
  path: string,
): { train: Dataset; test: Dataset } {
  if (train !== undefined && test !== undefined) return { train, test };
  if (testShare < 1) {
    if (train !== undefined) return holdOut(train, testShare, seed);
    throw withoutTraining(path);
  }
  const all = test ?? train ?? validation;
  if (all === undefined) throw new DataError(`${path}: there are no images to test with`);
  const none = { images: new Uint8Array(0), labels: new Uint8Array(0), count: 0 };
  return { train: { ...all, ...none, split: 'train' }, test: { ...all, split: 'test' } };
}

/**
 * Loads data of one's own, see `loadUserDataset`.
 *
 * @param reading is told what was taken, and names options as the user writes them
 */
export async function readUserDataset(
  path: string,
  options: UserDatasetOptions,
  reading: Reading,
): Promise<UserDataset> {
  checkOptions(options);
  const parts = await readExamples(await readSources(path, reading), path, reading);
  const classes = chooseClasses(parts, options, path, reading);
  const name = basename(resolve(path)).replace(/(?<=.)\.\w+$/, '');
  const dataset = (part: Part): Dataset | undefined => {
    const examples = parts[part];
    return examples && toDataset(examples, { split: part, name, classes }, path, reading);
  };
  const [train, validation, test] = partNames.map(dataset);
  const divided = divide({ train, validation, test }, options, path);
  return limited({ ...divided, ...(validation && { validation }) }, options.limit);
}

function limited({ train, test, validation }: UserDataset, limit: number | undefined): UserDataset {
  if (limit === undefined) return { train, test, ...(validation && { validation }) };
  const few = (dataset: Dataset) => (dataset.count === 0 ? dataset : limitDataset(dataset, limit));
  return { train: few(train), test: few(test), ...(validation && { validation: few(validation) }) };
}

/**
 * Loads images and labels of one's own:
 *
 * - a folder with a folder of PNG, JPEG, WebP or BMP pictures for each class, or folders with those to train, validate
 *   and test with;
 * - a CSV file with a label and pixels in each line, or with names of pictures and labels; or a folder with train.csv
 *   and test.csv;
 * - an npz file of numpy with x_train, y_train, x_test, y_test, or images and labels under other names; npy files;
 * - idx files, raw or gzipped: a file of images with its labels beside it, or a folder of them.
 *
 * What the data leaves open (the scale of its pixels, which column holds the labels, which array is what) is taken where
 * it is clear, and told to `onNote`; else it is an error that names the option which tells it.
 *
 * Without a part to test with, a share of every class is held out. Classes are in the order of their names, or of their
 * numbers. Images may have any size; all are brought to one.
 *
 * @throws UsageError for an option out of range, DataError naming file and line for what cannot be read
 */
export async function loadUserDataset(path: string, options: UserDatasetOptions = {}): Promise<UserDataset> {
  checkOptionNames('loadUserDataset', options, {
    invert: true,
    centerDigits: true,
    shape: true,
    storedShape: true,
    label: true,
    pixelRange: true,
    skipBad: true,
    testShare: true,
    seed: true,
    classes: true,
    limit: true,
    onNote: true,
  });
  const { onNote = (text) => console.warn(`quern: ${text}`) } = options;
  const { classes } = options;
  const unknownClass =
    classes &&
    ((label: string) =>
      new DataError(`${path}: the class '${label}' is none of those that are given: ${classes.join(', ')}`));
  return readUserDataset(path, options, new Reading(options, { note: onNote, unknownClass }));
}
