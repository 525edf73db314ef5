import { add, clip, divide, maximum, multiply, sqrt, square } from '../tensor/ops/pointwise.js';
import { sum } from '../tensor/ops/reduce.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkPositive } from './optimizer.js';

/**
 * Scales all gradients by one number so that their common Euclidean norm is at most `limit` (Pascanu, Mikolov and
 * Bengio, ICML 2013; the global norm, as `global_clipnorm` of Keras).
 *
 *     g ← g · limit / max(limit, √Σ g²)
 *
 * @throws UsageError unless `limit` is above 0
 */
export function clipByNorm(gradients: readonly Tensor[], limit: number): Tensor[] {
  checkPositive('clipByNorm: limit', limit);
  if (gradients.length === 0) return [];
  const norm = sqrt(
    gradients.map((gradient) => sum(square(gradient))).reduce((total, part) => add(total, part)),
  );
  const scale = divide(limit, maximum(norm, limit));
  return gradients.map((gradient) => multiply(gradient, scale));
}

/**
 * Limits every element to [−limit, limit].
 *
 * @throws UsageError unless `limit` is above 0
 */
export function clipByValue(gradients: readonly Tensor[], limit: number): Tensor[] {
  checkPositive('clipByValue: limit', limit);
  return gradients.map((gradient) => clip(gradient, -limit, limit));
}
