import type { NdArray } from 'ndarray';
import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import type { Model } from '../nn/model.js';
import { type Evaluation, evaluate, type InferenceOptions, predict } from './inference.js';
import { type ModelDetails, type ModelFile, readModelFile, writeModelFile } from './modelFile.js';
import { hashWeights, readWeights, type Weights, writeWeights } from './weights.js';

type Options = Omit<InferenceOptions, 'normalisation'>;

/** A model whose weights live in an engine, with what is needed to use it on images. */
export class TrainedModel {
  constructor(
    readonly engine: Engine,
    readonly model: Model,
    readonly details: ModelDetails,
  ) {}

  /** Loss and accuracy on a whole dataset. */
  evaluate(dataset: Dataset, options: Options = {}): Promise<Evaluation> {
    return evaluate(this.engine, this.model, dataset, {
      ...options,
      normalisation: this.details.normalisation,
    });
  }

  /** The probability of every class, float32 `[count, classes]`, for uint8 images `[count, ...inputShape]`. */
  predict(images: Uint8Array, options: Options = {}): Promise<NdArray<Float32Array>> {
    return predict(this.engine, this.model, images, {
      ...options,
      normalisation: this.details.normalisation,
    });
  }

  /** Copies of the weights by path, as they are now. */
  weights(): Promise<Weights> {
    return readWeights(this.engine, this.model);
  }

  /** The SHA-256 of the weights' bytes, in hexadecimal: the same for the same seed on the same machine. */
  async weightsSha256(): Promise<string> {
    return hashWeights(await this.weights());
  }
}

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
