import type { ReduceOperation } from '../../../kernels/reduce/contract.js';
import { call, constantOf, type Expression, input, random } from '../../../src/core/expression.js';
import { type Shape, sizeOf } from '../../../src/core/shape.js';
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
} from './builders.js';

type ReduceCase = CaseOf<'reduce'>;

const [x0, x1] = [input(0), input(1)];
const operations: ReduceOperation[] = ['sum', 'max', 'min', 'argMax'];

interface Options {
  readonly prologue?: Expression;
  readonly sources?: readonly CaseOperand[];
  readonly epilogue?: { readonly expression: Expression; readonly operands: readonly CaseOperand[] };
  readonly extreme?: boolean;
}

export function reduceCase(
  operation: ReduceOperation,
  label: string,
  source: CaseOperand,
  axes: readonly number[],
  {
    prologue = input(0, source.dtype === 'float32' ? 'float32' : 'int32'),
    sources = [],
    epilogue,
    extreme = false,
  }: Options = {},
): ReduceCase {
  const { shape } = source.view;
  const result = epilogue?.expression.dtype ?? (operation === 'argMax' ? 'int32' : prologue.dtype);
  return defineCase(
    'reduce',
    `${operation} ${label}`,
    {
      operation,
      axes,
      prologue,
      ...(epilogue && { epilogue: { expression: epilogue.expression, operands: epilogue.operands.length } }),
    },
    [source, ...sources, ...(epilogue?.operands ?? [])],
    [{ dtype: result, shape: shape.filter((_, axis) => !axes.includes(axis)) }],
    { tolerance: sumTolerance(sizeOf(axes.map((axis) => shape[axis]!))), extreme },
  );
}

const shapes: [shape: Shape, axes: readonly number[]][] = [
  [[], []],
  [[1], [0]],
  [[7], [0]],
  [[5000], [0]],
  [[13, 10], [0]],
  [[13, 10], [1]],
  [
    [13, 10],
    [0, 1],
  ],
  [[13, 10], []],
  [[128, 10], [1]],
  [[128, 37], [0]],
  [[1, 1031], [1]],
  [[1031, 1], [0]],
  [[3, 5, 7], [1]],
  [
    [3, 5, 7],
    [0, 2],
  ],
  [
    [4, 6, 5, 13],
    [0, 1, 2],
  ],
  [
    [2, 6, 5, 13],
    [1, 2],
  ],
  [
    [2, 3, 1, 5],
    [2, 3],
  ],
  [[0, 5], [1]],
];

const layouts: [label: string, source: CaseOperand, axes: readonly number[]][] = [
  ['of a transposed matrix over rows', transposed(dense([9, 14]), [1, 0]), [0]],
  ['of a transposed matrix over columns', transposed(dense([9, 14]), [1, 0]), [1]],
  ['of a slice', sliced(dense([8, 25]), [1, 3], [2, 2], [3, 11]), [1]],
  ['of a slice over rows', sliced(dense([8, 25]), [1, 3], [2, 2], [3, 11]), [0]],
  ['of a stretched row', stretched(dense([11]), [6, 11]), [0]],
  ['of a stretched column', stretched(dense([6, 1]), [6, 11]), [1]],
  ['of a permuted array', transposed(dense([3, 4, 5, 6]), [2, 0, 3, 1]), [1, 3]],
];

const square = call('multiply', x0, x0);
const deviation = call('subtract', x0, x1);
const nan = Number.NaN;

/** A key, a step of 3: kept where the random number is below a half. */
const dropped = call('multiply', x0, call('less', random(77, constantOf(3, 'int32')), constantOf(0.5)));

