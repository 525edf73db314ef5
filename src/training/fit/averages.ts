import type { Engine } from '../../engine/engine.js';
import { Model } from '../../nn/model.js';
import { add, cast, divide, flush, minimum, multiply, subtract } from '../../tensor/ops/pointwise.js';
import type { Leaf, Tensor } from '../../tensor/tensor.js';
import { copyWeights, savedLeaves } from '../files/weights.js';

/**
 * Exponential moving averages of a model's weights and running statistics, as a second model of the same architecture
 * whose values they are (Polyak and Juditsky 1992). The decay grows in the first steps, as in TensorFlow's
 * ExponentialMovingAverage with `num_updates`, so that the initial values are soon forgotten:
 *
 *     dₜ = min(d, (1 + t) / (10 + t)),  a ← a + (1 − dₜ) · (w − a)      w after step t = 1, 2, …
 */
export class Averages {
  readonly model: Model;

  /** @param decay d, at least 0 and below 1 */
  constructor(
    private readonly source: Model,
    private readonly decay: number,
  ) {
    this.model = new Model(source.layer, source.inputShape, source.seed);
  }

  /**
   * The averages after a step.
   *
   * @param updates of the model's leaves by the step
   * @param step int32 scalar that counts steps: 1 in the first
   */
  updates(updates: readonly (readonly [Leaf, Tensor])[], step: Tensor): [Leaf, Tensor][] {
    const values = new Map<Leaf, Tensor>(updates);
    const t = cast(step, 'float32');
    const share = subtract(1, minimum(divide(add(t, 1), add(t, 10)), this.decay));
    const sources = savedLeaves(this.source);
    return savedLeaves(this.model).map((average, i) => {
      const value = values.get(sources[i]!) ?? sources[i]!;
      return [average, flush(add(average, multiply(subtract(value, average), share)))];
    });
  }

  /** The averages of nothing: the model's values as they are. */
  begin(engine: Engine): Promise<void> {
    return copyWeights(engine, this.source, this.model);
  }

  /** Gives the model the averages. */
  finish(engine: Engine): Promise<void> {
    return copyWeights(engine, this.model, this.source);
  }
}
