import type { CompiledStep, Engine, Signature, StepFunction, StepResult } from '../../engine/engine.js';
import { crossEntropy } from '../../nn/losses.js';
import type { Application, Model } from '../../nn/model.js';
import { type ClipOptions, clipGradients } from '../../optimizers/clipping.js';
import type { BuiltOptimizer, Optimizer } from '../../optimizers/optimizer.js';
import { type GradientPart, gradients } from '../../tensor/gradients.js';
import { state } from '../../tensor/leaves.js';
import { add } from '../../tensor/ops/pointwise.js';
import type { Leaf, Tensor } from '../../tensor/tensor.js';
import type { Feed } from '../feeds/feed.js';
import { savedLeaves } from '../files/weights.js';
import { type Normalization, normalize, plainPixels } from '../inference/normalization.js';
import type { Averages } from './averages.js';
import { Guard } from './guard.js';
import { Metrics } from './metrics.js';
import { blend, partners } from './mixup.js';

export interface FitStepOptions {
  readonly optimizer: Optimizer;
  /** Default: pixels from 0 to 1. */
  readonly normalization?: Normalization | undefined;
  readonly labelSmoothing?: number | undefined;
  /** Whether a step is fed `mixup`, the share of the first of two images. Default false. */
  readonly mixup?: boolean | undefined;
  readonly clip?: ClipOptions | undefined;
  readonly averages?: Averages | undefined;
}

/** Told, while a step is traced, where its nodes come from. */
export interface TraceObserver {
  readonly applied: (application: Application) => void;
  readonly lost: (loss: Tensor) => void;
  readonly differentiated: (part: GradientPart) => void;
}

/** Fed with what the feed wants, the learning rate and the mixup ratio (float32 scalars). */
type FitSignature = Signature & { readonly learningRate: { readonly shape: readonly [] } };
type Inputs = Readonly<Record<string, Leaf>>;

/** One step of training as the engine sees it: forward, backward, optimizer, averages, metrics. It gives nothing back. */
export class FitStep {
  /** Since the last reset. */
  readonly metrics = new Metrics('training');
  readonly guard = new Guard();
  readonly optimizer: BuiltOptimizer;
  /** Steps that are done: tells the optimizer its time and dropout its numbers. */
  private readonly steps = state('training.steps', [], 0, 'int32');
  private readonly step: StepFunction<FitSignature, never> = (inputs) => this.trace(inputs);

  constructor(
    private readonly engine: Engine,
    readonly model: Model,
    readonly feed: Feed,
    private readonly options: FitStepOptions,
  ) {
    this.optimizer = options.optimizer.build(model.parameters);
  }

  /** The step for batches of a size. The engine plans it once. */
  compile(batchSize: number): CompiledStep<FitSignature, never> {
    return this.engine.compile(this.step, this.signature(batchSize));
  }

  /** What a step takes for batches of a size. */
  signature(batchSize: number): FitSignature {
    return {
      ...this.feed.signature(batchSize),
      learningRate: { shape: [] },
      ...(this.options.mixup && { mixup: { shape: [] } }),
    };
  }

  /** The graph of a step. */
  trace(inputs: Inputs, observer?: TraceObserver): StepResult<never> {
    const { model, options } = this;
    const { parameters } = model;
    const next = add(this.steps, 1);
    const { images, labels, loss: lossOf } = this.batch(inputs);
    const { output, updates } = model.apply(images, {
      training: true,
      step: this.steps,
      ...(observer && { observe: observer.applied }),
    });
    const loss = lossOf(output);
    observer?.lost(loss);
    const raw = gradients(loss, parameters, observer?.differentiated);
    const limited = options.clip === undefined ? raw : clipGradients(raw, options.clip);
    const learned = this.optimizer.updates(limited, inputs.learningRate!, next);
    const moved = [...updates, ...learned];
    return {
      updates: [
        ...moved,
        ...(options.averages?.updates(moved, next) ?? []),
        ...this.metrics.updates(loss, output, labels),
        ...this.guard.updates(loss, next),
        [this.steps, next],
      ],
    };
  }

  /** Number of steps that are done. */
  async finished(): Promise<number> {
    return (await this.engine.read(this.steps)).get();
  }

  /** Every leaf whose value a training goes on from, by the name that checkpoints give it. */
  leaves(): Map<string, Leaf> {
    const { averages } = this.options;
    const named = (prefix: string, leaves: readonly Leaf[]) =>
      leaves.map((leaf) => [`${prefix}/${leaf.name}`, leaf] as const);
    return new Map([
      ...named('weights', savedLeaves(this.model)),
      ...named('averages', averages === undefined ? [] : savedLeaves(averages.model)),
      ...named('state', [...this.optimizer.states, ...this.metrics.leaves, this.guard.leaf, this.steps]),
    ]);
  }

  /** Images as the model gets them, the labels that accuracy counts by, and the loss of logits. */
  private batch(inputs: Inputs) {
    const { feed, options } = this;
    const { normalization = plainPixels, labelSmoothing } = options;
    const pixels = feed.images(inputs);
    const images = normalize(pixels, normalization);
    const labels = feed.labels(inputs);
    const lossTo = (logits: Tensor, target: Tensor) => crossEntropy(logits, target, { labelSmoothing });
    if (!options.mixup) return { images, labels, loss: (logits: Tensor) => lossTo(logits, labels) };
    const ratio = inputs.mixup!;
    const others = partners(labels);
    return {
      images: blend(images, normalize(partners(pixels), normalization), ratio),
      labels,
      loss: (logits: Tensor) => blend(lossTo(logits, labels), lossTo(logits, others), ratio),
    };
  }
}
