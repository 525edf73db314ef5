/** The images that a saved model is measured on. */
import { dirname, resolve } from 'node:path';
import { ModelError, UsageError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { formatShape } from '../../core/shape.js';
import { type Dataset, join } from '../../data/dataset.js';
import type { ImageShape } from '../../data/images/picture.js';
import { looksInverted } from '../../data/images/prepare.js';
import { className } from '../../data/user/names.js';
import { readConfig } from '../../runs/config.js';
import type { ModelFile } from '../../training/files/modelFile.js';
import { type Listener, openSplit } from './datasets.js';
import type { DataArguments, OwnDataArguments } from './options.js';
import { isKnown, loadOwnData, preparationOfRun } from './ownData.js';

/** The images that are measured: a split of the data, or all of it. */
export type MeasuredSplit = 'test' | 'train' | 'all';

/** A dataset, or data of one's own. */
interface Source {
  readonly dataset?: string | undefined;
  /** Where it lies. */
  readonly data?: string | undefined;
  /** It is what the model was trained on. */
  readonly same: boolean;
}

/**
 * Opens the images asked for, else those the model was trained on: one's own lie where its run's configuration says.
 *
 * @throws UsageError for both a dataset and data of one's own, or where nobody knows where that lies
 */
async function sourceOf(
  { path, details }: ModelFile,
  { dataset, data }: { readonly dataset?: string | undefined; readonly data?: string | undefined },
): Promise<Source> {
  if (dataset !== undefined && data !== undefined) {
    throw new UsageError('--dataset names a dataset that comes with Quern, --data one of your own: not both');
  }
  if (dataset !== undefined) return { dataset, same: dataset === details.dataset };
  const trainedOn = (await readConfig(dirname(path)))?.arguments.data;
  if (data !== undefined) {
    return { data, same: typeof trainedOn === 'string' && resolve(trainedOn) === resolve(data) };
  }
  if (isKnown(details.dataset)) return { dataset: details.dataset, same: true };
  if (typeof trainedOn === 'string') return { data: trainedOn, same: true };
  if (details.dataset === 'unknown') {
    throw new UsageError(
      `${path}: nothing tells what it was trained on: name images with --dataset or --data`,
    );
  }
  throw new UsageError(
    `${path}: it was trained on data of your own, ${details.dataset}: --data tells where that is`,
  );
}

/** The shape to which a model's images are brought. */
export function shapeOf({ model, path }: ModelFile): ImageShape {
  const [height, width, channels] = model.inputShape;
  if (model.inputShape.length === 3 && (channels === 1 || channels === 3)) return [height!, width!, channels];
  throw new ModelError(
    `${path}: pictures have 1 or 3 channels, the model takes ${formatShape(model.inputShape)}`,
  );
}

const listed = (names: readonly string[]) =>
  names.length > 12 ? `${names.slice(0, 12).join(', ')}, …` : names.join(', ');

/**
 * A dataset with the labels that a model's outputs have, whatever order its classes came in. Where names differ, labels
 * go by their numbers, which is said.
 */
export function withClassesOf(
  { path, details }: ModelFile,
  dataset: Dataset,
  warn: (text: string) => void,
): Dataset {
  const { classes } = details;
  const own = dataset.classes.map(className);
  const known = classes.map(className);
  if (own.join('\n') === known.join('\n')) return { ...dataset, classes };
  const numbers = own.map((label) => known.indexOf(label));
  if (!numbers.includes(-1))
    return { ...dataset, classes, labels: dataset.labels.map((label) => at(numbers, label)) };
  if (own.length === known.length) {
    warn(
      `${path}: its classes are ${listed(classes)}, those of ${dataset.name} are ${listed(dataset.classes)}: labels go by their numbers`,
    );
  }
  return dataset;
}

interface ImagesRequest extends DataArguments, Omit<OwnDataArguments, 'imageShape'> {
  readonly dataset?: string | undefined;
  /** Default: what the model has not seen, as far as that is known. */
  readonly split?: MeasuredSplit | undefined;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal;
}

/** Data of one's own: all of it, unless it has a part to test with, or the model was trained on it. */
async function openOwn(
  file: ModelFile,
  { data, same }: { data: string; same: boolean },
  { split, limit, ...options }: ImagesRequest,
  warn: (text: string) => void,
): Promise<Dataset> {
  const { merged, taken, likely } = await preparationOfRun(file.path, options, same);
  if (taken.length > 0) warn(`${data}: read as in the training: ${taken.join(', ')}`);
  // what it was trained on is divided as it was then
  const whole = split === 'all' || (split === undefined && !same);
  const { train, validation, test } = await loadOwnData(
    data,
    {
      told: merged,
      likely,
      shape: shapeOf(file),
      classes: file.details.classes,
      unknownClass: (label, name) =>
        new UsageError(
          `${file.path}: the model does not know the class '${label}' of ${name}: it knows ${file.details.classes.join(', ')}`,
        ),
      limit,
      ...(whole && { testShare: 1 }),
    },
    warn,
  );
  const [images, ...others] = [test, train, validation].filter(
    (part) => part !== undefined && part.count > 0,
  );
  if (split === 'all') return join([images ?? test, ...others.filter((part) => part !== undefined)], 'test');
  if (whole && others.length > 0) {
    warn(`${data}: it has a part to test with, which is measured alone; --split all measures all of it`);
  }
  const measured = split === 'train' ? train : test;
  if (isKnown(file.details.dataset)) warnOfInverted(measured, warn);
  return measured;
}

/** Says that images look unlike those of the family, where most do. */
function warnOfInverted({ name, images, shape, count }: Dataset, warn: (text: string) => void): void {
  const size = shape[0] * shape[1] * shape[2];
  let inverted = 0;
  for (let i = 0; i < count; i++) {
    if (looksInverted({ pixels: images.subarray(i * size, (i + 1) * size), shape })) inverted++;
  }
  if (2 * inverted <= count) return;
  warn(
    `${name}: dark on bright, it seems (${inverted} of ${count} images); the model was trained on bright on dark: --invert`,
  );
}

/**
 * Opens the images that a model is to be measured on: a dataset, or data of one's own, brought to the form and the
 * classes of the model; by default what it was trained on.
 *
 * @param warn is told what the user must know: what was taken, and what does not fit
 */
export async function openImagesFor(
  file: ModelFile,
  options: ImagesRequest,
  listener: Listener,
  warn: (text: string) => void,
): Promise<Dataset> {
  const { dataset, data, same } = await sourceOf(file, options);
  if (data !== undefined) return openOwn(file, { data, same }, options, warn);
  const name = dataset ?? file.details.dataset;
  const { split = 'test' } = options;
  const images =
    split === 'all'
      ? join(
          [
            await openSplit(name, 'train', options, listener),
            await openSplit(name, 'test', options, listener),
          ],
          'test',
        )
      : await openSplit(name, split, options, listener);
  return withClassesOf(file, images, warn);
}
