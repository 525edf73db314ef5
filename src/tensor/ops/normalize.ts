/**
 * Normalization by mean and variance. The values are plain ops; the gradients are written down in the form in which most
 * of their terms have canceled, which halves the passes over memory.
 */
import { checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import { checkDtype, describe } from '../build.js';
import { Tensor, type TensorLike } from '../tensor.js';
import { add, divide, multiply, sqrt, square, subtract } from './pointwise.js';
import { mean, sum } from './reduce.js';
import { withGradient } from './withGradient.js';

export interface Moments {
  readonly mean: Tensor;
  /** Divided by the number of elements, not by one less. */
  readonly variance: Tensor;
}

/** Mean and variance over all axes but the last, `[channels]`. The variance is that of x − mean, so nothing cancels. */
export function channelMoments(x: Tensor): Moments {
  const axes = outerAxes(x);
  const average = mean(x, axes);
  return { mean: average, variance: mean(square(subtract(x, average)), axes) };
}

function outerAxes(x: Tensor): number[] {
  return x.shape.slice(0, -1).map((_, axis) => axis);
}

function checkNormalized(what: string, x: Tensor): void {
  checkDtype(what, x, 'float32');
  if (x.rank === 0) throw new ShapeError(`${what}: needs [batch, …, channels]: ${describe(x)} (0 axes)`);
}

/**
 * Each channel of x `[batch, …, channels]` with the mean `beta` and the deviation `gamma`:
 *
 *     y = gamma · (x − mean) / √(variance + epsilon) + beta
 *
 * (Ioffe and Szegedy, ICML 2015). Through mean and variance, which are x's own, flows gradient too.
 *
 * @param gamma `[channels]` or a number
 * @param beta `[channels]` or a number
 * @param options.moments `channelMoments(x)`, for callers who need them as well
 */
export function batchNormalize(
  x: Tensor,
  gamma: TensorLike,
  beta: TensorLike,
  options: { readonly epsilon: number; readonly moments?: Moments },
): Tensor {
  checkOptionNames('batchNormalize', options, { epsilon: true, moments: true });
  checkNormalized('batchNormalize', x);
  const { moments = channelMoments(x), epsilon } = options;
  const axes = outerAxes(x);
  const share = 1 / sizeOf(x.shape.slice(0, -1));
  const centered = subtract(x, moments.mean);
  const inverse = divide(1, sqrt(add(moments.variance, epsilon)));
  const factor = multiply(gamma, inverse);
  const y = add(multiply(centered, factor), beta);
  // with r = 1 / √(variance + ε), N elements and the sums over them:
  //   ∂beta = Σ g    ∂gamma = r · Σ g (x − mean)
  //   ∂x = gamma · r · (g − Σ g / N − (x − mean) · r² · Σ g (x − mean) / N)
  const learned = [gamma, beta].filter((value) => value instanceof Tensor);
  return withGradient('batchNormalize', y, [x, ...learned], (g) => {
    const total = sum(g, axes);
    const alongside = sum(multiply(g, centered), axes);
    const slope = multiply(multiply(alongside, square(inverse)), share);
    const rest = subtract(subtract(g, multiply(total, share)), multiply(centered, slope));
    const parts = [multiply(rest, factor)];
    if (gamma instanceof Tensor) parts.push(multiply(alongside, inverse));
    if (beta instanceof Tensor) parts.push(total);
    return parts;
  });
}

/**
 * Each row of x `[…, features]` with mean 0 and deviation 1: (x − mean) / √(variance + epsilon), where mean and variance
 * are those of the last axis (Ba, Kiros and Hinton, Layer Normalization, 2016).
 */
export function layerNormalize(x: Tensor, options: { readonly epsilon: number }): Tensor {
  checkOptionNames('layerNormalize', options, { epsilon: true });
  checkNormalized('layerNormalize', x);
  const centered = subtract(x, mean(x, -1, true));
  const inverse = divide(1, sqrt(add(mean(square(centered), -1, true), options.epsilon)));
  const y = multiply(centered, inverse);
  // ∂x = r · (g − mean g − y · mean(g · y)), r = 1 / √(variance + ε)
  return withGradient('layerNormalize', y, [x], (g) => {
    const rest = subtract(subtract(g, mean(g, -1, true)), multiply(y, mean(multiply(g, y), -1, true)));
    return [multiply(rest, inverse)];
  });
}
