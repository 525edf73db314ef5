import { at } from '../../core/lists.js';
import type { Engine } from '../../engine/engine.js';
import { state } from '../../tensor/leaves.js';
import { add, cast, equal, multiply } from '../../tensor/ops/pointwise.js';
import { argMax, sum } from '../../tensor/ops/reduce.js';
import type { Leaf, Tensor } from '../../tensor/tensor.js';

/** Totals since the last reset. Examples count alike, whatever the sizes of their batches. */
export interface Totals {
  /** Mean loss per example; NaN of none. */
  readonly loss: number;
  /** The share of the examples whose class was right, 0 to 1; NaN of none. */
  readonly accuracy: number;
  readonly correct: number;
  readonly examples: number;
}

/** Running sums, kept in the engine so that a step gives nothing back. */
export class Metrics {
  private readonly lossSum: Leaf;
  private readonly correct: Leaf;
  private readonly examples: Leaf;

  /** @param name begins the names of the leaves: `training` */
  constructor(name: string) {
    this.lossSum = state(`${name}.lossSum`, [], 0);
    this.correct = state(`${name}.correct`, [], 0, 'int32');
    this.examples = state(`${name}.examples`, [], 0, 'int32');
  }

  get leaves(): Leaf[] {
    return [this.lossSum, this.correct, this.examples];
  }

  /**
   * Counts one batch.
   *
   * @param loss its mean, float32 scalar
   * @param logits float32 `[batch, classes]`
   * @param labels class numbers `[batch]`, int32 or uint8
   */
  updates(loss: Tensor, logits: Tensor, labels: Tensor): [Leaf, Tensor][] {
    const batch = labels.size;
    const right = equal(argMax(logits, -1), cast(labels, 'int32'));
    return [
      [this.lossSum, add(this.lossSum, multiply(loss, batch))],
      [this.correct, add(this.correct, cast(sum(right), 'int32'))],
      [this.examples, add(this.examples, batch)],
    ];
  }

  async reset(engine: Engine): Promise<void> {
    await engine.write(this.lossSum, new Float32Array(1));
    await engine.write(this.correct, new Int32Array(1));
    await engine.write(this.examples, new Int32Array(1));
  }

  async read(engine: Engine): Promise<Totals> {
    const value = async (leaf: Leaf) => at((await engine.read(leaf)).data, 0);
    const examples = await value(this.examples);
    const correct = await value(this.correct);
    return {
      loss: (await value(this.lossSum)) / examples,
      accuracy: correct / examples,
      correct,
      examples,
    };
  }
}
