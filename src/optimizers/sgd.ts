import { add, multiply, subtract } from '../tensor/ops/pointwise.js';
import type { Leaf } from '../tensor/tensor.js';
import { checkGradientCount, checkRange, decayed, type Optimizer, slots } from './optimizer.js';

export interface SgdOptions {
  /** η, default 0.01. */
  readonly learningRate?: number;
  /** μ, at least 0 and below 1; default 0. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
  /** λ ≥ 0, decoupled; default 0. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent, as Keras defines it: the learning rate is part of the velocity. (PyTorch multiplies when
 * it is used; the two are equal as long as the rate does not change.)
 *
 *     w ← w · (1 − η·λ) − η·g                           without momentum
 *     v ← μ·v − η·g;  w ← w · (1 − η·λ) + v             Polyak 1964
 *     v ← μ·v − η·g;  w ← w · (1 − η·λ) + μ·v − η·g     Nesterov, in the form of Sutskever et al., ICML 2013
 *
 * @param settings options, or the learning rate alone
 * @throws UsageError for an option out of range
 */
export function sgd(settings: SgdOptions | number = {}): Optimizer {
  const options: SgdOptions = typeof settings === 'number' ? { learningRate: settings } : settings;
  const { learningRate = 0.01, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  checkRange('sgd: learningRate', learningRate, 0);
  checkRange('sgd: momentum', momentum, 0, 1);
  checkRange('sgd: weightDecay', weightDecay, 0);
  return {
    name: 'sgd',
    learningRate,
    options: { momentum, nesterov, weightDecay },
    build(parameters) {
      const velocities = momentum === 0 ? [] : slots('velocity', parameters);
      return {
        states: velocities,
        updates(gradients, rate) {
          checkGradientCount('sgd', gradients, parameters);
          return parameters.flatMap((parameter, i): [Leaf, ReturnType<typeof add>][] => {
            const scaled = multiply(gradients[i]!, rate);
            const kept = decayed(parameter, rate, weightDecay);
            const velocity = velocities[i];
            if (velocity === undefined) return [[parameter, subtract(kept, scaled)]];
            const next = subtract(multiply(velocity, momentum), scaled);
            const moved = nesterov ? subtract(multiply(next, momentum), scaled) : next;
            return [
              [parameter, add(kept, moved)],
              [velocity, next],
            ];
          });
        },
      };
    },
  };
}
