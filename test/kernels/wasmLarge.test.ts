/** Shapes that the kernels cut into several units, and what only long operands show. */
import * as assert from 'uvu/assert';
import { wasmKernels } from '../../kernels/wasm.js';
import { call, constantOf, type Expression, input, random } from '../../src/core/expression.js';
import {
  type CaseOf,
  type CaseOperand,
  defineCase,
  dense,
  integers,
  listed,
  quarters,
  sliced,
  stretched,
  sumTolerance,
  transposed,
  uniform,
} from '../support/kernelCases/builders.js';
import { compareArrays, type KernelCase, runReferenceCase, toleranceOf } from '../support/kernelCases.js';
import { suite } from '../support/suite.js';
import { compileCase, levels, runWasmCase } from './wasmSupport.js';

const [x0, x1, x2, x3] = [input(0), input(1), input(2), input(3)];
const sum = call('add', x0, x1);
const rounding = { absolute: 1e-6, relative: 1e-6 };

/** Read from its end to its beginning. */
function backwards(operand: CaseOperand): CaseOperand {
  const { shape, strides } = operand.view;
  const offset = strides.reduce((total, stride, axis) => total + stride * (shape[axis]! - 1), 0);
  return { ...operand, view: { shape, strides: strides.map((stride) => -stride), offset } };
}

function mapCase(
  name: string,
  expressions: Expression[],
  operands: CaseOperand[],
  inPlace: [number, number][] = [],
) {
  const shape = operands[0]!.view.shape;
  const outputs = expressions.map(({ dtype }) => ({ dtype, shape }));
  return defineCase('map', name, { expressions }, operands, outputs, { tolerance: rounding, inPlace });
}

/** m' = 0.9 m + 0.1 g, v' = 0.99 v + 0.01 g², p' = p − r m' / (√v' + ε) over p, m, v, g and the rate r. */
function adamLike(): Expression[] {
  const weighted = (a: Expression, b: Expression, weight: number) =>
    call('add', call('multiply', a, constantOf(weight)), call('multiply', b, constantOf(1 - weight)));
  const mean = weighted(x1, x3, 0.9);
  const variance = weighted(x2, call('multiply', x3, x3), 0.99);
  const deviation = call('add', call('sqrt', variance), constantOf(1e-3));
  return [call('subtract', x0, call('divide', call('multiply', input(4), mean), deviation)), mean, variance];
}

function reduceCase(
  operation: CaseOf<'reduce'>['call']['specification']['operation'],
  name: string,
  operand: CaseOperand,
  axes: number[],
): CaseOf<'reduce'> {
  const { shape } = operand.view;
  const dtype = operation === 'argMax' ? ('int32' as const) : ('float32' as const);
  const terms = axes.reduce((product, axis) => product * shape[axis]!, 1);
  return defineCase(
    'reduce',
    `${operation} ${name}`,
    { operation, axes, prologue: x0 },
    [operand],
    [{ dtype, shape: shape.filter((_, axis) => !axes.includes(axis)) }],
    { tolerance: sumTolerance(Math.min(terms, 100)) },
  );
}

const positive = uniform(0, 1);
const long = [12301];

const cases: KernelCase[] = [
  mapCase('of a long row', [sum, call('greater', x0, x1)], [dense(long), dense(long)]),
  mapCase(
    'of a long row of bytes',
    [call('add', input(0, 'int32'), constantOf(300, 'int32'))],
    [dense(long, 'uint8')],
  ),
  mapCase(
    'of rows in pieces',
    [call('add', sum, x2)],
    [dense([3, 5003]), stretched(dense([5003]), [3, 5003]), stretched(dense([3, 1]), [3, 5003])],
  ),
  mapCase('of many short rows', [sum], [dense([1501, 7]), transposed(dense([7, 1501]), [1, 0])]),
  mapCase(
    'of random numbers in pieces',
    [call('multiply', x0, random(9, constantOf(2, 'int32')))],
    [sliced(dense([3, 9001]), [0, 0], [1, 2], [3, 4500])],
  ),
  mapCase('of a row read backwards', [sum], [dense([37]), backwards(dense([37]))]),
  mapCase(
    'of bytes read backwards',
    [call('toFloat', input(0, 'int32'))],
    [backwards(dense([9, 21], 'uint8'))],
  ),
  mapCase(
    'that updates in place',
    adamLike(),
    [dense(long), dense(long), dense(long, 'float32', positive), dense(long), stretched(dense([]), long)],
    [
      [0, 0],
      [1, 1],
      [2, 2],
    ],
  ),
  reduceCase('sum', 'of a long row', dense([70001], 'float32', positive), [0]),
  reduceCase('sum', 'of many rows', dense([20011, 35], 'float32', positive), [0]),
  reduceCase('sum', 'of many rows of a wide matrix', dense([131, 1001]), [0]),
  reduceCase('sum', 'of planes around kept rows', dense([37, 3, 41, 5]), [0, 2]),
  reduceCase('sum', 'of long rows, one of several', dense([5, 2, 1203]), [1, 2]),
  reduceCase('sum', 'of stretched blocks', stretched(dense([3, 1, 700]), [3, 4, 700]), [1, 2]),
  reduceCase('max', 'of long rows', dense([7, 2503]), [1]),
  reduceCase('argMax', 'of a long row with ties', dense([3001], 'float32', quarters(-9, 9)), [0]),
  reduceCase('argMax', 'of many rows with ties', dense([901, 9], 'float32', quarters(-9, 9)), [0]),
  reduceCase('argMax', 'of equal numbers', dense([2, 1001], 'float32', listed([4])), [1]),
  defineCase(
    'gather',
    'bytes stored from float32',
    { epilogue: { expression: call('toInt', call('multiply', x0, constantOf(100))), operands: 0 } },
    [dense([1, 9, 1031]), dense([17], 'int32', integers(-1, 9))],
    [{ dtype: 'uint8', shape: [1, 17, 1031] }],
  ),
  defineCase(
    'reduce',
    'sum compared with a byte and stored as one',
    {
      operation: 'sum',
      axes: [1],
      prologue: input(0, 'int32'),
      epilogue: { expression: call('add', input(0, 'int32'), input(1, 'int32')), operands: 1 },
    },
    [dense([29, 6], 'uint8'), dense([29], 'uint8')],
    [{ dtype: 'uint8', shape: [29] }],
  ),
  defineCase(
    'assemble',
    'long blocks below each other',
    { fill: -1.5, placements: [0, 40, 90].map((row) => ({ start: [row, 0, 0], step: [1, 1, 1] })) },
    [dense([40, 9, 31]), transposed(dense([9, 30, 31]), [1, 0, 2]), dense([11, 9, 31])],
    [[103, 9, 31]],
  ),
  defineCase(
    'assemble',
    'a long run in a longer one',
    { fill: 200, placements: [{ start: [3], step: [1] }] },
    [dense([5000], 'uint8')],
    [{ dtype: 'uint8', shape: [5011] }],
  ),
  defineCase(
    'scatterAdd',
    'to wide rows',
    {},
    [dense([2, 50, 150]), dense([50], 'int32', integers(0, 6))],
    [[2, 7, 150]],
    {
      tolerance: sumTolerance(50),
    },
  ),
];

