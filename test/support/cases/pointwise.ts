import type { Shape } from '../../../src/core/shape.js';
import * as ops from '../../../src/tensor/ops/pointwise.js';
import { normalQuantile } from '../../../src/tensor/ops/quantile.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import type { Fill } from '../kernelCases/builders.js';
import {
  between,
  broadcastAt,
  type CaseInput,
  type CaseOptions,
  defineCase,
  exact,
  float32,
  generate,
  int32,
  integers,
  listed,
  type OpCase,
  quarters,
  uint8,
  uniform,
} from './define.js';

/** The shape that the inputs of these rows broadcast to. */
function broadcast(inputs: readonly CaseInput[]): Shape {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const extents = inputs.map(({ shape }) => shape[shape.length - rank + axis] ?? 1);
    return extents.find((extent) => extent !== 1) ?? 1;
  });
}

export function pointwise(
  op: string,
  detail: string,
  inputs: readonly CaseInput[],
  build: (...x: Tensor[]) => Tensor,
  f: (...x: number[]) => number,
  options?: CaseOptions,
): OpCase {
  const shape = broadcast(inputs);
  const expected: OpCase['expected'] = (...values) =>
    generate(shape, (position) => f(...values.map((value) => broadcastAt(value, position))));
  return defineCase(op, detail, inputs, build, expected, options);
}

const unaryShapes: readonly Shape[] = [[67], [], [3, 0]];

/** A row for each shape. */
function unary(
  op: string,
  build: (x: Tensor) => Tensor,
  f: (x: number) => number,
  fill: Fill,
  options?: CaseOptions,
): OpCase[] {
  return unaryShapes.map((shape) => pointwise(op, `[${shape}]`, [float32(shape, fill)], build, f, options));
}

const binaryShapes: readonly (readonly [Shape, Shape])[] = [
  [
    [3, 7],
    [3, 7],
  ],
  [
    [5, 1, 4],
    [3, 1],
  ],
  [[], [6]],
  [[2, 0], [1]],
];

function binary(
  op: string,
  build: (a: Tensor, b: Tensor) => Tensor,
  f: (a: number, b: number) => number,
  [left, right]: readonly [Fill, Fill],
  options?: CaseOptions,
): OpCase[] {
  return binaryShapes.map(([a, b]) =>
    pointwise(op, `[${a}] and [${b}]`, [float32(a, left), float32(b, right)], build, f, options),
  );
}

/** erf x = 2/√π · Σ (−1)ⁿ x^(2n+1) / (n! (2n + 1)) */
export function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const normalDistribution = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;

/** x with Φ(x) = u, by bisection. */
export function quantile(u: number): number {
  let [low, high] = [-6, 6];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalDistribution(middle) < u) low = middle;
    else high = middle;
  }
  return low;
}

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const wide = uniform(-3, 3);
const positive = uniform(0.2, 3);
/** Left and right lie on grids that never meet. */
const apart: readonly [Fill, Fill] = [quarters(-3, 3), (index, key) => quarters(-3, 3)(index, key) + 0.1];
/** Left and right often meet. */
const meeting: readonly [Fill, Fill] = [quarters(-1, 1), quarters(-1, 1)];
const flat: CaseOptions = { gradient: 0, tolerance: exact };
const kinked: CaseOptions = { gradient: 1, tolerance: exact };

