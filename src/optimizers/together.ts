import { multiply } from '../tensor/ops/pointwise.js';
import type { Leaf } from '../tensor/tensor.js';
import { type BuiltOptimizer, checkGradientCount, type Optimizer } from './optimizer.js';

/** An optimizer for some of the parameters. */
export interface Part {
  readonly optimizer: Optimizer;
  /** Factor of the learning rate. */
  readonly factor: number;
}

/**
 * Builds several optimizers as one, each for the parameters that are its own.
 *
 * @param partOf which of the parts a parameter belongs to
 */
export function buildTogether(
  what: string,
  parts: readonly Part[],
  parameters: readonly Leaf[],
  partOf: (parameter: Leaf) => number,
): BuiltOptimizer {
  const built = parts.map(({ optimizer, factor }, i) => {
    const mine = parameters.flatMap((parameter, at) => (partOf(parameter) === i ? [at] : []));
    return { ...optimizer.build(mine.map((at) => parameters[at]!)), factor, mine };
  });
  return {
    states: built.flatMap(({ states }) => states),
    updates(gradients, rate, step) {
      checkGradientCount(what, gradients, parameters);
      return built.flatMap(({ updates, factor, mine }) =>
        updates(
          mine.map((at) => gradients[at]!),
          factor === 1 ? rate : multiply(rate, factor),
          step,
        ),
      );
    },
  };
}
