import { wrongKind } from '../../core/check.js';
import { checkEngine } from '../../engine/checkEngine.js';
import type { Engine } from '../../engine/engine.js';
import type { ModelFile } from './modelFile.js';
import { TrainedModel } from './trainedModel.js';
import { writeWeights } from './weights.js';

/**
 * Puts the weights of a model that has been read into an engine.
 *
 * @throws ModelError where they are not those of its architecture
 */
export async function openModel(engine: Engine, file: ModelFile): Promise<TrainedModel> {
  checkEngine('openModel: engine', engine);
  if (typeof file !== 'object' || file === null || !('tensors' in file)) {
    const hint =
      'loadModel(engine, path) opens a file; importModel(path) and decodeForeignModel(bytes) give one.';
    throw wrongKind('openModel: file', 'a model that has been read', file, hint);
  }
  const { path, model, details, tensors } = file;
  await writeWeights(engine, model, tensors, path);
  return new TrainedModel(engine, model, details);
}
