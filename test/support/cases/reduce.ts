import type { Shape } from '../../../src/core/shape.js';
import { type Axes, argMax, max, mean, sum } from '../../../src/tensor/ops/reduce.js';
import { logSoftmax, softmax, softmaxCrossEntropy } from '../../../src/tensor/ops/softmax.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import type { Fill } from '../kernelCases/builders.js';
import {
  at,
  broadcastAt,
  type CaseOptions,
  defineCase,
  distinct,
  exact,
  float32,
  generate,
  int32,
  integers,
  listed,
  type OpCase,
  quarters,
  range,
  uint8,
  uniform,
  type Values,
} from './define.js';

/** The elements over which `axes` are reduced at a position of what is left, row-major. */
function gathered(x: Values, axes: readonly number[], position: readonly number[]): number[] {
  const kept = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const inner = generate(
    axes.map((axis) => x.shape[axis]!),
    (along) =>
      at(
        x,
        x.shape.map((_, axis) =>
          axes.includes(axis) ? along[axes.indexOf(axis)]! : position[kept.indexOf(axis)]!,
        ),
      ),
  );
  return Array.from(inner.data);
}

/** `axes` ascending and counted from 0, or undefined for all. */
function reduction(
  op: string,
  shape: Shape,
  axes: readonly number[] | undefined,
  build: (x: Tensor, axes: Axes, keepDims?: boolean) => Tensor,
  f: (elements: readonly number[]) => number,
  fill: Fill,
  options?: CaseOptions,
): OpCase {
  const all = axes ?? range(shape.length);
  const left = shape.filter((_, axis) => !all.includes(axis));
  return defineCase(
    op,
    `[${shape}] over ${axes ?? 'all'}`,
    [float32(shape, fill)],
    (x) => build(x, axes),
    (x) => generate(left, (position) => f(gathered(x, all, position))),
    options,
  );
}

const total = (elements: readonly number[]) => elements.reduce((a, b) => a + b, 0);
const average = (elements: readonly number[]) => total(elements) / elements.length;
const largest = (elements: readonly number[]) => Math.max(...elements);
const first = (elements: readonly number[]) => elements.indexOf(largest(elements));
const wide = uniform(-2, 2);
const sums: CaseOptions = { tolerance: { absolute: 1e-4, relative: 1e-5 } };

const reductions: readonly OpCase[] = [
  ...(
    [
      [[7], undefined],
      [[], undefined],
      [[5, 3], [0]],
      [[5, 3], [1]],
      [
        [2, 3, 5],
        [0, 2],
      ],
      [[2, 3, 5], [1]],
      [[3, 4], []],
      [[131, 17], [0]],
      [[3, 1031], [1]],
      [
        [2, 3, 4, 5],
        [0, 1, 2],
      ],
    ] as const
  ).map(([shape, axes]) => reduction('sum', shape, axes, sum, total, wide, sums)),
  reduction('sum', [0, 3], [0], sum, total, wide, { tolerance: exact }),
  reduction('sum', [3, 0], [0], sum, total, wide, { tolerance: exact }),
  reduction('mean', [6, 5], undefined, mean, average, wide),
  reduction('mean', [2, 5, 7], [1], mean, average, wide),
  reduction('mean', [0, 2], [0], mean, average, wide, { gradient: 0, extreme: true }),
  reduction('max', [37], undefined, max, largest, distinct(37, -1, 1), { gradient: 1, tolerance: exact }),
  reduction('max', [5, 6], [0], max, largest, distinct(30, -1, 1), { gradient: 1, tolerance: exact }),
  reduction('max', [3, 5, 2], [0, 2], max, largest, distinct(30, -1, 1), { gradient: 1, tolerance: exact }),
  reduction('max', [0, 4], [1], max, largest, wide, { gradient: 0, tolerance: exact }),
  reduction('argMax', [29], undefined, argMax, first, wide, { gradient: 0 }),
  reduction('argMax', [7, 11], [1], argMax, first, quarters(-1, 1), { gradient: 0 }),
  reduction('argMax', [7, 11], [0], argMax, first, quarters(-1, 1), { gradient: 0 }),
  reduction('argMax', [3, 5, 4], [0, 2], argMax, first, quarters(-1, 1), { gradient: 0 }),
  defineCase(
    'sum',
    'int32, negative axes, axes kept',
    [int32([3, 5, 2], integers(-9, 9))],
    (x) => sum(x, [-1, 0], true),
    (x) => generate([1, 5, 1], ([, j]) => total(gathered(x, [0, 2], [j!]))),
    { gradient: 0 },
  ),
  defineCase(
    'max',
    'int32',
    [int32([4, 5], integers(-99, 99))],
    (x) => max(x, -1, true),
    (x) => generate([4, 1], ([i]) => largest(gathered(x, [1], [i!]))),
    { gradient: 0 },
  ),
  defineCase(
    'max',
    'a NaN wins',
    [float32([2, 3], listed([1, Number.NaN, 3, 4, 5, 6]))],
    (x) => max(x, 1),
    () => ({ shape: [2], data: [Number.NaN, 6] }),
    { gradient: 0, extreme: true },
  ),
  defineCase(
    'argMax',
    'transposed',
    [float32([5, 3], quarters(-1, 1))],
    (x) => argMax(x.transpose(), 1),
    (x) => generate([3], ([j]) => first(gathered(x, [0], [j!]))),
    { gradient: 0 },
  ),
  defineCase(
    'sum',
    'a slice of a transposed tensor',
    [float32([6, 5], wide)],
    (x) => sum(x.transpose().slice([1], [4], [2]), 0),
    (x) => generate([6], ([i]) => at(x, [i!, 1]) + at(x, [i!, 3])),
  ),
  defineCase(
    'mean',
    'of products',
    [float32([4, 9], wide), float32([9], wide)],
    (x, y) => mean(x.multiply(y).add(1), 1),
    (x, y) => generate([4], ([i]) => average(range(9).map((j) => at(x, [i!, j]) * at(y, [j]) + 1))),
  ),
];

