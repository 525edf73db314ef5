import type { Shape } from '../core/shape.js';
import type { Dataset } from '../data/dataset.js';
import type { CompiledStep, Engine, StepFunction } from '../engine/engine.js';
import { crossEntropy } from '../nn/losses.js';
import type { Model } from '../nn/model.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { gradients } from '../tensor/gradients.js';
import { state } from '../tensor/leaves.js';
import { add } from '../tensor/ops/pointwise.js';
import { Metrics } from './metrics.js';
import type { Normalisation } from './normalisation.js';
import { residentData, takeBatch } from './residentData.js';

/** Fed with int32 `indices` `[batch]` and a float32 scalar; gives nothing back. */
type Signature = {
  readonly indices: { readonly shape: Shape; readonly dtype: 'int32' };
  readonly learningRate: { readonly shape: Shape };
};

/** One step of training as the engine sees it: forward, backward, optimizer, metrics. */
export class FitStep {
  /** Since the last reset. */
  readonly metrics = new Metrics('training');
  /** Steps that are done: tells the optimizer its time and dropout its numbers. */
  private readonly steps = state('training.steps', [], 0, 'int32');
  private readonly trace: StepFunction<Signature, never>;

  constructor(
    private readonly engine: Engine,
    model: Model,
    dataset: Dataset,
    optimizer: Optimizer,
    normalisation: Normalisation,
  ) {
    const data = residentData(dataset);
    const { parameters } = model;
    const built = optimizer.build(parameters);
    this.trace = ({ indices, learningRate }) => {
      const { images, labels } = takeBatch(data, indices, normalisation);
      const { output, updates } = model.apply(images, { training: true, step: this.steps });
      const loss = crossEntropy(output, labels);
      const next = add(this.steps, 1);
      return {
        updates: [
          ...updates,
          ...built.updates(gradients(loss, parameters), learningRate, next),
          ...this.metrics.updates(loss, output, labels),
          [this.steps, next],
        ],
      };
    };
  }

  /** The step for batches of a size. The engine plans it once. */
  compile(batchSize: number): CompiledStep<Signature, never> {
    return this.engine.compile(this.trace, {
      indices: { shape: [batchSize], dtype: 'int32' },
      learningRate: { shape: [] },
    });
  }

  /** Number of steps that are done. */
  async finished(): Promise<number> {
    return (await this.engine.read(this.steps)).get();
  }
}
