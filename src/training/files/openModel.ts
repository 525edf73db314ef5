import type { Engine } from '../../engine/engine.js';
import type { ModelFile } from './modelFile.js';
import { TrainedModel } from './trainedModel.js';
import { writeWeights } from './weights.js';

/**
 * Puts the weights of a model that has been read into an engine.
 *
 * @throws ModelError where they are not those of its architecture
 */
export async function openModel(
  engine: Engine,
  { path, model, details, tensors }: ModelFile,
): Promise<TrainedModel> {
  await writeWeights(engine, model, tensors, path);
  return new TrainedModel(engine, model, details);
}
