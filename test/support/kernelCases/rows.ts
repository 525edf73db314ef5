/** Cases of the kernels that work on rows: gather, scatterAdd, softmaxCrossEntropy, and assemble, which places blocks. */
import type { Placement } from '../../../kernels/assemble/contract.js';
import { bytesOf, type Dtype } from '../../../src/core/dtype.js';
import { call, constantOf, input } from '../../../src/core/expression.js';
import type { Shape } from '../../../src/core/shape.js';
import {
  type CaseOf,
  type CaseOperand,
  defineCase,
  dense,
  type Fill,
  integers,
  listed,
  sliced,
  stretched,
  sumTolerance,
  transposed,
  uniform,
} from './builders.js';
import { caseEpilogues } from './matmul.js';

type Table = readonly [outer: number, rows: number, inner: number];

const tables: [table: Table, count: number][] = [
  [[1, 1, 1], 1],
  [[1, 20, 784], 9],
  [[1, 20, 1], 33],
  [[3, 7, 5], 11],
  [[6, 10, 1], 4],
  [[2, 5, 3], 0],
  [[0, 5, 3], 4],
  [[2, 0, 3], 4],
  [[2, 5, 0], 4],
  [[1, 13, 32], 64],
];

/** Rows of the table, with repetitions, and one on each side that does not exist. */
const rowsOf = (rows: number): Fill => integers(-1, rows);
const gatherShape = ([outer, , inner]: Table, count: number): Shape => [outer, count, inner];

const gatherCases: CaseOf<'gather'>[] = [
  ...tables.flatMap(([table, count]) =>
    (Object.keys(bytesOf) as Dtype[]).map((dtype) =>
      defineCase(
        'gather',
        `${count} of [${table}] ${dtype}`,
        {},
        [dense(table, dtype), dense([count], 'int32', rowsOf(table[1]))],
        [{ dtype, shape: gatherShape(table, count) }],
      ),
    ),
  ),
  defineCase(
    'gather',
    'rows far outside',
    {},
    [dense([1, 4, 3]), dense([6], 'int32', listed([-2147483648, 2147483647, 4, -1, 0, 3]))],
    [[1, 6, 3]],
  ),
  defineCase(
    'gather',
    'pixels, normalized',
    {
      epilogue: {
        expression: call('multiply', call('toFloat', input(0, 'int32')), constantOf(1 / 255)),
        operands: 0,
      },
    },
    [dense([1, 40, 784], 'uint8'), dense([7], 'int32', integers(0, 39))],
    [[1, 7, 784]],
    { tolerance: { absolute: 0, relative: 3e-7 } },
  ),
  ...caseEpilogues.map(({ label, expression, operands }) => {
    const shape = [2, 6, 5];
    const behind = operands(shape);
    return defineCase(
      'gather',
      `6 of [2,9,5] ${label}`,
      { epilogue: { expression, operands: behind.length } },
      [dense([2, 9, 5]), dense([6], 'int32', rowsOf(9)), ...behind],
      [shape],
      { tolerance: { absolute: 2e-7, relative: 1e-6 } },
    );
  }),
];

const scatterCases: CaseOf<'scatterAdd'>[] = tables.map(([table, count]) =>
  defineCase(
    'scatterAdd',
    `${count} to [${table}]`,
    {},
    [dense(gatherShape(table, count)), dense([count], 'int32', rowsOf(table[1]))],
    [table],
    { tolerance: sumTolerance(count) },
  ),
);

const outputs = [['loss'], ['gradient'], ['loss', 'gradient']] as const;

function crossEntropyCases(
  [batch, classes]: readonly [number, number],
  label: string,
  fill: Fill,
): CaseOf<'softmaxCrossEntropy'>[] {
  return outputs.flatMap((names) =>
    (['indices', 'distribution'] as const).map((labels) =>
      defineCase(
        'softmaxCrossEntropy',
        `${names.join(' and ')} of [${batch},${classes}] ${label} with ${labels}`,
        { labels, outputs: names },
        [
          dense([batch, classes], 'float32', fill),
          labels === 'indices'
            ? dense([batch], 'int32', integers(-1, classes))
            : dense([batch, classes], 'float32', uniform(0, 0.5)),
        ],
        names.map((name) => (name === 'loss' ? [batch] : [batch, classes])),
        { tolerance: { absolute: 1e-6 + 2e-7 * classes, relative: 2e-6 } },
      ),
    ),
  );
}

const lossCases: CaseOf<'softmaxCrossEntropy'>[] = [
  ...crossEntropyCases([1, 1], 'logits', uniform(-3, 3)),
  ...crossEntropyCases([13, 10], 'logits', uniform(-3, 3)),
  ...crossEntropyCases([128, 10], 'logits', uniform(-3, 3)),
  ...crossEntropyCases([3, 37], 'logits', uniform(-3, 3)),
  ...crossEntropyCases([0, 10], 'logits', uniform(-3, 3)),
  ...crossEntropyCases([5, 8], 'large logits', uniform(-1000, 1000)),
  ...crossEntropyCases([5, 10], 'equal logits', listed([-3])),
];

function assembleCase(
  label: string,
  dtype: Dtype,
  shape: Shape,
  fill: number,
  parts: readonly (readonly [CaseOperand, Placement])[],
): CaseOf<'assemble'> {
  return defineCase(
    'assemble',
    label,
    { fill, placements: parts.map(([, placement]) => placement) },
    parts.map(([operand]) => operand),
    [{ dtype, shape }],
  );
}

const at = (start: readonly number[], step: readonly number[] = start.map(() => 1)): Placement => ({
  start,
  step,
});

const assembleCases: CaseOf<'assemble'>[] = [
  assembleCase('a scalar', 'float32', [], 0, [[dense([]), at([])]]),
  assembleCase('nothing at all', 'float32', [0, 3], 1, [[dense([0, 3]), at([0, 0])]]),
  assembleCase('nothing but the fill', 'float32', [3, 5], 2.5, []),
  assembleCase('an empty part', 'float32', [3, 5], 1, [[dense([0, 5]), at([3, 0])]]),
  ...(Object.keys(bytesOf) as Dtype[]).flatMap((dtype) => [
    assembleCase(`padding of ${dtype}`, dtype, [5, 9], 7, [[dense([3, 4], dtype), at([1, 3])]]),
    assembleCase(`two blocks of ${dtype} side by side`, dtype, [3, 11], 0, [
      [dense([3, 4], dtype), at([0, 0])],
      [dense([3, 7], dtype), at([0, 4])],
    ]),
    assembleCase(`the gradient of a slice of ${dtype} with steps`, dtype, [9, 13], 0, [
      [dense([3, 5], dtype), at([1, 2], [3, 2])],
    ]),
  ]),
  assembleCase('the infinities around a transposed block', 'float32', [6, 7, 3], -Infinity, [
    [transposed(dense([2, 4, 5]), [2, 1, 0]), at([1, 2, 0], [1, 1, 2])],
  ]),
  assembleCase('a stretched part and a slice', 'float32', [8, 6], 0, [
    [stretched(dense([6]), [3, 6]), at([0, 0])],
    [sliced(dense([9, 9]), [2, 1], [1, 1], [5, 6]), at([3, 0])],
  ]),
  assembleCase('five blocks', 'float32', [5, 2, 3], 0, [
    ...[0, 1, 2, 3, 4].map((row) => [dense([1, 2, 3]), at([row, 0, 0])] as const),
  ]),
];

export const rowCases = [...gatherCases, ...scatterCases, ...lossCases, ...assembleCases];
