import {
  type ComputeType,
  call,
  constantOf,
  type Expression,
  input,
  type PointwiseFunction,
  pointwiseFunctions,
  random,
} from '../../../src/core/expression.js';
import type { Shape } from '../../../src/core/shape.js';
import {
  type CaseOf,
  type CaseOperand,
  defineCase,
  dense,
  type Fill,
  integers,
  listed,
  quarters,
  sliced,
  stretched,
  transposed,
  uniform,
} from './builders.js';
import type { Tolerance } from './compare.js';

type MapCase = CaseOf<'map'>;

const names = Object.keys(pointwiseFunctions) as PointwiseFunction[];
const onIntegers = names.filter((name) => pointwiseFunctions[name].takes === 'both');

/** Where values are drawn from, for functions that are not at home everywhere. */
const ranges: Partial<Record<PointwiseFunction, readonly Fill[]>> = {
  exp: [uniform(-20, 20)],
  log: [uniform(1e-6, 100)],
  sqrt: [uniform(0, 100)],
  tanh: [uniform(-6, 6)],
  power: [uniform(0.1, 4), uniform(-3, 3)],
  toInt: [uniform(-1000, 1000)],
};

/** Functions that a backend approximates; the others are exact, or rounded as IEEE 754 asks. */
const approximate: Partial<Record<PointwiseFunction, Tolerance>> = {
  exp: { absolute: 2e-38, relative: 1e-6 },
  log: { absolute: 1e-7, relative: 1e-6 },
  tanh: { absolute: 1e-7, relative: 1e-6 },
  power: { absolute: 2e-38, relative: 4e-6 },
  divide: { absolute: 2e-38, relative: 3e-7 },
};

/** The function over operands of its own: the condition of `where` is float32 whatever the rest. */
function applied(name: PointwiseFunction, dtype: ComputeType): Expression {
  const { arity } = pointwiseFunctions[name];
  return call(
    name,
    ...Array.from({ length: arity }, (_, i) => input(i, name === 'where' && i === 0 ? 'float32' : dtype)),
  );
}

function ofFunction(
  name: PointwiseFunction,
  dtype: ComputeType,
  label: string,
  operands: CaseOperand[],
): MapCase {
  const expression = applied(name, dtype);
  return defineCase(
    'map',
    `${name} of ${label}`,
    { expressions: [expression] },
    operands,
    [{ dtype: expression.dtype, shape: operands[0]!.view.shape }],
    { tolerance: approximate[name] ?? { absolute: 0, relative: 1.2e-7 }, extreme: label.includes('extreme') },
  );
}

function usual(name: PointwiseFunction): MapCase {
  const fills = ranges[name] ?? [quarters(-2, 2), quarters(-2, 2), quarters(-2, 2)];
  const operands = fills
    .slice(0, pointwiseFunctions[name].arity)
    .map((fill) => dense([5, 37], 'float32', fill));
  return ofFunction(name, 'float32', 'float32', operands);
}

function usualIntegers(name: PointwiseFunction): MapCase {
  const operands = Array.from({ length: pointwiseFunctions[name].arity }, (_, i) =>
    name === 'where' && i === 0
      ? dense([5, 37], 'float32', integers(0, 1))
      : dense([5, 37], 'int32', integers(-9, 9)),
  );
  return ofFunction(name, 'int32', 'int32', operands);
}

/** Every value with every other: the first operand is a column, the second a row, the third stands still. */
function everyPair(values: readonly number[], dtype: ComputeType, arity: number): CaseOperand[] {
  const n = values.length;
  const shape: Shape = [n, n];
  return [
    stretched(dense([n, 1], dtype, listed(values)), shape),
    stretched(dense([n], dtype, listed(values)), shape),
    stretched(dense([], dtype, listed([3])), shape),
  ].slice(0, arity);
}

const floats = [0, 1, -1, 0.5, -2.5, 1e-30, -1e-30, 30, -30, 2147483520, -3e9, 1e30, -1e30, 3.4e38, -3.4e38];
const infinite = [...floats, Infinity, -Infinity, Number.NaN];
const powers = [0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1e30, Infinity, -Infinity, Number.NaN];
const wholes = [0, 1, -1, 7, 46341, 65536, -65536, 2147483647, -2147483647, -2147483648];

function extremes(name: PointwiseFunction): MapCase {
  const values = name === 'power' ? powers : infinite;
  return ofFunction(
    name,
    'float32',
    'extreme float32',
    everyPair(values, 'float32', pointwiseFunctions[name].arity),
  );
}

