import { checkRange } from '../core/check.js';
import { at, last } from '../core/lists.js';
import { add, divide, maximum, multiply, sqrt, subtract } from '../tensor/ops/pointwise.js';
import { checkSettings, type DecayOptions, flushedSquare, type Optimizer, optimizerOf } from './optimizer.js';

export interface RmspropOptions extends DecayOptions {
  /** η, default 0.001. */
  readonly learningRate?: number;
  /** ρ, at least 0 and below 1; default 0.9. */
  readonly rho?: number;
  /** μ, at least 0 and below 1; default 0. */
  readonly momentum?: number;
  /** ε ≥ 0, below the root; default 1e-7. */
  readonly epsilon?: number;
  /** Takes the mean gradient out of the mean square (Graves 2013). Default false. */
  readonly centered?: boolean;
}

/**
 * RMSprop (Tieleman and Hinton 2012, lecture 6e), as Keras defines it: ε is below the root, and the momentum is of the
 * whole step, rate included (PyTorch adds ε to the root, and multiplies with the rate behind the momentum).
 *
 *     v ← ρ·v + (1 − ρ)·g²
 *     a ← ρ·a + (1 − ρ)·g                   centered; else a = 0
 *     s ← μ·s + η·g / √(max(v − a², 0) + ε)       v ≥ a², but for rounding
 *     w ← w · (1 − η·λ) − s
 *
 * @param settings options, or the learning rate alone
 * @throws UsageError for an option out of range
 */
export function rmsprop(settings: RmspropOptions | number = {}, ...more: undefined[]): Optimizer {
  const options: RmspropOptions = typeof settings === 'number' ? { learningRate: settings } : settings;
  checkSettings(
    'rmsprop',
    options,
    {
      learningRate: true,
      weightDecay: true,
      decayVectors: true,
      rho: true,
      momentum: true,
      epsilon: true,
      centered: true,
    },
    more,
  );
  const { learningRate = 0.001, rho = 0.9, momentum = 0, epsilon = 1e-7, centered = false } = options;
  checkRange('rmsprop: rho', rho, 0, 1);
  checkRange('rmsprop: momentum', momentum, 0, 1);
  checkRange('rmsprop: epsilon', epsilon, 0);
  return optimizerOf({
    name: 'rmsprop',
    learningRate,
    options: { rho, momentum, epsilon, centered },
    decay: options,
    slots: ['meanSquare', ...(centered ? ['meanGradient'] : []), ...(momentum === 0 ? [] : ['velocity'])],
    step: (rate) => (kept, g, states) => {
      const meanSquare = add(multiply(at(states, 0), rho), multiply(flushedSquare(g), 1 - rho));
      const meanGradient = centered ? [add(multiply(at(states, 1), rho), multiply(g, 1 - rho))] : [];
      const spread = meanGradient.reduce(
        (all, mean) => maximum(subtract(all, flushedSquare(mean)), 0),
        meanSquare,
      );
      const step = divide(multiply(g, rate), sqrt(add(spread, epsilon)));
      const velocity = momentum === 0 ? [] : [add(multiply(last(states), momentum), step)];
      return {
        parameter: subtract(kept, velocity[0] ?? step),
        states: [meanSquare, ...meanGradient, ...velocity],
      };
    },
  });
}