function softmaxAt(x: Values, axis: number, position: readonly number[], logarithm: boolean): number {
  const line = range(x.shape[axis]!).map((i) => at(x, position.with(axis, i)));
  const norm = total(line.map((value) => Math.exp(value)));
  const p = Math.exp(at(x, position)) / norm;
  return logarithm ? Math.log(p) : p;
}

const softmaxes: readonly OpCase[] = [
  ...([[3, 7], [1], [5, 1]] as const).flatMap((shape) => [
    defineCase(
      'softmax',
      `[${shape}]`,
      [float32(shape, wide)],
      (x) => softmax(x),
      (x) => generate(shape, (position) => softmaxAt(x, shape.length - 1, position, false)),
    ),
    defineCase(
      'logSoftmax',
      `[${shape}]`,
      [float32(shape, wide)],
      (x) => logSoftmax(x),
      (x) => generate(shape, (position) => softmaxAt(x, shape.length - 1, position, true)),
    ),
  ]),
  defineCase(
    'softmax',
    'over the first axis',
    [float32([4, 3, 2], wide)],
    (x) => softmax(x, 0),
    (x) => generate([4, 3, 2], (position) => softmaxAt(x, 0, position, false)),
  ),
  defineCase(
    'softmax',
    'of nothing',
    [float32([0, 3], wide)],
    (x) => softmax(x),
    () => ({ shape: [0, 3], data: [] }),
  ),
  defineCase(
    'logSoftmax',
    'does not overflow',
    [float32([2, 2], listed([1000, 0, -1000, -999]))],
    (x) => logSoftmax(x),
    // ln(1 + e^-1000) = 0; −1 − ln(1 + e^-1), −ln(1 + e^-1)
    () => ({ shape: [2, 2], data: [0, -1000, -1.3132616875182228, -0.31326168751822286] }),
    { gradient: 0 },
  ),
];

/** −Σ y · log softmax(z) of each row. */
function crossEntropyOf(z: Values, labelOf: (row: number, c: number) => number): Values {
  const [batch, classes] = z.shape as [number, number];
  return generate(
    [batch],
    ([row]) => -total(range(classes).map((c) => labelOf(row!, c) * softmaxAt(z, 1, [row!, c], true))),
  );
}

const crossEntropies: readonly OpCase[] = [
  ...(
    [
      [5, 10],
      [1, 3],
      [4, 1],
      [0, 5],
      [37, 13],
    ] as const
  ).map(([batch, classes]) =>
    defineCase(
      'softmaxCrossEntropy',
      `[${batch}, ${classes}] with class numbers`,
      [float32([batch, classes], wide), int32([batch], integers(0, classes - 1))],
      softmaxCrossEntropy,
      (z, labels) => crossEntropyOf(z, (row, c) => Number(at(labels, [row]) === c)),
    ),
  ),
  defineCase(
    'softmaxCrossEntropy',
    'uint8 class numbers, one outside',
    [float32([4, 3], wide), uint8([4], listed([2, 0, 3, 1]))],
    softmaxCrossEntropy,
    (z, labels) => crossEntropyOf(z, (row, c) => Number(at(labels, [row]) === c)),
  ),
  defineCase(
    'softmaxCrossEntropy',
    'soft labels',
    [float32([6, 7], wide), float32([6, 7], uniform(0.1, 1))],
    softmaxCrossEntropy,
    (z, labels) => crossEntropyOf(z, (row, c) => broadcastAt(labels, [row, c])),
    { tolerance: { absolute: 1e-5, relative: 1e-5 } },
  ),
];

export const reduceCases: readonly OpCase[] = [...reductions, ...softmaxes, ...crossEntropies];
