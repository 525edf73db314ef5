import { checkInteger, checkOptionNames, checkPositive } from '../../core/check.js';
import { float32Of } from '../../core/dtype.js';
import { TrainingError, UsageError } from '../../core/errors.js';
import { exactPower } from '../../core/math.js';
import { permutation } from '../../data/batches.js';
import { checkDataset, type Dataset, select } from '../../data/dataset.js';
import { checkEngine } from '../../engine/checkEngine.js';
import type { Engine } from '../../engine/engine.js';
import type { Layer } from '../../nn/layer.js';
import { Model } from '../../nn/model.js';
import { checkOptimizer, type Optimizer } from '../../optimizers/optimizer.js';
import { state } from '../../tensor/leaves.js';
import { savedLeaves } from '../files/weights.js';
import { checkFits } from '../fit/checkFits.js';
import { defaultBatchSize } from '../fit/options.js';
import { type TrainingStepOptions, trainingStep } from '../trainingStep.js';
import { analyzeRates, divergence, type RateAnalysis, type RatePoint, runningMean } from './analysis.js';

export interface RateFinderOptions extends TrainingStepOptions {
  /** Its own learning rate does not matter. */
  readonly optimizer: Optimizer;
  /** Default 128, at most the number of images. */
  readonly batchSize?: number | undefined;
  /** The first learning rate, above 0; default 1e-7. */
  readonly from?: number | undefined;
  /** The last, above `from`; default 10. */
  readonly to?: number | undefined;
  /** How many rates are tried, one step each; at least 20, default 200. */
  readonly steps?: number | undefined;
  /** Of weights, order and dropout; default 0. */
  readonly seed?: number | undefined;
  /** Ends the search after the step that is running: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, steps: number) => void) | undefined;
}

/** Losses over a range of learning rates. */
export interface RateSearch extends RateAnalysis {
  /** The search ended before its last rate, because the loss had run away. */
  readonly diverged: boolean;
}

/** Every option, for the compiler to compare. */
const optionNames: Readonly<Record<keyof RateFinderOptions, true>> = {
  optimizer: true,
  batchSize: true,
  from: true,
  to: true,
  steps: true,
  seed: true,
  normalization: true,
  labelSmoothing: true,
  clip: true,
  signal: true,
  onProgress: true,
};

/** Names in other frameworks, and options of a training that a search has not, in lower case without signs. */
const elsewhere = {
  minlr: 'from',
  startlr: 'from',
  maxlr: 'to',
  endlr: 'to',
  numiter: 'steps',
  numtraining: 'steps',
  epochs: 'steps',
  learningrate: 'from and to, the first rate and the last',
  lr: 'from and to, the first rate and the last',
  augmentation: 'none: a search does without it',
  mixup: 'none: a search does without it',
  validation: 'none: give it the images that are trained on',
};

const defaults = { from: 1e-7, to: 10, steps: 200 };

function checkOptions({ from, to, steps, batchSize }: Required<typeof defaults> & { batchSize: number }) {
  checkPositive('findLearningRate: from', from);
  checkPositive('findLearningRate: to', to);
  if (!(to > from)) {
    throw new UsageError(`findLearningRate: to must be above from: from ${from} to ${to}`);
  }
  checkInteger('findLearningRate: steps', steps, 20);
  checkInteger('findLearningRate: batchSize', batchSize);
}

/** A model of the same layers, with the weights that the engine holds for it, in leaves of its own. */
async function copyOf(engine: Engine, model: Model): Promise<Model> {
  const copy = new Model(model.layer, model.inputShape, model.seed);
  const originals = savedLeaves(model);
  for (const [i, leaf] of savedLeaves(copy).entries()) {
    await engine.write(leaf, float32Of((await engine.read(originals[i]!)).data));
  }
  return copy;
}

/** Batches of one size, in an order that is drawn anew whenever the images are used up. */
function* batchesOf(dataset: Dataset, batchSize: number, seed: number): Generator<Dataset, never> {
  for (let epoch = 1; ; epoch++) {
    const order = permutation(dataset.count, seed, epoch);
    for (let start = 0; start + batchSize <= dataset.count; start += batchSize) {
      yield select(dataset, order.subarray(start, start + batchSize));
    }
  }
}

/** The step of a training, with its loss. */
function compileStep(engine: Engine, model: Model, batchSize: number, options: RateFinderOptions) {
  const optimizer = options.optimizer.build(model.parameters);
  const steps = state('rateFinder.steps', [], 0, 'int32');
  return engine.compile(
    (inputs) => {
      const { loss, next, updates } = trainingStep(model, optimizer, { ...inputs, steps }, options);
      return { outputs: { loss }, updates: [...updates, [steps, next]] };
    },
    {
      images: { shape: [batchSize, ...model.inputShape], dtype: 'uint8' },
      labels: { shape: [batchSize], dtype: 'uint8' },
      learningRate: { shape: [] },
    },
  );
}

/**
 * The learning-rate range test (Smith, WACV 2017): a short training on a copy of the weights, whose learning rate grows
 * by the same factor at every step, until the loss runs away. Nothing of it stays but memory, until the engine closes.
 * It does without augmentation and mixup.
 *
 *     ηᵢ = from · (to / from) ^ (i / (steps − 1))
 *
 * It ends early where the running mean of the loss is above `divergence` (4) times its lowest, or a loss is not finite.
 * What the losses say is in `RateAnalysis`. Give it the images that are trained on, never those of a test.
 *
 * @param layer a layer, which becomes a model with weights drawn from the seed; or a model, whose weights are copied
 * @throws UsageError for an option out of range, ShapeError when model and dataset do not fit together, TrainingError
 *   when not even the first loss is a finite number
 */
export async function findLearningRate(
  engine: Engine,
  layer: Layer | Model,
  dataset: Dataset,
  options: RateFinderOptions,
): Promise<RateSearch> {
  checkOptionNames('findLearningRate', options, optionNames, elsewhere);
  checkEngine('findLearningRate: engine', engine);
  checkOptimizer('findLearningRate: optimizer', options.optimizer);
  const { from = defaults.from, to = defaults.to, steps = defaults.steps, seed = 0, signal } = options;
  checkOptions({ from, to, steps, batchSize: options.batchSize ?? defaultBatchSize });
  checkDataset('findLearningRate', dataset);
  if (dataset.count === 0) {
    throw new UsageError(`findLearningRate: there is nothing to train on: ${dataset.name} has 0 images`);
  }
  const batchSize = Math.min(options.batchSize ?? defaultBatchSize, dataset.count);
  const model = layer instanceof Model ? layer : new Model(layer, dataset.shape, seed);
  checkFits('findLearningRate', model, dataset);
  const step = compileStep(
    engine,
    layer instanceof Model ? await copyOf(engine, layer) : model,
    batchSize,
    options,
  );
  const points: RatePoint[] = [];
  const batches = batchesOf(dataset, batchSize, seed);
  const mean = runningMean();
  let lowest = Number.POSITIVE_INFINITY;
  let diverged = false;
  for (let i = 0; i < steps && !diverged; i++) {
    signal?.throwIfAborted();
    const { images, labels } = batches.next().value;
    const learningRate = from * exactPower(to / from, i / (steps - 1));
    const feeds = { images, labels, learningRate };
    const value = (await step.run(feeds, { ...(signal && { signal }) })).loss.get();
    const running = mean(value);
    diverged = !Number.isFinite(value) || running > divergence * lowest;
    lowest = Math.min(lowest, running);
    if (Number.isFinite(value)) points.push({ learningRate, loss: value });
    options.onProgress?.(i + 1, steps);
  }
  if (points.length === 0) {
    throw new TrainingError('findLearningRate: the first loss is not a finite number', {
      hint: 'The weights or the images are at fault: no learning rate has had an effect yet.',
    });
  }
  return { ...analyzeRates(points), diverged };
}
