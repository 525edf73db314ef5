import { checkRange } from '../core/check.js';
import { add, divide, multiply, sqrt, subtract } from '../tensor/ops/pointwise.js';
import { checkSettings, type DecayOptions, flushedSquare, type Optimizer, optimizerOf } from './optimizer.js';

export interface AdagradOptions extends DecayOptions {
  /** η, default 0.001. */
  readonly learningRate?: number;
  /** s₀ ≥ 0: what the sum of squares begins with; default 0.1. */
  readonly initialSum?: number;
  /** ε ≥ 0, below the root; default 1e-7. */
  readonly epsilon?: number;
}

/**
 * Adagrad (Duchi, Hazan and Singer, JMLR 2011), as Keras defines it. The state is the sum without s₀.
 *
 *     s ← s + g²
 *     w ← w · (1 − η·λ) − η·g / √(s₀ + s + ε)
 *
 * @param settings options, or the learning rate alone
 * @throws UsageError for an option out of range
 */
export function adagrad(settings: AdagradOptions | number = {}, ...more: undefined[]): Optimizer {
  const options: AdagradOptions = typeof settings === 'number' ? { learningRate: settings } : settings;
  checkSettings(
    'adagrad',
    options,
    { learningRate: true, weightDecay: true, decayVectors: true, initialSum: true, epsilon: true },
    more,
  );
  const { learningRate = 0.001, initialSum = 0.1, epsilon = 1e-7 } = options;
  checkRange('adagrad: initialSum', initialSum, 0);
  checkRange('adagrad: epsilon', epsilon, 0);
  return optimizerOf({
    name: 'adagrad',
    learningRate,
    options: { initialSum, epsilon },
    decay: options,
    slots: ['sumOfSquares'],
    step:
      (rate) =>
      (kept, g, [before]) => {
        const sum = add(before!, flushedSquare(g));
        const change = divide(multiply(g, rate), sqrt(add(sum, initialSum + epsilon)));
        return { parameter: subtract(kept, change), states: [sum] };
      },
  });
}
