import { checkRange } from '../core/check.js';
import { add, multiply, subtract } from '../tensor/ops/pointwise.js';
import { checkSettings, type DecayOptions, type Optimizer, optimizerOf } from './optimizer.js';

export interface SgdOptions extends DecayOptions {
  /** η, default 0.01. */
  readonly learningRate?: number;
  /** μ, at least 0 and below 1; default 0. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
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
export function sgd(settings: SgdOptions | number = {}, ...more: undefined[]): Optimizer {
  const options: SgdOptions = typeof settings === 'number' ? { learningRate: settings } : settings;
  checkSettings(
    'sgd',
    options,
    { learningRate: true, weightDecay: true, decayVectors: true, momentum: true, nesterov: true },
    more,
  );
  const { learningRate = 0.01, momentum = 0, nesterov = false } = options;
  checkRange('sgd: momentum', momentum, 0, 1);
  return optimizerOf({
    name: 'sgd',
    learningRate,
    options: { momentum, nesterov },
    decay: options,
    slots: momentum === 0 ? [] : ['velocity'],
    step:
      (rate) =>
      (kept, gradient, [velocity]) => {
        const scaled = multiply(gradient, rate);
        if (velocity === undefined) return { parameter: subtract(kept, scaled), states: [] };
        const next = subtract(multiply(velocity, momentum), scaled);
        const moved = nesterov ? subtract(multiply(next, momentum), scaled) : next;
        return { parameter: add(kept, moved), states: [next] };
      },
  });
}
