import type { NdArray } from 'ndarray';
import { checkOptionNames } from '../../core/check.js';
import { inspect } from '../../core/format.js';
import type { Dataset } from '../../data/dataset.js';
import type { Engine } from '../../engine/engine.js';
import type { Model } from '../../nn/model.js';
import {
  type Evaluation,
  evaluate,
  type InferenceOptions,
  inferenceElsewhere,
  predict,
} from '../inference/inference.js';
import type { ImagePixels } from '../inference/pixels.js';
import type { ModelDetails } from './modelFile.js';
import { hashWeights, readWeights, type Weights } from './weights.js';

type Options = Omit<InferenceOptions, 'normalization'>;

const elsewhere = { ...inferenceElsewhere, normalization: 'none: the model knows its own' };

function checkOptions(what: string, options: Options): void {
  checkOptionNames(what, options, { signal: true, onProgress: true }, elsewhere);
}

/** The prediction for an image. */
export interface Classified {
  readonly class: string;
  /** Of that class, 0 to 1. */
  readonly probability: number;
  /** Of every class, by its name. */
  readonly probabilities: Readonly<Record<string, number>>;
}

/** A model whose weights live in an engine, with what is needed to use it on images. */
export class TrainedModel {
  constructor(
    readonly engine: Engine,
    readonly model: Model,
    readonly details: ModelDetails,
  ) {}

  /** A line, as `console.log` shows it. */
  [inspect](): string {
    return `TrainedModel(${this.described()})`;
  }

  protected described(): string {
    const { recipe, dataset, classes } = this.details;
    const { backend } = this.engine.report;
    return `${recipe ?? 'no recipe'} on ${dataset}, ${classes.length} classes, ${backend}: ${this.model[inspect]()}`;
  }

  /** Loss and accuracy on a whole dataset. */
  async evaluate(dataset: Dataset, options: Options = {}): Promise<Evaluation> {
    checkOptions('evaluate', options);
    return evaluate(this.engine, this.model, dataset, {
      ...options,
      normalization: this.details.normalization,
    });
  }

  /**
   * The probability of every class, float32 `[count, classes]`, for images `[count, ...inputShape]` in one of many
   * forms.
   */
  async predict(images: ImagePixels, options: Options = {}): Promise<NdArray<Float32Array>> {
    checkOptions('predict', options);
    return predict(this.engine, this.model, images, {
      ...options,
      normalization: this.details.normalization,
    });
  }

  /** Of every image the most probable class by its name, and the probability of each. */
  async classify(images: ImagePixels, options: Options = {}): Promise<Classified[]> {
    checkOptions('classify', options);
    const { classes } = this.details;
    const { data } = await this.predict(images, options);
    return Array.from({ length: data.length / classes.length }, (_, i) => {
      const row = data.subarray(i * classes.length, (i + 1) * classes.length);
      const probability = Math.max(...row);
      return {
        class: classes[row.indexOf(probability)] ?? '',
        probability,
        probabilities: Object.fromEntries(classes.map((name, j) => [name, row[j] ?? 0])),
      };
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
