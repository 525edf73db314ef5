/** Trained models as files. Apart from TrainedModel, which has its place in browsers too. */
import type { Engine } from '../../engine/engine.js';
import { type ModelFile, readModelFile, writeModelFile } from './modelFile.js';
import { TrainedModel } from './trainedModel.js';
import { writeWeights } from './weights.js';

/**
 * Saves a model with its weights as they are now: a safetensors file with the architecture beside the weights.
 *
 * @throws ModelError naming the path when it cannot be written
 */
export async function saveModel(trained: TrainedModel, path: string): Promise<void> {
  await writeModelFile(path, trained.model, await trained.weights(), trained.details);
}

/** Puts the weights of a file that has been read into an engine. */
export async function openModel(
  engine: Engine,
  { path, model, details, tensors }: ModelFile,
): Promise<TrainedModel> {
  await writeWeights(engine, model, tensors, path);
  return new TrainedModel(engine, model, details);
}

/**
 * Loads what `saveModel` has saved; the recipe is not needed.
 *
 * @throws DataError or ModelError naming the file and what is wrong with it
 */
export async function loadModel(engine: Engine, path: string): Promise<TrainedModel> {
  return openModel(engine, await readModelFile(path));
}
