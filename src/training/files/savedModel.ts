/** Trained models as files. Apart from TrainedModel, which has its place in browsers too. */

import { checkText, wrongKind } from '../../core/check.js';
import { checkEngine } from '../../engine/checkEngine.js';
import type { Engine } from '../../engine/engine.js';
import { readModelFile, writeModelFile } from './modelFile.js';
import { openModel } from './openModel.js';
import { TrainedModel } from './trainedModel.js';

export { openModel };

/**
 * Saves a model with its weights as they are now: a safetensors file with the architecture beside the weights.
 *
 * @throws ModelError naming the path when it cannot be written
 */
export async function saveModel(trained: TrainedModel, path: string): Promise<void> {
  if (!(trained instanceof TrainedModel)) {
    throw wrongKind(
      'saveModel: what is saved',
      'a trained model',
      trained,
      'fit gives one: saveModel(run, path).',
    );
  }
  checkText('saveModel: path', path);
  await writeModelFile(path, trained.model, await trained.weights(), trained.details);
}

/**
 * Loads what `saveModel` has saved; the recipe is not needed.
 *
 * @throws DataError or ModelError naming the file and what is wrong with it
 */
export async function loadModel(engine: Engine, path: string): Promise<TrainedModel> {
  checkEngine('loadModel: engine', engine);
  checkText('loadModel: path', path);
  return openModel(engine, await readModelFile(path));
}
