/** Data of one's own: the options that name it, and what it is brought to. */
import { UsageError } from '../../core/errors.js';
import { readManifest } from '../../data/catalog/manifest.js';
import type { Dataset } from '../../data/dataset.js';
import type { ImageShape } from '../../data/user/examples.js';
import { loadUserDataset } from '../../data/user/loadUserDataset.js';
import type { Recipe } from '../../recipes/recipe.js';
import { grouped } from '../terminal/format.js';
import type { OwnDataArguments } from './options.js';

/** Whether a dataset comes with Quern's manifest; else a model was trained on data of one's own. */
export const isKnown = (dataset: string): boolean => readManifest().datasets.has(dataset);

/** `32x32x3` → [32, 32, 3]. What sides there may be, loading tells. */
function parseImageShape(text: string): ImageShape {
  const [, height, width, channels] = /^(\d+)x(\d+)x([13])$/.exec(text) ?? [];
  if (height !== undefined) return [Number(height), Number(width), Number(channels)];
  throw new UsageError(`--image-shape must be height, width and channels (1 or 3), such as 32x32x3: ${text}`);
}

/** Throws UsageError for a form that is none, or without the data that it is for. */
export function checkOwnData({ data, imageShape }: OwnDataArguments): void {
  if (imageShape === undefined) return;
  parseImageShape(imageShape);
  if (data === undefined) {
    throw new UsageError('--image-shape tells the form of data of your own: it goes with --data');
  }
}

/** What a recipe's images are brought to: the form of its dataset, unless another is asked for. */
export function shapeFor({ dataset }: Recipe, { imageShape }: OwnDataArguments): ImageShape | undefined {
  return imageShape === undefined ? readManifest().datasets.get(dataset)?.image : parseImageShape(imageShape);
}

/**
 * Loads data of one's own. The split is the same for every seed of a training. It has the name of its file or folder, and
 * another where a known dataset has that: nobody is to take one for the other.
 */
export async function loadOwnData(
  path: string,
  shape: ImageShape | undefined,
  limit: number | undefined,
): Promise<{ train: Dataset; test: Dataset }> {
  const { train, test } = await loadUserDataset(path, { shape, limit });
  const name = isKnown(train.name) ? `own-${train.name}` : train.name;
  return { train: { ...train, name }, test: { ...test, name } };
}

/** `my-photos: 96 images to train with and 24 to test with, 28 x 28 x 1, of 3 classes` */
export function ownDataText({ train, test }: { readonly train: Dataset; readonly test: Dataset }): string {
  const counts = `${grouped(train.count)} images to train with and ${grouped(test.count)} to test with`;
  return `${train.name}: ${counts}, ${train.shape.join(' x ')}, of ${train.classes.length} classes`;
}