export const reduceCases: readonly ReduceCase[] = [
  ...operations.flatMap((operation) =>
    shapes.map(([shape, axes]) =>
      reduceCase(operation, `[${shape}] over [${axes}]`, dense(shape, 'float32', quarters(-3, 3)), axes),
    ),
  ),
  ...operations.flatMap((operation) =>
    layouts.map(([label, source, axes]) => reduceCase(operation, label, source, axes)),
  ),
  ...operations.map((operation) =>
    reduceCase(operation, 'of int32', dense([12, 17], 'int32', integers(-9, 9)), [1]),
  ),
  ...operations.map((operation) => reduceCase(operation, 'of uint8', dense([12, 17], 'uint8'), [0])),
  ...operations.map((operation) =>
    reduceCase(
      operation,
      'of rows with NaN',
      dense([5, 4], 'float32', listed([1, nan, 3, 2, nan, 0, nan])),
      [1],
      {
        extreme: true,
      },
    ),
  ),
  ...operations.map((operation) =>
    reduceCase(operation, 'of infinities', dense([4, 9], 'float32', listed([-Infinity])), [1], {
      extreme: true,
    }),
  ),
  reduceCase('sum', 'that wraps around', dense([3, 5], 'int32', listed([2147483647, 2, 65536])), [1]),
  reduceCase('sum', 'of nothing to a scalar', dense([0]), [0]),
  reduceCase('sum', 'of nothing to a row', dense([0, 3]), [0]),
  reduceCase('sum', 'of nothing to a column', dense([3, 0]), [1]),
  reduceCase('sum', 'of nothing, with an epilogue', dense([3, 0]), [1], {
    epilogue: { expression: call('add', x0, constantOf(2)), operands: [] },
  }),
  reduceCase('max', 'of no rows', dense([0, 3]), [1]),
  reduceCase('sum', 'of squares', dense([7, 23]), [1], { prologue: square }),
  reduceCase('sum', 'of squared deviations from a row', dense([31, 12]), [0], {
    prologue: call('multiply', deviation, deviation),
    sources: [stretched(dense([12]), [31, 12])],
  }),
  reduceCase('sum', 'of squared deviations from the mean of 67 channels', dense([3, 5, 7, 67]), [0, 1, 2], {
    prologue: call('multiply', deviation, deviation),
    sources: [stretched(dense([67]), [3, 5, 7, 67])],
  }),
  reduceCase('max', 'of deviations from a row for each matrix', dense([4, 90, 33]), [1], {
    prologue: deviation,
    sources: [stretched(dense([4, 1, 33]), [4, 90, 33])],
  }),
  reduceCase('sum', 'of matches with a row of uint8', dense([70, 21], 'int32', integers(0, 3)), [0], {
    prologue: call('equal', input(0, 'int32'), input(1, 'int32')),
    sources: [stretched(dense([21], 'uint8', integers(0, 3)), [70, 21])],
  }),
  reduceCase('max', 'of a product with a transposed operand', dense([8, 15]), [1], {
    prologue: call('multiply', x0, x1),
    sources: [transposed(dense([15, 8]), [1, 0])],
  }),
  reduceCase('sum', 'of matches of int32 with uint8', dense([57], 'int32', integers(0, 3)), [0], {
    prologue: call('equal', input(0, 'int32'), input(1, 'int32')),
    sources: [dense([57], 'uint8', integers(0, 3))],
  }),
  reduceCase('argMax', 'of negated numbers', dense([9, 10]), [1], { prologue: call('negate', x0) }),
  reduceCase('argMax', 'compared with labels', dense([19, 10]), [1], {
    epilogue: {
      expression: call('equal', input(0, 'int32'), input(1, 'int32')),
      operands: [dense([19], 'int32', integers(0, 9))],
    },
  }),
  reduceCase('sum', 'with what is dropped at random', dense([6, 18]), [0], { prologue: dropped }),
  reduceCase('sum', 'that becomes a standard deviation', dense([64, 9]), [0], {
    prologue: square,
    epilogue: {
      expression: call('sqrt', call('add', call('multiply', x0, constantOf(1 / 64)), constantOf(0.001))),
      operands: [],
    },
  }),
  reduceCase('sum', 'with a full and a scalar operand behind it', dense([4, 6, 5]), [1], {
    epilogue: {
      expression: call('add', call('multiply', x0, input(2)), x1),
      operands: [dense([4, 5]), stretched(dense([]), [4, 5])],
    },
  }),
  reduceCase('sum', 'with a row behind it', dense([4, 6, 5]), [1], {
    epilogue: { expression: call('subtract', x1, x0), operands: [stretched(dense([5]), [4, 5])] },
  }),
  reduceCase('sum', 'to a scalar with a scalar behind it', dense([35]), [0], {
    epilogue: { expression: call('multiply', x0, x1), operands: [dense([])] },
  }),
];
