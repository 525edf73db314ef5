import type { Engine } from '../../engine/engine.js';
import { state } from '../../tensor/leaves.js';
import { abs, equal, less, multiply, subtract, where } from '../../tensor/ops/pointwise.js';
import { sum } from '../../tensor/ops/reduce.js';
import type { Leaf, Tensor } from '../../tensor/tensor.js';

/** A number that is not below this in size counts as not finite: NaN too, on every gpu. */
const finiteLimit = 3e38;

/** The number of elements that are not finite, a float32 scalar; 1 for each !(|x| < 3e38). */
export function countNonFinite(x: Tensor): Tensor {
  return sum(subtract(1, less(abs(x), finiteLimit)));
}

/**
 * A leaf that remembers the first step whose loss was not finite, so that no step has to be waited for. The loss tells of
 * all that came before it in the step, and of weights that the step before has spoiled.
 */
export class Guard {
  /** Its number, from 1; 0 as long as all is well. */
  readonly leaf = state('training.firstBadStep', [], 0, 'int32');

  /** @param step int32 scalar that counts steps: 1 in the first */
  updates(loss: Tensor, step: Tensor): [Leaf, Tensor][] {
    const bad = subtract(1, less(abs(loss), finiteLimit));
    return [[this.leaf, where(multiply(equal(this.leaf, 0), bad), step, this.leaf)]];
  }

  /** The first step that went wrong, from 1; undefined as long as all is well. */
  async read(engine: Engine): Promise<number | undefined> {
    const step: number = (await engine.read(this.leaf)).get();
    return step === 0 ? undefined : step;
  }
}
