import { differences, differenceText } from '../../core/differences.js';
import { ModelError } from '../../core/errors.js';
import { sha256 } from '../../core/sha256.js';
import type { Dataset } from '../../data/dataset.js';
import { hashDataset } from '../../data/hashDataset.js';
import type { Json } from '../../nn/layer.js';
import { describeLayer } from '../../nn/registry.js';
import { constantRate } from '../../optimizers/schedules.js';
import type { TrainedModel } from '../files/trainedModel.js';
import { plainPixels } from '../inference/normalization.js';
import { defaultBatchSize, type FitOptions } from './options.js';

/** The conditions that a resume has to meet, as plain data by name. */
export type Conditions = Readonly<Record<string, Json>>;

async function describeData(dataset: Dataset): Promise<Json> {
  const { name, split, count, shape, classes } = dataset;
  const { first, second } = await hashDataset(dataset);
  const hash = await sha256('checkpoint', new TextEncoder().encode(`${first},${second}`));
  return { name, split, count, shape, classes: classes.length, sha256: hash };
}

/** JSON has no infinity. */
const plain = (value: object): Json =>
  JSON.parse(JSON.stringify(value, (_, part) => (part === Infinity ? 'Infinity' : part)));

/**
 * The conditions of a training.
 *
 * @param train as it was given to `fit`, with what is held out
 */
export async function conditionsOf(
  { engine, model, details }: TrainedModel,
  train: Dataset,
  options: FitOptions,
): Promise<Conditions> {
  const { optimizer, schedule = constantRate(), validation } = options;
  const { name, learningRate, options: optimizerOptions } = optimizer;
  return plain({
    recipe: options.recipe ?? null,
    model: { layers: describeLayer(model.layer), inputShape: model.inputShape, seed: model.seed },
    dataset: await describeData(train),
    validation: typeof validation === 'object' ? await describeData(validation) : (validation ?? null),
    batchSize: options.batchSize ?? defaultBatchSize,
    epochs: options.epochs,
    seed: options.seed ?? 0,
    optimizer: { name, learningRate, options: optimizerOptions },
    schedule: { name: schedule.name, options: schedule.options },
    normalization: options.normalization ?? plainPixels,
    augmentation: options.augmentation ?? null,
    mixup: options.mixup ?? 0,
    labelSmoothing: options.labelSmoothing ?? 0,
    clip: options.clip ?? null,
    weightAveraging: options.weightAveraging ?? null,
    earlyStopping: options.earlyStopping ?? null,
    plateau: options.plateau ?? null,
    numerics: details.numerics ?? engine.report.numerics,
  }) as Conditions;
}

/** The most differences that an error names. */
const named = 4;

/** Throws ModelError, naming what differs, unless the conditions are the same. */
export function checkConditions(before: Conditions, now: Conditions): void {
  const found = differences(before, now).map(differenceText);
  if (found.length === 0) return;
  const more = found.length > named ? `; and ${found.length - named} more` : '';
  throw new ModelError(
    `resume: the checkpoint is of another training: ${found.slice(0, named).join('; ')}${more}`,
    { hint: 'A training goes on as it began: same data, model, options, and numerics of the backend.' },
  );
}
