/** The images that a saved model is measured on. */
import { dirname } from 'node:path';
import { ModelError, UsageError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import type { Dataset } from '../../data/dataset.js';
import type { ImageShape } from '../../data/user/examples.js';
import { readConfig } from '../../runs/config.js';
import type { ModelFile } from '../../training/files/modelFile.js';
import { type Listener, openDataset } from './openers.js';
import type { DataArguments } from './options.js';
import { isKnown, loadOwnData } from './ownData.js';

/** A dataset, or where data of one's own lies. */
interface Source {
  readonly dataset?: string | undefined;
  readonly data?: string | undefined;
}

/**
 * What was asked for, else what the model was trained on: data of one's own lies where the configuration of its run says.
 *
 * @throws UsageError for both a dataset and data of one's own, or where nobody knows where that lies
 */
async function sourceOf({ path, details }: ModelFile, { dataset, data }: Source): Promise<Source> {
  if (dataset !== undefined && data !== undefined) {
    throw new UsageError('--dataset names a dataset that comes with Quern, --data one of your own: not both');
  }
  if (dataset !== undefined) return { dataset };
  if (data !== undefined) return { data };
  if (isKnown(details.dataset)) return { dataset: details.dataset };
  const config = await readConfig(dirname(path));
  const trainedOn = config?.arguments.data;
  if (typeof trainedOn === 'string') return { data: trainedOn };
  throw new UsageError(
    `${path}: it was trained on data of your own, ${details.dataset}: --data tells where that is`,
  );
}

/** What a model's images are brought to: the form that it takes. */
export function shapeOf({ model, path }: ModelFile): ImageShape {
  const [height, width, channels] = model.inputShape;
  if (model.inputShape.length === 3 && (channels === 1 || channels === 3)) return [height!, width!, channels];
  throw new ModelError(
    `${path}: pictures have 1 or 3 channels, the model takes ${formatShape(model.inputShape)}`,
  );
}

/**
 * Data of one's own with the labels that a model's outputs have, whatever order its classes came in. Classes that the
 * data lacks are no harm.
 *
 * @throws UsageError naming a class that the model does not know
 */
function withClassesOf({ path, details }: ModelFile, dataset: Dataset): Dataset {
  const { classes } = details;
  const numbers = dataset.classes.map((label) => classes.indexOf(label));
  const odd = numbers.indexOf(-1);
  if (odd >= 0) {
    throw new UsageError(
      `${path}: the model does not know the class '${dataset.classes[odd]}' of ${dataset.name}: it knows ${classes.join(', ')}`,
    );
  }
  return { ...dataset, classes, labels: dataset.labels.map((label) => numbers[label]!) };
}

/**
 * Opens the images that a model is to be measured on: a dataset, or data of one's own, brought to the form and the classes
 * of the model; by default what it was trained on.
 */
export async function openImagesFor(
  file: ModelFile,
  options: DataArguments & Source & { readonly limit?: number | undefined; readonly signal?: AbortSignal },
  listener: Listener,
): Promise<{ train: Dataset; test: Dataset }> {
  const { dataset, data } = await sourceOf(file, options);
  if (data === undefined) return openDataset(dataset ?? file.details.dataset, options, listener);
  const { train, test } = await loadOwnData(data, shapeOf(file), options.limit);
  return { train: withClassesOf(file, train), test: withClassesOf(file, test) };
}