const unaryRows: readonly OpCase[] = [
  ...unary('negate', ops.negate, (x) => -x, wide, { tolerance: exact }),
  ...unary('abs', ops.abs, Math.abs, between(-3, 3, 0), kinked),
  ...unary('exp', ops.exp, Math.exp, wide),
  ...unary('log', ops.log, Math.log, positive),
  ...unary('sqrt', ops.sqrt, Math.sqrt, positive),
  ...unary('square', ops.square, (x) => x * x, wide),
  ...unary('tanh', ops.tanh, Math.tanh, wide),
  ...unary('sigmoid', ops.sigmoid, sigmoid, wide),
  ...unary('relu', ops.relu, (x) => Math.max(x, 0), between(-1, 1, 0), kinked),
  ...unary('leakyRelu', ops.leakyRelu, (x) => (x > 0 ? x : 0.3 * x), between(-1, 1, 0), { gradient: 1 }),
  ...unary('erf', ops.erf, erf, between(-3, 3, 0), { gradientTolerance: 1e-4 }),
  ...unary('gelu', ops.gelu, (x) => x * normalDistribution(x), between(-3, 3, 0), {
    gradientTolerance: 1e-4,
  }),
  ...unary('softplus', ops.softplus, (x) => Math.log(1 + Math.exp(x)), between(-3, 3, 0), { gradient: 2 }),
  ...unary('floor', ops.floor, Math.floor, wide, flat),
  ...unary(
    'flush',
    (x) => ops.flush(x, 0.5),
    (x) => (Math.abs(x) < 0.5 ? 0 : x),
    between(-3, 3, -0.5, 0.5),
    kinked,
  ),
  ...unary(
    'clip',
    (x) => ops.clip(x, -1, 0.5),
    (x) => Math.min(Math.max(x, -1), 0.5),
    between(-3, 3, -1, 0.5),
    {
      gradient: 1,
      tolerance: exact,
    },
  ),
  ...unary('normalQuantile', normalQuantile, quantile, between(0.01, 0.99, 0.075, 0.925), {
    gradientTolerance: 1e-4,
  }),
];

const binaryRows: readonly OpCase[] = [
  ...binary('add', ops.add, (a, b) => a + b, [wide, wide]),
  ...binary('subtract', ops.subtract, (a, b) => a - b, [wide, wide]),
  ...binary('multiply', ops.multiply, (a, b) => a * b, [wide, wide]),
  ...binary('divide', ops.divide, (a, b) => a / b, [wide, positive]),
  ...binary('power', ops.power, (a, b) => a ** b, [positive, wide], {
    tolerance: { absolute: 1e-6, relative: 1e-5 },
  }),
  ...binary('maximum', ops.maximum, Math.max, apart, kinked),
  ...binary('minimum', ops.minimum, Math.min, apart, kinked),
  ...binary('equal', ops.equal, (a, b) => Number(a === b), meeting, flat),
  ...binary('notEqual', ops.notEqual, (a, b) => Number(a !== b), meeting, flat),
  ...binary('less', ops.less, (a, b) => Number(a < b), meeting, flat),
  ...binary('lessEqual', ops.lessEqual, (a, b) => Number(a <= b), meeting, flat),
  ...binary('greater', ops.greater, (a, b) => Number(a > b), meeting, flat),
  ...binary('greaterEqual', ops.greaterEqual, (a, b) => Number(a >= b), meeting, flat),
];

const condition = integers(0, 1);

