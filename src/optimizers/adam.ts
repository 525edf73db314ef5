import { checkRange } from '../core/check.js';
import { exactLog } from '../core/math.js';
import { add, cast, divide, multiply, sqrt, subtract, tanh } from '../tensor/ops/pointwise.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkSettings, type DecayOptions, flushedSquare, type Optimizer, optimizerOf } from './optimizer.js';

export interface AdamOptions extends DecayOptions {
  /** η, default 0.001. */
  readonly learningRate?: number;
  /** β₁, at least 0 and below 1; default 0.9. */
  readonly beta1?: number;
  /** β₂, at least 0 and below 1; default 0.999. */
  readonly beta2?: number;
  /** ε ≥ 0; default 1e-7, as in Keras. */
  readonly epsilon?: number;
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

type Settings = AdamOptions | number;

function named(name: string, weightDecay: number, settings: Settings, more: readonly unknown[]): Optimizer {
  const options: AdamOptions = typeof settings === 'number' ? { learningRate: settings } : settings;
  checkSettings(
    name,
    options,
    { learningRate: true, weightDecay: true, decayVectors: true, beta1: true, beta2: true, epsilon: true },
    more,
  );
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  checkRange(`${name}: beta1`, beta1, 0, 1);
  checkRange(`${name}: beta2`, beta2, 0, 1);
  checkRange(`${name}: epsilon`, epsilon, 0);
  return optimizerOf({
    name,
    learningRate,
    options: { beta1, beta2, epsilon },
    decay: { ...options, weightDecay: options.weightDecay ?? weightDecay },
    slots: ['firstMoment', 'secondMoment'],
    step(rate, step) {
      const t = cast(step, 'float32');
      const size = multiply(rate, divide(sqrtOf(oneMinusPower(beta2, t)), oneMinusPower(beta1, t)));
      return (kept, g, [first, second]) => {
        const m = add(first!, multiply(subtract(g, first!), 1 - beta1));
        const v = add(second!, multiply(subtract(flushedSquare(g), second!), 1 - beta2));
        const change = divide(multiply(m, size), add(sqrt(v), epsilon));
        return { parameter: subtract(kept, change), states: [m, v] };
      };
    },
  });
}

const sqrtOf = (value: Tensor | number) => (typeof value === 'number' ? value : sqrt(value));

/**
 * Adam (Kingma and Ba, ICLR 2015), in the order of computation that ends its section 2, as Keras has it: ε is added to
 * the uncorrected √v. (PyTorch adds it after the correction, which is 1/√(1 − β₂ᵗ) times as much.) No weight decay
 * unless `weightDecay` says so, which makes it `adamW`.
 *
 *     m ← m + (1 − β₁) · (g − m)
 *     v ← v + (1 − β₂) · (g² − v)
 *     w ← w · (1 − η·λ) − η · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)
 *
 * @param settings options, or the learning rate alone
 * @throws UsageError for an option out of range
 */
export function adam(settings: Settings = {}, ...more: undefined[]): Optimizer {
  return named('adam', 0, settings, more);
}

/**
 * AdamW (Loshchilov and Hutter, ICLR 2019): `adam` with a decoupled weight decay, by default λ = 0.004 as in Keras. It
 * decays parameters of two axes or more; biases and the scales and shifts of normalizations stay, unless
 * `decayVectors`.
 *
 * @param settings options, or the learning rate alone
 * @throws UsageError for an option out of range
 */
export function adamW(settings: Settings = {}, ...more: undefined[]): Optimizer {
  return named('adamW', 0.004, settings, more);
}
