import type { NdArray } from 'ndarray';
import type { Dataset } from '../../data/dataset.js';
import type { Engine } from '../../engine/engine.js';
import type { Model } from '../../nn/model.js';
import { type Evaluation, evaluate, type InferenceOptions, predict } from '../inference/inference.js';
import type { ModelDetails } from './modelFile.js';
import { hashWeights, readWeights, type Weights } from './weights.js';

type Options = Omit<InferenceOptions, 'normalization'>;

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
      normalization: this.details.normalization,
    });
  }

  /** The probability of every class, float32 `[count, classes]`, for uint8 images `[count, ...inputShape]`. */
  predict(images: Uint8Array, options: Options = {}): Promise<NdArray<Float32Array>> {
    return predict(this.engine, this.model, images, {
      ...options,
      normalization: this.details.normalization,
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