const otherRows: readonly OpCase[] = [
  pointwise(
    'where',
    'three shapes',
    [float32([4, 1], uniform(0, 1)), float32([3], wide), float32([4, 3], wide)],
    (c, a, b) => ops.where(ops.greater(c, 0.5), a, b),
    (c, a, b) => (c > 0.5 ? a : b),
    { tolerance: exact },
  ),
  pointwise(
    'where',
    'anything but 0 counts',
    [float32([6], listed([0, 1, -1, 0.5, Number.NaN, -0])), float32([6], wide)],
    (c, x) => ops.where(c, x, 7),
    (c, x) => (c !== 0 ? x : 7),
    { ...flat, extreme: true },
  ),
  pointwise(
    'where',
    'int32',
    [float32([5], condition), int32([5], integers(-9, 9))],
    (c, x) => ops.where(c, x, -1),
    (c, x) => (c !== 0 ? x : -1),
    flat,
  ),
  pointwise(
    'subtract',
    'from a number',
    [float32([5], wide)],
    (x) => ops.subtract(1, x),
    (x) => 1 - x,
  ),
  pointwise(
    'divide',
    'a number',
    [float32([5], positive)],
    (x) => ops.divide(2, x),
    (x) => 2 / x,
  ),
  pointwise(
    'power',
    'a whole exponent',
    [float32([7], between(-2, 2, 0))],
    (x) => ops.power(x, 3),
    (x) => x ** 3,
    {
      tolerance: { absolute: 1e-6, relative: 1e-5 },
    },
  ),
  pointwise(
    'leakyRelu',
    'a slope of its own',
    [float32([9], between(-1, 1, 0))],
    (x) => ops.leakyRelu(x, 0.01),
    (x) => (x > 0 ? x : 0.01 * x),
    { gradient: 1 },
  ),
  pointwise(
    'add',
    'int32 wraps around',
    [int32([4], listed([2147483647, -2147483648, 5, 0])), int32([], integers(1, 1))],
    ops.add,
    (a, b) => (a + b) | 0,
    { ...flat, extreme: true },
  ),
  pointwise(
    'multiply',
    'int32',
    [int32([3, 5], integers(-99, 99)), int32([5], integers(-99, 99))],
    ops.multiply,
    (a, b) => a * b,
    flat,
  ),
  pointwise('relu', 'int32', [int32([5], integers(-9, 9))], ops.relu, (x) => Math.max(x, 0), flat),
  pointwise(
    'relu',
    'at the kink',
    [float32([4], listed([0, -0, 1e-30, -1e-30]))],
    ops.relu,
    (x) => Math.max(x, 0),
    flat,
  ),
  pointwise(
    'softplus',
    'no overflow',
    [float32([4], listed([-100, 100, 1000, -1000]))],
    ops.softplus,
    (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    { gradient: 0, extreme: true },
  ),
  pointwise(
    'exp',
    'the ends of the range',
    [float32([5], listed([-200, 88.7, 89.5, Number.NEGATIVE_INFINITY, Number.NaN]))],
    ops.exp,
    (x) => Math.fround(Math.exp(x)),
    { gradient: 0, extreme: true, tolerance: { absolute: 1e-37, relative: 2e-6 } },
  ),
  pointwise(
    'log',
    'zero and below',
    [float32([4], listed([0, -1, Number.POSITIVE_INFINITY, 1]))],
    ops.log,
    Math.log,
    { gradient: 0, extreme: true },
  ),
];

const saturate = (x: number) => Math.min(Math.max(Math.trunc(x) || 0, -2147483648), 2147483647);

const castRows: readonly OpCase[] = [
  pointwise(
    'cast',
    'float32 to float32',
    [float32([5])],
    (x) => ops.cast(x, 'float32'),
    (x) => x,
  ),
  pointwise(
    'cast',
    'float32 to int32',
    [float32([6], listed([1.9, -1.9, 0.5, -0.5, 100.25, -7]))],
    (x) => ops.cast(x, 'int32'),
    saturate,
    flat,
  ),
  pointwise(
    'cast',
    'float32 to int32 saturates',
    [float32([5], listed([1e12, -1e12, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]))],
    (x) => ops.cast(x, 'int32'),
    saturate,
    { ...flat, extreme: true },
  ),
  pointwise(
    'cast',
    'float32 to uint8 and back',
    [float32([6], listed([1.9, 255, 256, 300.5, -1, 0]))],
    (x) => ops.cast(ops.cast(x, 'uint8'), 'float32'),
    (x) => saturate(x) & 255,
    flat,
  ),
  pointwise(
    'cast',
    'int32 to uint8',
    [int32([5], listed([0, 255, 256, -1, 1000]))],
    (x) => ops.cast(x, 'uint8'),
    (x) => x & 255,
    flat,
  ),
  pointwise(
    'cast',
    'uint8 to float32, scaled',
    [uint8([3, 11], integers(0, 255))],
    (x) => ops.multiply(ops.cast(x, 'float32'), 0.5),
    (x) => x / 2,
    flat,
  ),
  pointwise(
    'cast',
    'uint8 to int32',
    [uint8([13], integers(0, 255))],
    (x) => ops.cast(x, 'int32'),
    (x) => x,
    flat,
  ),
];

export const pointwiseCases: readonly OpCase[] = [...unaryRows, ...binaryRows, ...otherRows, ...castRows];
