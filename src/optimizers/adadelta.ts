import { checkRange } from '../core/check.js';
import { add, divide, multiply, sqrt, subtract } from '../tensor/ops/pointwise.js';
import { checkSettings, type DecayOptions, flushedSquare, type Optimizer, optimizerOf } from './optimizer.js';

export interface AdadeltaOptions extends DecayOptions {
  /** η, default 0.001 as in Keras; the paper has 1. */
  readonly learningRate?: number;
  /** ρ, at least 0 and below 1; default 0.95. */
  readonly rho?: number;
  /** ε ≥ 0, below the roots; default 1e-7. */
  readonly epsilon?: number;
}

/**
 * Adadelta (Zeiler 2012, arXiv:1212.5701), as Keras defines it.
 *
 *     v ← ρ·v + (1 − ρ)·g²
 *     Δ = g · √(d + ε) / √(v + ε)
 *     d ← ρ·d + (1 − ρ)·Δ²
 *     w ← w · (1 − η·λ) − η·Δ
 *
 * @param settings options, or the learning rate alone
 * @throws UsageError for an option out of range
 */
export function adadelta(settings: AdadeltaOptions | number = {}, ...more: undefined[]): Optimizer {
  const options: AdadeltaOptions = typeof settings === 'number' ? { learningRate: settings } : settings;
  checkSettings(
    'adadelta',
    options,
    { learningRate: true, weightDecay: true, decayVectors: true, rho: true, epsilon: true },
    more,
  );
  const { learningRate = 0.001, rho = 0.95, epsilon = 1e-7 } = options;
  checkRange('adadelta: rho', rho, 0, 1);
  checkRange('adadelta: epsilon', epsilon, 0);
  return optimizerOf({
    name: 'adadelta',
    learningRate,
    options: { rho, epsilon },
    decay: options,
    slots: ['meanSquare', 'meanSquareChange'],
    step:
      (rate) =>
      (kept, g, [before, changes]) => {
        const meanSquare = add(multiply(before!, rho), multiply(flushedSquare(g), 1 - rho));
        const change = divide(multiply(g, sqrt(add(changes!, epsilon))), sqrt(add(meanSquare, epsilon)));
        return {
          parameter: subtract(kept, multiply(change, rate)),
          states: [meanSquare, add(multiply(changes!, rho), multiply(flushedSquare(change), 1 - rho))],
        };
      },
  });
}
