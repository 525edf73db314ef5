/** Pointwise ops where digits, signs and slopes are easily lost. */
import { gradients } from '../../../src/tensor/gradients.js';
import * as ops from '../../../src/tensor/ops/pointwise.js';
import { type CaseOptions, exact, float32, listed, type OpCase } from './define.js';
import { erf, pointwise, sigmoid } from './pointwise.js';

const flat: CaseOptions = { gradient: 0, tolerance: exact };

/** Where the series loses what it sums, 1 is right to all digits of a float32. */
const erfExactly = (x: number) => (Math.abs(x) > 5 ? Math.sign(x) : erf(x));

/**
 * Devices are asked for it near zero alone: WGSL allows an exponential (3 + 2|x|) units in the last place.
 * https://www.w3.org/TR/WGSL/#concrete-float-accuracy
 */
const relativeOnly = { absolute: 0, relative: 1e-6 };

export const edgeCases: readonly OpCase[] = [
  pointwise(
    'softplus',
    'small results keep their digits',
    [float32([4], listed([-17, -20, -3, -1]))],
    ops.softplus,
    (x) => Math.log1p(Math.exp(x)),
    { gradient: 1, tolerance: relativeOnly },
  ),
  pointwise(
    'softplus',
    'very small results keep their digits',
    [float32([2], listed([-50, -80]))],
    ops.softplus,
    (x) => Math.log1p(Math.exp(x)),
    { gradient: 1, tolerance: relativeOnly, extreme: true },
  ),
  pointwise(
    'sigmoid',
    'small results keep their digits',
    [float32([2], listed([-17, 3]))],
    ops.sigmoid,
    sigmoid,
    { gradient: 1, tolerance: relativeOnly },
  ),
  pointwise(
    'sigmoid',
    'very small results keep their digits',
    [float32([2], listed([-50, -80]))],
    ops.sigmoid,
    sigmoid,
    { gradient: 1, tolerance: relativeOnly, extreme: true },
  ),
  pointwise(
    'erf',
    'small results keep their digits',
    [float32([9], listed([1e-30, 1e-5, -1e-5, 0.01, 0.5, -0.99, 1.01, 3.5, -6]))],
    ops.erf,
    erfExactly,
    { gradient: 0, tolerance: relativeOnly },
  ),
  pointwise(
    'flush',
    'the default threshold, NaN and infinities',
    [float32([6], listed([2 ** -100, -(2 ** -100.1), 2 ** -126, Number.NaN, Infinity, -Infinity]))],
    (x) => ops.flush(x),
    (x) => (Math.abs(x) < 2 ** -100 ? 0 : x),
    { ...flat, extreme: true },
  ),
  pointwise(
    'power',
    'the gradient of 1 = x⁰ is 0, at 0 too',
    [float32([4], listed([0, 2, -3, 0]))],
    (x) => gradients(ops.power(x, 0).sum(), [x])[0]!,
    () => 0,
    flat,
  ),
  pointwise(
    'power',
    'the gradient of x⁰, second order and with an exponent that is a tensor',
    [float32([3], listed([0, 2, 0])), float32([3], listed([0, 0, 1]))],
    (x, b) => {
      const slope = gradients(ops.power(x, b).sum(), [x])[0]!;
      return ops.add(slope, gradients(slope.sum(), [x])[0]!);
    },
    (_x, b) => b,
    flat,
  ),
  pointwise(
    'relu',
    'the sign of zero is that of x',
    [float32([2], listed([0, -0]))],
    (x) => ops.divide(1, ops.relu(x)),
    (x) => 1 / x,
    { ...flat, extreme: true },
  ),
];
