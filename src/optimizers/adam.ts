import { exactLog } from '../core/math.js';
import { add, cast, divide, multiply, sqrt, square, subtract, tanh } from '../tensor/ops/pointwise.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';
import { checkGradientCount, checkRange, decayed, type Optimizer, slots } from './optimizer.js';

export interface AdamOptions {
  /** η, default 0.001. */
  readonly learningRate?: number;
  /** β₁, at least 0 and below 1; default 0.9. */
  readonly beta1?: number;
  /** β₂, at least 0 and below 1; default 0.999. */
  readonly beta2?: number;
  /** ε ≥ 0; default 1e-7, as in Keras. */
  readonly epsilon?: number;
  /** λ ≥ 0, decoupled (AdamW); default 0. */
  readonly weightDecay?: number;
}

/**
 * 1 − βᵗ for a float32 scalar t ≥ 1. For β close to 1 the difference would lose half of its digits; instead, with
 * a = −t · ln β, 1 − e^(−a) = 2·tanh(a/2) / (1 + tanh(a/2)).
 */
function oneMinusPower(beta: number, t: Tensor): Tensor | number {
  if (beta === 0) return 1;
  const half = tanh(multiply(t, -exactLog(beta) / 2));
  return divide(multiply(half, 2), add(half, 1));
}

/**
 * Adam (Kingma and Ba, ICLR 2015), in the order of computation that ends its section 2, as Keras has it: ε is added to
 * the uncorrected √v. (PyTorch adds it after the correction, which is 1/√(1 − β₂ᵗ) times as much.) With `weightDecay`
 * it is AdamW (Loshchilov and Hutter, ICLR 2019).
 *
 *     m ← m + (1 − β₁) · (g − m)
 *     v ← v + (1 − β₂) · (g² − v)
 *     w ← w · (1 − η·λ) − η · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)
 *
 * @param settings options, or the learning rate alone
 * @throws UsageError for an option out of range
 */
export function adam(settings: AdamOptions | number = {}): Optimizer {
  const options: AdamOptions = typeof settings === 'number' ? { learningRate: settings } : settings;
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0 } = options;
  checkRange('adam: learningRate', learningRate, 0);
  checkRange('adam: beta1', beta1, 0, 1);
  checkRange('adam: beta2', beta2, 0, 1);
  checkRange('adam: epsilon', epsilon, 0);
  checkRange('adam: weightDecay', weightDecay, 0);
  return {
    name: 'adam',
    learningRate,
    options: { beta1, beta2, epsilon, weightDecay },
    build(parameters) {
      const first = slots('firstMoment', parameters);
      const second = slots('secondMoment', parameters);
      return {
        states: [...first, ...second],
        updates(gradients, rate, step) {
          checkGradientCount('adam', gradients, parameters);
          const t = cast(step, 'float32');
          const size = multiply(rate, divide(sqrtOf(oneMinusPower(beta2, t)), oneMinusPower(beta1, t)));
          return parameters.flatMap((parameter, i): [Leaf, Tensor][] => {
            const g = gradients[i]!;
            const m = add(first[i]!, multiply(subtract(g, first[i]!), 1 - beta1));
            const v = add(second[i]!, multiply(subtract(square(g), second[i]!), 1 - beta2));
            const change = divide(multiply(m, size), add(sqrt(v), epsilon));
            return [
              [parameter, subtract(decayed(parameter, rate, weightDecay), change)],
              [first[i]!, m],
              [second[i]!, v],
            ];
          });
        },
      };
    },
  };
}

const sqrtOf = (value: Tensor | number) => (typeof value === 'number' ? value : sqrt(value));
