import type { NdArray } from 'ndarray';
import { checkOptionNames } from '../../core/check.js';
import { float32Of } from '../../core/dtype.js';
import { ShapeError } from '../../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../../core/shape.js';
import { viewOf } from '../../core/view.js';
import type { Dataset } from '../../data/dataset.js';
import { checkEngine } from '../../engine/checkEngine.js';
import type { Engine, Signature, StepFunction } from '../../engine/engine.js';
import { turn } from '../../engine/runSteps.js';
import { crossEntropy } from '../../nn/losses.js';
import type { Application, Model } from '../../nn/model.js';
import { checkModel } from '../../nn/model.js';
import { input } from '../../tensor/leaves.js';
import { softmax } from '../../tensor/ops/softmax.js';
import type { Feed } from '../feeds/feed.js';
import { openFeed } from '../feeds/open.js';
import { checkFits } from '../fit/checkFits.js';
import { groups } from '../fit/groups.js';
import { Metrics } from '../fit/metrics.js';
import { wilsonInterval } from './interval.js';
import { type Normalization, normalize, plainPixels } from './normalization.js';
import { type ImagePixels, pixelsOf } from './pixels.js';

/** How well a model does on a dataset. */
export interface Evaluation {
  /** Mean cross-entropy per example, in nats. */
  readonly loss: number;
  /** The share of the examples whose class was right, 0 to 1. */
  readonly accuracy: number;
  readonly correct: number;
  readonly count: number;
  /** Wilson's 95% interval of the accuracy. */
  readonly interval: readonly [low: number, high: number];
}

export interface InferenceOptions {
  /** As in the model's training. Default: pixels from 0 to 1. */
  readonly normalization?: Normalization | undefined;
  /** Ends the work at a batch boundary: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the number of examples that are done. */
  readonly onProgress?: ((finished: number, count: number) => void) | undefined;
}

/** Every option; `normalization` only where a model does not know its own. */
const optionNames = { normalization: true, signal: true, onProgress: true } as const;
/** What options of other frameworks are called here. */
export const inferenceElsewhere = {
  batchsize: 'none: batches are always of one size, since the last bits of a loss depend on it',
};

/**
 * Always the same, since the last bits of a loss depend on how examples are summed. It divides the 10,000 and 60,000
 * images of the MNIST family, which leaves no ragged batch to plan.
 */
const usualBatch = 250;
/** Rows of a prediction have their bits in any batch: as few as there can be. A power of two is what is often asked for. */
const largestPrediction = 256;
/** Of what any layer has for a batch: a model of large images takes fewer at once. */
const mostLayerBytes = 2 ** 29;
const batchesPerRun = 8;

/** A larger dataset is streamed, as MNIST's are: an evaluation looks at every image once. */
const residentBytes = 2 ** 22;
/** Of a streamed one, some batches are gathered at a time. */
const blockBytes = 2 ** 21;

/**
 * The size of batches of which none is larger than `most`: of equal ones, where an eighth more of them makes them equal,
 * since each size has its plan.
 */
export function predictionBatch(count: number, most: number): number {
  const fewest = Math.max(1, Math.ceil(count / most));
  for (let batches = fewest; batches <= fewest + fewest / 8; batches++) {
    if (count % batches === 0) return count / batches;
  }
  return Math.ceil(count / fewest);
}

/** Evaluates one dataset. */
interface EvaluationStep {
  readonly feed: Feed;
  readonly step: StepFunction<Signature, never>;
}

type PredictionStep = StepFunction<{ readonly images: { readonly shape: Shape } }, 'probabilities'>;

/** The most numbers that a layer has for one example. */
function largestOf(model: Model): number {
  let largest = sizeOf(model.inputShape);
  const observe = ({ output }: Application) => {
    largest = Math.max(largest, output.size);
  };
  model.apply(input('input', [1, ...model.inputShape]), { observe });
  return largest;
}

/** The plans of one model in one engine that only read its weights. */
class Inference {
  private readonly metrics = new Metrics('evaluation');
  private readonly batch: number;
  private readonly mostPredicted: number;
  /** Ends with the evaluations so far: they count with the same metrics, so only one may run at a time. */
  private queue: Promise<unknown> = Promise.resolve();
  /** One function per dataset, by which the engine knows the plans. */
  private readonly evaluations = new WeakMap<Dataset, EvaluationStep>();
  private readonly prediction: PredictionStep = ({ images }) => ({
    outputs: { probabilities: softmax(this.model.apply(normalize(images, this.normalization)).output) },
  });

  constructor(
    readonly engine: Engine,
    readonly model: Model,
    readonly normalization: Normalization,
  ) {
    const most = Math.max(1, Math.floor(mostLayerBytes / (4 * largestOf(model))));
    this.batch = Math.min(usualBatch, most);
    this.mostPredicted = Math.min(largestPrediction, most);
  }

  evaluate(dataset: Dataset, options: InferenceOptions): Promise<Evaluation> {
    const evaluation = this.queue.then(() => this.measure(dataset, options));
    // A failure is its caller's alone.
    this.queue = evaluation.catch(() => {});
    return evaluation;
  }

