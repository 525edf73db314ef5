import type { CompiledStep, Engine, Signature, StepFunction, StepResult } from '../../engine/engine.js';
import type { Model } from '../../nn/model.js';
import type { BuiltOptimizer, Optimizer } from '../../optimizers/optimizer.js';
import { state } from '../../tensor/leaves.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { Feed } from '../feeds/feed.js';
import { savedLeaves } from '../files/weights.js';
import { type TraceObserver, type TrainingStepOptions, trainingStep } from '../trainingStep.js';
import type { Averages } from './averages.js';
import { Guard } from './guard.js';
import { Metrics } from './metrics.js';

interface FitStepOptions extends TrainingStepOptions {
  readonly optimizer: Optimizer;
  /** Feeds a step `mixup`, the share of the first of two images. Default false. */
  readonly mixup?: boolean | undefined;
  readonly averages?: Averages | undefined;
}

/** Fed with what the feed wants, the learning rate and the mixup ratio (float32 scalars). */
type FitSignature = Signature & { readonly learningRate: { readonly shape: readonly [] } };
type Inputs = Readonly<Record<string, Leaf>>;

/**
 * One step of training as the engine sees it: forward, backward, optimizer, averages, metrics. It gives nothing back.
 */
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

  /** Returns the inputs of a step for batches of a size. */
  signature(batchSize: number): FitSignature {
    return {
      ...this.feed.signature(batchSize),
      learningRate: { shape: [] },
      ...(this.options.mixup && { mixup: { shape: [] } }),
    };
  }

  /** The graph of a step. */
  trace(inputs: Inputs, observer?: TraceObserver): StepResult<never> {
    const { model, feed, options, optimizer, steps } = this;
    const [images, labels] = [feed.images(inputs), feed.labels(inputs)];
    const { learningRate, mixup } = inputs;
    const { loss, output, next, updates } = trainingStep(
      model,
      optimizer,
      { images, labels, learningRate: learningRate!, steps, mixup },
      { ...options, observer },
    );
    return {
      updates: [
        ...updates,
        ...(options.averages?.updates(updates, next) ?? []),
        ...this.metrics.updates(loss, output, labels),
        ...this.guard.updates(loss, next),
        [steps, next],
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
      ...named('state', [
        ...this.model.trainingStates,
        ...this.optimizer.states,
        ...this.metrics.leaves,
        this.guard.leaf,
        this.steps,
      ]),
    ]);
  }
}
