import { UsageError } from '../../core/errors.js';
import { checkDataset, type Dataset, heldOut, splitDataset } from '../../data/dataset.js';
import { checkEngine } from '../../engine/checkEngine.js';
import type { Engine } from '../../engine/engine.js';
import type { Layer } from '../../nn/layer.js';
import { Model } from '../../nn/model.js';
import type { ModelDetails } from '../files/modelFile.js';
import { TrainedModel } from '../files/trainedModel.js';
import { plainPixels } from '../inference/normalization.js';
import { checkFits } from './checkFits.js';
import { checkFitOptions, type FitOptions } from './options.js';
import type { Run } from './run.js';
import { TrainingLoop } from './trainingLoop.js';

/**
 * Trains a classifier of images with cross-entropy.
 *
 * @param layer a layer, which becomes a model with weights drawn from the seed; or a model, which goes on from the
 *   weights that the engine holds
 * @param train images and labels; order is drawn anew for every epoch
 * @throws UsageError for an option out of range, ShapeError when model and dataset do not fit together, ModelError for a
 *   checkpoint of another training, TrainingError when the loss, a gradient or a weight is not a finite number
 */
export async function fit(
  engine: Engine,
  layer: Layer | Model,
  train: Dataset,
  options: FitOptions,
): Promise<Run> {
  checkEngine('fit: engine', engine);
  checkFitOptions(options);
  checkDataset('fit', train);
  if (train.count === 0)
    throw new UsageError(`fit: there is nothing to train on: ${train.name} has 0 images`);
  const {
    validation,
    validationBy,
    seed = 0,
    normalization = plainPixels,
    recipe,
    weightAveraging,
  } = options;
  const model = layer instanceof Model ? layer : new Model(layer, train.shape, seed);
  checkFits('fit', model, train);
  if (typeof validation === 'number' && validationBy !== 'writer') {
    heldOut('fit: validation', train, validation);
  }
  const parts =
    typeof validation === 'number'
      ? splitDataset(train, validation, seed, validationBy)
      : { train, validation };
  if (parts.validation !== undefined) checkFits('fit: validation', model, parts.validation);
  const details: ModelDetails = {
    classes: train.classes,
    normalization,
    dataset: train.name,
    recipe,
    numerics: engine.report.numerics,
    ...(weightAveraging !== undefined && { weightAveraging }),
  };
  const trained = new TrainedModel(engine, model, details);
  return new TrainingLoop(trained, { whole: train, ...parts }, options).run();
}