function extremeIntegers(name: PointwiseFunction): MapCase {
  const operands = everyPair(wholes, 'int32', pointwiseFunctions[name].arity);
  if (name === 'where') operands[0] = stretched(dense([10, 1], 'float32', listed([0, 1])), [10, 10]);
  return ofFunction(name, 'int32', 'extreme int32', operands);
}

const [x0, x1, x2] = [input(0), input(1), input(2)];
const sum = call('add', x0, x1);
const rounding: Tolerance = { absolute: 1e-7, relative: 3e-7 };

const shapes: Shape[] = [
  [],
  [0],
  [1],
  [3, 0, 5],
  [1, 1],
  [7],
  [13],
  [64],
  [1023],
  [2, 3, 5, 7],
  [1, 4, 1, 3],
];

const layouts: [name: string, a: CaseOperand, b: CaseOperand][] = [
  ['a transposed operand', transposed(dense([11, 7]), [1, 0]), dense([7, 11])],
  ['two transposed operands', transposed(dense([11, 7]), [1, 0]), transposed(dense([11, 7]), [1, 0])],
  ['a permuted operand', transposed(dense([5, 2, 3, 7]), [1, 3, 2, 0]), dense([2, 7, 3, 5])],
  ['a slice with an offset', sliced(dense([9, 10]), [2, 3], [1, 1], [6, 5]), dense([6, 5])],
  ['a slice with steps', sliced(dense([13, 17]), [1, 2], [3, 2], [4, 7]), dense([4, 7])],
  ['a row', dense([5, 13]), stretched(dense([13]), [5, 13])],
  ['a column', dense([5, 13]), stretched(dense([5, 1]), [5, 13])],
  ['a scalar', dense([5, 13]), stretched(dense([]), [5, 13])],
  ['a stretched middle axis', dense([3, 4, 5]), stretched(dense([3, 1, 5]), [3, 4, 5])],
  ['two that are stretched', stretched(dense([6, 1]), [6, 10]), stretched(dense([10]), [6, 10])],
  ['a stretched slice', dense([4, 6]), stretched(sliced(dense([9]), [2], [1], [6]), [4, 6])],
  ['a reversed operand', dense([2, 9]), sliced(dense([2, 9]), [1, 8], [-1, -1], [2, 9])],
  ['an element of a vector', dense([17]), stretched(sliced(dense([5]), [3], [1], [1]), [17])],
];