suite('wasm kernels, large', (test) => {
  for (const kernelCase of cases) {
    for (const simd of levels) {
      test(`${kernelCase.name} (${simd})`, () => {
        const expected = runReferenceCase(kernelCase);
        const code = compileCase(wasmKernels, kernelCase as never, { simd, shared: false });
        const actual = runWasmCase(code, kernelCase);
        actual.forEach((output, o) => {
          compareArrays(output, expected[o]!, toleranceOf(kernelCase, o));
        });
        assert.equal(runWasmCase(code, kernelCase, 3), actual);
      });
    }
  }

  const simd = levels.at(-1)!;
  const run = (kernelCase: KernelCase) =>
    runWasmCase(compileCase(wasmKernels, kernelCase as never, { simd, shared: false }), kernelCase);

  test('the error of a sum does not grow with its length', () => {
    // 0.1 is not a float32: a sum in float32, one after the other, is off by more than 1% here
    for (const size of [1e3, 1e5, 2e6]) {
      const [row] = run(reduceCase('sum', `of ${size} tenths`, dense([size], 'float32', listed([0.1])), [0]));
      const [columns] = run(
        reduceCase(
          'sum',
          `of ${size / 5} rows of tenths`,
          dense([size / 5, 5], 'float32', listed([0.1])),
          [0],
        ),
      );
      assert.ok(Math.abs(row![0]! / (Math.fround(0.1) * size) - 1) < 1e-6, `${row![0]} for ${size}`);
      for (const value of columns!) {
        assert.ok(Math.abs(value / ((Math.fround(0.1) * size) / 5) - 1) < 1e-6, `${value} for ${size / 5}`);
      }
    }
  });

  test('a long sum with an infinity is infinite, with two of different sign NaN, and may overflow', () => {
    const endings: [values: number[], expected: number][] = [
      [[Infinity, 1], Infinity],
      [[-Infinity, -1], -Infinity],
      [[Infinity, -Infinity], Number.NaN],
      [[3e38, 3e38], Infinity],
      [[Number.NaN, 1], Number.NaN],
    ];
    for (const [values, expected] of endings) {
      for (const axes of [[0], [1]]) {
        const fill = (index: number) => values[index % 6151] ?? 0.5;
        const shape = axes[0] === 0 ? [6151, 1] : [1, 6151];
        const wide = axes[0] === 0 ? [6151, 4] : shape;
        const column = dense(wide, 'float32', (index) => fill(axes[0] === 0 ? Math.floor(index / 4) : index));
        const [result] = run(reduceCase('sum', `of ${values} over ${axes}`, column, axes));
        for (const value of result!) assert.ok(Object.is(value, expected), `${value} instead of ${expected}`);
      }
    }
  });

  test('values of a pool do not depend on whether indices are asked for', () => {
    const pool = (outputs: ('values' | 'indices')[]) =>
      defineCase(
        'maxPool',
        'the same numbers',
        { window: [2, 2], strides: [2, 2], padding: { top: 0, bottom: 0, left: 0, right: 0 }, outputs },
        [dense([2, 9, 10, 7], 'float32', listed([1, Number.NaN, -0, 0, 3, 2, -1, 5, Number.NaN]))],
        outputs.map(
          (name) => ({ dtype: name === 'values' ? 'float32' : 'uint8', shape: [2, 4, 5, 7] }) as const,
        ),
      );
    const [alone] = run(pool(['values']));
    const [beside] = run(pool(['values', 'indices']));
    assert.is(Buffer.compare(Buffer.from(alone!.buffer), Buffer.from(beside!.buffer)), 0);
  });

  test('work is cut by the shape alone, and an empty call has none', () => {
    const units = (kernelCase: KernelCase, shared: boolean) =>
      compileCase(wasmKernels, kernelCase as never, { simd, shared }).units;
    for (const kernelCase of cases) assert.is(units(kernelCase, false), units(kernelCase, true));
    assert.is(units(mapCase('of nothing', [sum], [dense([0, 5]), dense([0, 5])]), false), 0);
    assert.is(units(cases[0]!, false), 4);
  });
});