  private async measure(dataset: Dataset, { signal, onProgress }: InferenceOptions): Promise<Evaluation> {
    const { feed, step } = this.evaluationOf(dataset);
    const { count } = dataset;
    await this.metrics.reset(this.engine);
    try {
      feed.begin({ order: Int32Array.from({ length: count }, (_, i) => i), epoch: 1, start: 0 });
      const size = (start: number) => Math.min(batchesPerRun, Math.floor(feed.reach(start) / this.batch));
      for (const { start, batchSize, batches } of groups(count, this.batch, size)) {
        const compiled = this.engine.compile(step, feed.signature(batchSize));
        const values = await feed.values(start, batchSize * batches);
        await compiled.run(values, { steps: batches, ...(signal && { signal }) });
        onProgress?.(start + batchSize * batches, count);
        await turn();
      }
    } finally {
      await feed.close();
    }
    const { loss, accuracy, correct, examples } = await this.metrics.read(this.engine);
    return { loss, accuracy, correct, count: examples, interval: wilsonInterval(correct, examples) };
  }

  private evaluationOf(dataset: Dataset): EvaluationStep {
    const known = this.evaluations.get(dataset);
    if (known !== undefined) return known;
    checkFits('evaluate', this.model, dataset);
    const feed = openFeed(this.engine, dataset, { batchSize: this.batch, residentBytes, blockBytes });
    const step: EvaluationStep['step'] = (inputs) => {
      const images = normalize(feed.images(inputs), this.normalization);
      const labels = feed.labels(inputs);
      const { output } = this.model.apply(images);
      return { updates: this.metrics.updates(crossEntropy(output, labels), output, labels) };
    };
    const made = { feed, step };
    this.evaluations.set(dataset, made);
    return made;
  }

  async predict(
    images: Uint8Array,
    { signal, onProgress }: InferenceOptions,
  ): Promise<NdArray<Float32Array>> {
    const { inputShape, outputShape } = this.model;
    const size = sizeOf(inputShape);
    const count = images.length / size;
    if (!Number.isInteger(count)) {
      throw new ShapeError(
        `predict: ${images.length} pixels are no whole number of images of ${formatShape(inputShape)} (${size} each)`,
      );
    }
    const width = sizeOf(outputShape);
    const rows = new Float32Array(count * width);
    for (const { start, batchSize } of groups(count, predictionBatch(count, this.mostPredicted), () => 1)) {
      // not behind the last: a single image is predicted in less time than a turn takes
      if (start > 0) await turn();
      const compiled = this.engine.compile(this.prediction, {
        images: { shape: [batchSize, ...inputShape], dtype: 'uint8' },
      });
      const pixels = images.subarray(start * size, (start + batchSize) * size);
      const { probabilities } = await compiled.run({ images: pixels }, { ...(signal && { signal }) });
      rows.set(float32Of(probabilities.data), start * width);
      onProgress?.(start + batchSize, count);
    }
    return viewOf(rows, [count, ...outputShape]);
  }
}

// By engine first: a model that outlives its engines must not keep their memory.
const known = new WeakMap<Engine, WeakMap<Model, Inference[]>>();

function inferenceOf(engine: Engine, model: Model, normalization: Normalization): Inference {
  const models = known.get(engine) ?? new WeakMap<Model, Inference[]>();
  known.set(engine, models);
  const all = models.get(model) ?? [];
  models.set(model, all);
  let found = all.find(
    (one) =>
      one.normalization.mean === normalization.mean &&
      one.normalization.deviation === normalization.deviation,
  );
  if (found === undefined) {
    found = new Inference(engine, model, normalization);
    all.push(found);
  }
  return found;
}

/**
 * Mean loss and accuracy of a model on a whole dataset, with the weights that the engine holds now. The same weights on
 * the same backend give the same numbers, to the bit. Evaluations of one model take turns.
 *
 * @throws ShapeError when images or classes do not fit the model
 */
export async function evaluate(
  engine: Engine,
  model: Model,
  dataset: Dataset,
  options: InferenceOptions = {},
): Promise<Evaluation> {
  checkOptionNames('evaluate', options, optionNames, inferenceElsewhere);
  checkEngine('evaluate: engine', engine);
  checkModel('evaluate: model', model);
  return inferenceOf(engine, model, options.normalization ?? plainPixels).evaluate(dataset, options);
}

/**
 * The probability of every class for every image.
 *
 * @param images `[count, ...inputShape]` row-major: bytes, floats, plain numbers, or what canvases give
 * @returns float32 `[count, classes]`
 * @throws ShapeError for a part of an image or a canvas of another size, DataError for what are no pixels
 */
export async function predict(
  engine: Engine,
  model: Model,
  images: ImagePixels,
  options: InferenceOptions = {},
): Promise<NdArray<Float32Array>> {
  checkOptionNames('predict', options, optionNames, inferenceElsewhere);
  checkEngine('predict: engine', engine);
  checkModel('predict: model', model);
  return inferenceOf(engine, model, options.normalization ?? plainPixels).predict(
    pixelsOf(images, model.inputShape),
    options,
  );
}