/** One step of Adam without its corrections: m, v and w from w, m, v, g and a rate. */
function adamCase(): MapCase {
  const [w, m, v, g, rate] = [0, 1, 2, 3, 4].map((index) => input(index)) as [
    Expression,
    Expression,
    Expression,
    Expression,
    Expression,
  ];
  const mix = (keep: number, old: Expression, fresh: Expression) =>
    call('add', call('multiply', old, constantOf(keep)), call('multiply', fresh, constantOf(1 - keep)));
  const nextM = mix(0.875, m, g);
  const nextV = mix(0.96875, v, call('multiply', g, g));
  const step = call(
    'divide',
    call('multiply', rate, nextM),
    call('add', call('sqrt', nextV), constantOf(0.001)),
  );
  const shape = [3, 29];
  return defineCase(
    'map',
    'an optimizer step in place',
    { expressions: [call('subtract', w, step), nextM, nextV] },
    [
      dense(shape),
      dense(shape),
      dense(shape, 'float32', uniform(0.1, 1)),
      dense(shape),
      stretched(dense([], 'float32', listed([0.25])), shape),
    ],
    [shape, shape, shape],
    {
      tolerance: { absolute: 5e-7, relative: 1e-6 },
      inPlace: [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    },
  );
}

/** x / (1 − rate) where a random number is at least the rate, else 0. */
function dropout(x: Expression, step: Expression, key: number, rate: number): Expression {
  const kept = call('greaterEqual', random(key, step), constantOf(rate));
  return call('multiply', x, call('multiply', kept, constantOf(1 / (1 - rate))));
}

export const mapCases: readonly MapCase[] = [
  ...names.map(usual),
  ...onIntegers.map(usualIntegers),
  ...names.map(extremes),
  ...onIntegers.map(extremeIntegers),
  ...shapes.map((shape) =>
    defineCase('map', `shape [${shape}]`, { expressions: [sum] }, [dense(shape), dense(shape)], [shape], {
      tolerance: rounding,
    }),
  ),
  ...layouts.map(([name, a, b]) =>
    defineCase('map', name, { expressions: [call('subtract', x0, x1)] }, [a, b], [a.view.shape], {
      tolerance: rounding,
    }),
  ),
  defineCase(
    'map',
    'a copy of a transposed uint8',
    { expressions: [input(0, 'int32')] },
    [transposed(dense([9, 5], 'uint8'), [1, 0])],
    [{ dtype: 'uint8', shape: [5, 9] }],
  ),
  defineCase(
    'map',
    'a copy of a sliced int32',
    { expressions: [input(0, 'int32')] },
    [sliced(dense([7, 9], 'int32'), [1, 1], [2, 2], [3, 4])],
    [{ dtype: 'int32', shape: [3, 4] }],
  ),
  defineCase(
    'map',
    'pixels to float32',
    { expressions: [call('divide', call('toFloat', input(0, 'int32')), constantOf(255))] },
    [dense([3, 35], 'uint8')],
    [[3, 35]],
    { tolerance: rounding },
  ),
  defineCase(
    'map',
    'int32 kept modulo 256 as uint8',
    { expressions: [call('add', input(0, 'int32'), constantOf(1, 'int32'))] },
    [dense([41], 'int32', listed([0, 1, 254, 255, 256, 1000, -1, -2, -257]))],
    [{ dtype: 'uint8', shape: [41] }],
  ),
  defineCase(
    'map',
    'float32 through int32 to uint8',
    { expressions: [call('toInt', x0)] },
    [dense([23], 'float32', uniform(0, 256))],
    [{ dtype: 'uint8', shape: [23] }],
  ),
  defineCase(
    'map',
    'three dtypes in, three out',
    {
      expressions: [
        call('add', x0, call('toFloat', input(2, 'int32'))),
        call('multiply', input(1, 'int32'), input(2, 'int32')),
        call('maximum', input(2, 'int32'), constantOf(128, 'int32')),
      ],
    },
    [dense([4, 19]), dense([4, 19], 'int32'), dense([4, 19], 'uint8')],
    [[4, 19], { dtype: 'int32', shape: [4, 19] }, { dtype: 'uint8', shape: [4, 19] }],
    { tolerance: { absolute: 0, relative: 1.2e-7 } },
  ),
  defineCase(
    'map',
    'a value that is used many times',
    {
      expressions: [
        call('multiply', sum, call('tanh', sum)),
        call('exp', call('negate', call('multiply', sum, sum))),
      ],
    },
    [dense([6, 21]), dense([6, 21])],
    [
      [6, 21],
      [6, 21],
    ],
    { tolerance: { absolute: 5e-7, relative: 2e-6 } },
  ),
  defineCase('map', 'a constant and no input', { expressions: [constantOf(0.75)] }, [], [[3, 7]]),
  defineCase(
    'map',
    'twelve inputs',
    { expressions: [Array.from({ length: 12 }, (_, i) => input(i)).reduce((a, b) => call('add', a, b))] },
    Array.from({ length: 12 }, () => dense([43])),
    [[43]],
    { tolerance: { absolute: 2e-6, relative: 1e-6 } },
  ),
  defineCase(
    'map',
    'the larger in place',
    { expressions: [call('maximum', x0, x1)] },
    [dense([5, 11]), dense([5, 11])],
    [[5, 11]],
    {
      inPlace: [[0, 1]],
    },
  ),
  adamCase(),
  defineCase(
    'map',
    'random numbers, four axes',
    { expressions: [random(12345, input(0, 'int32'))] },
    [stretched(dense([], 'int32', listed([7])), [2, 3, 5, 7])],
    [[2, 3, 5, 7]],
  ),
  defineCase(
    'map',
    'a large key and a step that differs by column',
    { expressions: [random(0xfedcba98, call('subtract', input(0, 'int32'), constantOf(3, 'int32')))] },
    [stretched(dense([19], 'int32', integers(0, 5)), [3, 19])],
    [[3, 19]],
  ),
  defineCase(
    'map',
    'dropout of a transposed operand',
    { expressions: [dropout(x0, input(1, 'int32'), 99, 0.25)] },
    [transposed(dense([13, 6]), [1, 0]), stretched(dense([], 'int32', listed([2])), [6, 13])],
    [[6, 13]],
    { tolerance: rounding },
  ),
  defineCase(
    'map',
    'where over a stretched condition',
    { expressions: [call('where', call('less', x0, constantOf(0.25)), x1, x2)] },
    [stretched(dense([9, 1]), [9, 14]), dense([9, 14]), stretched(dense([14]), [9, 14])],
    [[9, 14]],
  ),
];
