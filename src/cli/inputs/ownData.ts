/** Data of one's own: the options that tell about it, and what it is brought to. */

import { dirname } from 'node:path';
import { UsageError } from '../../core/errors.js';
import { readManifest } from '../../data/catalog/manifest.js';
import type { Dataset } from '../../data/dataset.js';
import type { ImageShape } from '../../data/images/picture.js';
import type { UserDataset, UserDatasetOptions } from '../../data/user/loadUserDataset.js';
import type { Scale } from '../../data/user/pixels/scale.js';
import type { SourceOptions } from '../../data/user/reading.js';
import type { Preparation } from '../../queue/job.js';
import type { Recipe } from '../../recipes/recipe.js';
import { readConfig } from '../../runs/config.js';
import { grouped } from '../terminal/format.js';
import type { OwnDataArguments } from './options.js';

/** Tells whether a dataset comes with Quern's manifest; else a model was trained on data of one's own. */
export const isKnown = (dataset: string): boolean => readManifest().datasets.has(dataset);

const dashed = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** How options are called at the command line. */
export const optionName = (name: string) => (name === 'shape' ? '--image-shape' : dashed(name));

/** `32x32x3` → [32, 32, 3]. What sides there may be, loading tells. */
export function parseShape(option: string, text: string): ImageShape {
  const [, height, width, channels] = /^(\d+)x(\d+)x([13])$/.exec(text) ?? [];
  if (height !== undefined) return [Number(height), Number(width), Number(channels)];
  throw new UsageError(`${option} must be height, width and channels (1 or 3), such as 32x32x3: ${text}`);
}

/** `0,16` → [0, 16]. */
function parseRange(text: string): Scale {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [black, white] = numbers;
  if (numbers.length === 2 && numbers.every(Number.isFinite) && black !== white) return [black!, white!];
  throw new UsageError(`--pixel-range must be the numbers that are black and white, such as 0,16: ${text}`);
}

const preparationNames = ['storedShape', 'label', 'pixelRange', 'invert', 'centerDigits', 'skipBad'] as const;

/** Makes the options for reading images of one's own. Throws UsageError for what cannot be told. */
export function sourceOptionsOf({ storedShape, label, pixelRange, ...flags }: Preparation): SourceOptions {
  const { invert, centerDigits, skipBad } = flags;
  return {
    label,
    invert,
    centerDigits,
    skipBad,
    ...(storedShape !== undefined && { storedShape: parseShape('--stored-shape', storedShape) }),
    ...(pixelRange !== undefined && { pixelRange: parseRange(pixelRange) }),
  };
}

/** Throws UsageError for a form that is none, or for what is told about data that is not given. */
export function checkOwnData(options: OwnDataArguments): void {
  const { data, imageShape } = options;
  if (imageShape !== undefined) parseShape('--image-shape', imageShape);
  sourceOptionsOf(options);
  if (data !== undefined) return;
  if (imageShape !== undefined) {
    throw new UsageError('--image-shape tells the form of data of your own: it goes with --data');
  }
  const told = preparationNames.find((name) => options[name] !== undefined);
  if (told !== undefined)
    throw new UsageError(`${dashed(told)} is about data of your own: it goes with --data`);
}

/** The shape of a recipe's images: that of its dataset, unless another is asked for. */
export function shapeFor({ dataset }: Recipe, { imageShape }: OwnDataArguments): ImageShape | undefined {
  return imageShape === undefined
    ? readManifest().datasets.get(dataset)?.image
    : parseShape('--image-shape', imageShape);
}

/**
 * Finds what a run was told about its data, where that is known and not told otherwise now.
 *
 * @param model path of the model in its run folder
 * @param same whether the data is what it was trained on: then all of it holds, else what pictures of the same kind need
 */
export async function preparationOfRun(
  model: string,
  given: Preparation,
  same: boolean,
): Promise<{ merged: Preparation; taken: string[]; likely: Scale | undefined }> {
  const told = (await readConfig(dirname(model)))?.arguments ?? {};
  const text = (name: string) => (typeof told[name] === 'string' ? told[name] : undefined);
  const flag = (name: string) => told[name] === true || undefined;
  const trained: Preparation = {
    invert: flag('invert'),
    centerDigits: flag('centerDigits'),
    ...(same && {
      storedShape: text('storedShape'),
      label: text('label'),
      pixelRange: text('pixelRange'),
      skipBad: flag('skipBad'),
    }),
  };
  const own = (from: Preparation) => preparationNames.filter((name) => from[name] !== undefined);
  const taken = own(trained).filter((name) => given[name] === undefined);
  const merged = Object.fromEntries([
    ...taken.map((name) => [name, trained[name]]),
    ...own(given).map((name) => [name, given[name]]),
  ]) as Preparation;
  const range = text('pixelRange');
  return { merged, taken: taken.map(dashed), likely: range === undefined ? undefined : parseRange(range) };
}

export interface OwnData extends UserDataset {
  /** The numbers that were taken for black and white, as `--pixel-range` has them; undefined for 0 and 255. */
  readonly pixelRange: string | undefined;
}

interface OwnDataRequest extends Omit<UserDatasetOptions, 'onNote' | keyof SourceOptions> {
  readonly shape?: ImageShape | undefined;
  /** Facts told about it. */
  readonly told: Preparation;
  /** Black and white of the data that a model was trained on. */
  readonly likely?: Scale | undefined;
  /** Makes the error for a class that is none of `classes`. */
  readonly unknownClass?: ((label: string, dataset: string) => Error) | undefined;
}

/**
 * Loads data of one's own. The split is the same for every seed of a training. It has the name of its file or folder,
 * and another where a known dataset has that: nobody is to take one for the other.
 */
export async function loadOwnData(
  path: string,
  { told, likely, unknownClass, ...request }: OwnDataRequest,
  note: (text: string) => void,
): Promise<OwnData> {
  const options: UserDatasetOptions = { ...request, ...sourceOptionsOf(told) };
  const [{ Reading }, { readUserDataset }] = await Promise.all([
    import('../../data/user/reading.js'),
    import('../../data/user/loadUserDataset.js'),
  ]);
  const reading = new Reading(options, { note, nameOf: optionName, likelyRange: likely, unknownClass });
  const { train, test, validation } = await readUserDataset(path, options, reading);
  const named = <T extends Dataset | undefined>(part: T): T =>
    part && isKnown(part.name) ? { ...part, name: `own-${part.name}` } : part;
  const [black, white] = reading.scale ?? [0, 255];
  return {
    train: named(train),
    test: named(test),
    ...(validation && { validation: named(validation) }),
    pixelRange: black === 0 && white === 255 ? undefined : `${black},${white}`,
  };
}

/** `my-photos: 96 images to train with and 24 to test with, 28 x 28 x 1, of 3 classes` */
export function ownDataText({ train, test, validation }: UserDataset): string {
  const others = validation === undefined ? '' : `, ${grouped(validation.count)} to validate with`;
  const counts = `${grouped(train.count)} images to train with${others} and ${grouped(test.count)} to test with`;
  return `${train.name}: ${counts}, ${train.shape.join(' x ')}, of ${train.classes.length} classes`;
}
