import { checkList, checkPositive, wrongKind } from '../core/check.js';
import { UsageError } from '../core/errors.js';
import { add, clip, divide, maximum, multiply, sqrt } from '../tensor/ops/pointwise.js';
import { sum } from '../tensor/ops/reduce.js';
import type { Tensor } from '../tensor/tensor.js';
import { flushedSquare } from './optimizer.js';

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
  checkList('clipByNorm: gradients', 'a list of tensors', gradients);
  if (gradients.length === 0) return [];
  const norm = sqrt(
    gradients.map((gradient) => sum(flushedSquare(gradient))).reduce((total, part) => add(total, part)),
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
  checkList('clipByValue: gradients', 'a list of tensors', gradients);
  return gradients.map((gradient) => clip(gradient, -limit, limit));
}

/** Gradient clipping as plain data, as recipes, `fit` and runs hold it: one of the two. */
export type ClipOptions =
  /** As `clipByNorm`: of all gradients together. */
  | { readonly norm: number; readonly value?: undefined }
  /** As `clipByValue`. */
  | { readonly value: number; readonly norm?: undefined };

/** Throws a UsageError unless the options are `{ norm }` or `{ value }`, above 0. */
export function checkClip(options: ClipOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw wrongKind('clip', '{ norm } or { value }', options);
  }
  const given = Object.entries(options).filter(([, limit]) => limit !== undefined);
  const [name, limit] = given[0] ?? [];
  if (given.length !== 1 || (name !== 'norm' && name !== 'value')) {
    const found = given.length === 0 ? 'neither' : given.map(([option]) => option).join(' and ');
    throw new UsageError(`clip: takes either norm or value, not ${found}`);
  }
  checkPositive(`clip: ${name}`, limit!);
}

/**
 * Gradients limited as the options say.
 *
 * @throws UsageError unless exactly one limit is given, above 0
 */
export function clipGradients(gradients: readonly Tensor[], options: ClipOptions): Tensor[] {
  checkClip(options);
  return options.norm === undefined
    ? clipByValue(gradients, options.value)
    : clipByNorm(gradients, options.norm);
}
