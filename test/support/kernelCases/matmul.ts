import { call, constantOf, type Expression, input, random } from '../../../src/core/expression.js';
import {
  type CaseOf,
  type CaseOperand,
  defineCase,
  dense,
  integers,
  listed,
  sliced,
  stretched,
  sumTolerance,
  transposed,
} from './builders.js';

type MatmulCase = CaseOf<'matmul'>;

/** What follows a product: an expression over it and these operands of the output's shape. */
export interface CaseEpilogue {
  readonly label: string;
  readonly expression: Expression;
  readonly operands: (shape: readonly number[]) => readonly CaseOperand[];
}

const [x0, x1, x2] = [input(0), input(1), input(2)];
const vector = (shape: readonly number[]) => stretched(dense([shape.at(-1)!]), shape);
const scalarStep = (shape: readonly number[]) => stretched(dense([], 'int32', listed([5])), shape);

/** Every form that an epilogue's operand may take, for all kinds that take one. */
export const caseEpilogues: readonly CaseEpilogue[] = [
  { label: 'halved', expression: call('multiply', x0, constantOf(0.5)), operands: () => [] },
  {
    label: 'with a bias and relu',
    expression: call('relu', call('add', x0, x1)),
    operands: (shape) => [vector(shape)],
  },
  {
    label: 'with a residual',
    expression: call('subtract', x1, x0),
    operands: (shape) => [dense(shape)],
  },
  {
    label: 'scaled by a scalar',
    expression: call('multiply', x0, x1),
    operands: (shape) => [stretched(dense([]), shape)],
  },
  {
    label: 'with a residual and a bias inside a larger vector',
    expression: call('add', call('multiply', x0, x2), x1),
    operands: (shape) => {
      const columns = shape.at(-1)!;
      return [stretched(sliced(dense([columns + 5]), [3], [1], [columns]), shape), dense(shape)];
    },
  },
  {
    label: 'with dropout',
    expression: call(
      'multiply',
      call('relu', x0),
      call('less', random(4242, input(1, 'int32')), constantOf(0.5)),
    ),
    operands: (shape) => [scalarStep(shape)],
  },
  {
    label: 'with a mask of uint8',
    expression: call('where', call('toFloat', input(1, 'int32')), x0, constantOf(0)),
    operands: (shape) => [dense(shape, 'uint8', integers(0, 1))],
  },
  {
    label: 'with a bias and tanh',
    expression: call('tanh', call('add', x0, x1)),
    operands: (shape) => [vector(shape)],
  },
];

export function matmulCase(
  label: string,
  a: CaseOperand,
  b: CaseOperand,
  epilogue?: CaseEpilogue,
): MatmulCase {
  const shape = [...a.view.shape.slice(0, -1), b.view.shape.at(-1)!];
  const behind = epilogue?.operands(shape) ?? [];
  return defineCase(
    'matmul',
    epilogue ? `${label} ${epilogue.label}` : label,
    epilogue ? { epilogue: { expression: epilogue.expression, operands: behind.length } } : {},
    [a, b, ...behind],
    [shape],
    { tolerance: sumTolerance(a.view.shape.at(-1)!) },
  );
}

const sizes: [m: number, n: number, k: number][] = [
  [1, 1, 1],
  [7, 11, 13],
  [6, 8, 16],
  [6, 16, 8],
  [67, 10, 33],
  [33, 67, 10],
  [1, 10, 128],
  [128, 1, 10],
  [5, 1, 7],
  [1, 1, 100],
  [3, 4, 1],
  [12, 48, 512],
  [64, 64, 64],
  [130, 128, 100],
  [0, 5, 3],
  [5, 0, 3],
  [5, 3, 0],
  [13, 100, 9],
];

const swap = [1, 0];

export const matmulCases: readonly MatmulCase[] = [
  ...sizes.map(([m, n, k]) => matmulCase(`${m}x${n}x${k}`, dense([m, k]), dense([k, n]))),
  ...sizes.map(([m, n, k]) =>
    matmulCase(`${m}x${n}x${k}, a transposed`, transposed(dense([k, m]), swap), dense([k, n])),
  ),
  ...sizes.map(([m, n, k]) =>
    matmulCase(`${m}x${n}x${k}, b transposed`, dense([m, k]), transposed(dense([n, k]), swap)),
  ),
  matmulCase('both transposed', transposed(dense([17, 9]), swap), transposed(dense([21, 17]), swap)),
  matmulCase(
    'rows and columns of larger arrays',
    sliced(dense([20, 30]), [3, 5], [1, 1], [9, 17]),
    sliced(dense([20, 40]), [1, 7], [1, 1], [17, 19]),
  ),
  matmulCase(
    'every other row and column',
    sliced(dense([20, 40]), [1, 1], [2, 2], [9, 17]),
    sliced(dense([40, 40]), [0, 3], [2, 2], [17, 18]),
  ),
  matmulCase('a stretched row', stretched(dense([1, 12]), [7, 12]), dense([12, 9])),
  matmulCase('a stretched column', dense([7, 12]), stretched(dense([12, 1]), [12, 9])),
  matmulCase('a batch of 3', dense([3, 5, 7]), dense([3, 7, 6])),
  matmulCase('a batch of 2 x 3', dense([2, 3, 4, 9]), dense([2, 3, 9, 10])),
  matmulCase('a batch of 0', dense([0, 4, 5]), dense([0, 5, 6])),
  matmulCase('a batch with one b', dense([3, 5, 7]), stretched(dense([7, 6]), [3, 7, 6])),
  matmulCase('a batch with one a', stretched(dense([5, 7]), [3, 5, 7]), dense([3, 7, 6])),
  matmulCase(
    'a batch that is an inner axis',
    transposed(dense([5, 3, 7]), [1, 0, 2]),
    transposed(dense([7, 3, 6]), [1, 0, 2]),
  ),
  matmulCase(
    'crossed batches',
    stretched(dense([2, 1, 4, 5]), [2, 3, 4, 5]),
    stretched(dense([3, 5, 6]), [2, 3, 5, 6]),
  ),
  ...caseEpilogues.flatMap((epilogue) => [
    matmulCase('13x19x11', dense([13, 11]), dense([11, 19]), epilogue),
    matmulCase('12x16x8', dense([12, 8]), dense([8, 16]), epilogue),
    matmulCase('9x1x5', dense([9, 5]), dense([5, 1]), epilogue),
    matmulCase('1x9x5', dense([1, 5]), dense([5, 9]), epilogue),
    matmulCase('batch 2, 5x7x3', dense([2, 5, 3]), dense([2, 3, 7]), epilogue),
    matmulCase('4x6x0', dense([4, 0]), dense([0, 6]), epilogue),
  ]),
];
