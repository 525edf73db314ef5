import * as assert from 'uvu/assert';
import { type Epilogue, epilogueFlops, epilogueStrides, type Layout } from '../../kernels/contract.js';
import { contracts, flopsOf, type KernelKind, type Specifications } from '../../kernels/kinds.js';
import type { Dtype } from '../../src/core/dtype.js';
import { call, constantOf, input } from '../../src/core/expression.js';
import { rowMajorStrides, type Shape } from '../../src/core/shape.js';
import { broadcastView, contiguousView } from '../../src/core/view.js';
import { suite } from '../support/suite.js';

const layout = (shape: Shape, dtype: Dtype = 'float32'): Layout => ({
  dtype,
  shape,
  strides: rowMajorStrides(shape),
});
const stretched = (from: Shape, shape: Shape): Layout => ({
  dtype: 'float32',
  ...broadcastView(contiguousView(from), shape),
});

suite('operands of an epilogue', (test) => {
  test('a whole output steps from row to row and from column to column', () => {
    assert.equal(epilogueStrides(layout([5, 7]), [5, 7]), { row: 7, column: 1 });
    assert.equal(epilogueStrides(layout([2, 3, 7]), [2, 3, 7]), { row: 7, column: 1 });
    assert.equal(epilogueStrides(layout([5, 1]), [5, 1]), { row: 1, column: 0 });
    assert.equal(epilogueStrides(layout([1, 3, 1]), [1, 3, 1]), { row: 1, column: 0 });
  });

  test('a vector stands still from row to row', () => {
    assert.equal(epilogueStrides(stretched([7], [5, 7]), [5, 7]), { row: 0, column: 1 });
    assert.equal(epilogueStrides(stretched([7], [2, 3, 7]), [2, 3, 7]), { row: 0, column: 1 });
    assert.equal(epilogueStrides(layout([7]), [7]), { row: 0, column: 1 });
    assert.equal(epilogueStrides(layout([1, 7]), [1, 7]), { row: 0, column: 1 });
  });

  test('a single element stands still', () => {
    assert.equal(epilogueStrides(stretched([], [5, 7]), [5, 7]), { row: 0, column: 0 });
    assert.equal(epilogueStrides(stretched([1], [5, 1]), [5, 1]), { row: 0, column: 0 });
    assert.equal(epilogueStrides(layout([]), []), { row: 0, column: 0 });
  });
});

const [x0, x1] = [input(0), input(1)];
const padding = { top: 0, bottom: 1, left: 2, right: 3 };
const geometry = { strides: [2, 1] as const, padding };
const pooling = { window: [3, 2] as const, ...geometry };
/** Two operations per element. */
const epilogue: Epilogue = { expression: call('relu', call('add', x0, x1)), operands: 1 };

type Row = {
  [K in KernelKind]: readonly [
    kind: K,
    specification: Specifications[K],
    inputs: readonly Shape[],
    outputs: readonly Shape[],
    flops: number,
    printed: string,
  ];
}[KernelKind];

const image = [2, 8, 9, 3];
const grid = [2, 4, 5, 3];

const rows: readonly Row[] = [
  [
    'map',
    { expressions: [call('add', x0, x1), call('exp', call('negate', x0))] },
    [
      [4, 5],
      [4, 5],
    ],
    [
      [4, 5],
      [4, 5],
    ],
    60,
    'add(x0, x1); exp(negate(x0))',
  ],
  [
    'reduce',
    { operation: 'sum', axes: [0, 2], prologue: call('multiply', x0, x0) },
    [[4, 5, 6]],
    [[5]],
    240,
    'sum over 0,2 of multiply(x0, x0)',
  ],
  [
    'reduce',
    { operation: 'max', axes: [1], prologue: x0, epilogue },
    [[4, 5], [4]],
    [[4]],
    28,
    'max over 1 of x0',
  ],
  [
    'matmul',
    {},
    [
      [3, 4, 5],
      [3, 5, 6],
    ],
    [[3, 4, 6]],
    720,
    '',
  ],
  [
    'matmul',
    { epilogue },
    [
      [4, 5],
      [5, 6],
      [4, 6],
    ],
    [[4, 6]],
    288,
    '',
  ],
  ['conv2d', geometry, [image, [3, 2, 3, 7]], [[2, 4, 5, 7]], 10080, 'strides 2,1 pad 0,1,2,3'],
  [
    'conv2d',
    { ...geometry, epilogue },
    [image, [3, 2, 3, 7], [2, 4, 5, 7]],
    [[2, 4, 5, 7]],
    10640,
    'strides 2,1 pad 0,1,2,3',
  ],
  [
    'conv2dInputGradient',
    geometry,
    [
      [2, 4, 5, 7],
      [3, 2, 3, 7],
    ],
    [image],
    10080,
    'strides 2,1 pad 0,1,2,3',
  ],
  ['conv2dFilterGradient', geometry, [image, [2, 4, 5, 7]], [[3, 2, 3, 7]], 10080, 'strides 2,1 pad 0,1,2,3'],
  [
    'maxPool',
    { ...pooling, outputs: ['values', 'indices'] },
    [image],
    [grid, grid],
    720,
    'window 3x2 strides 2,1 pad 0,1,2,3 gives values and indices',
  ],
  ['maxPoolTake', pooling, [image, grid], [grid], 0, 'window 3x2 strides 2,1 pad 0,1,2,3'],
  ['maxPoolGradient', pooling, [grid, grid], [image], 120, 'window 3x2 strides 2,1 pad 0,1,2,3'],
  ['averagePool', pooling, [image], [grid], 720, 'window 3x2 strides 2,1 pad 0,1,2,3'],
  ['averagePoolGradient', pooling, [grid], [image], 720, 'window 3x2 strides 2,1 pad 0,1,2,3'],
  ['gather', {}, [[1, 9, 4], [5]], [[1, 5, 4]], 0, ''],
  [
    'gather',
    { epilogue: { expression: call('divide', x0, constantOf(255)), operands: 0 } },
    [[1, 9, 4], [5]],
    [[1, 5, 4]],
    20,
    '',
  ],
  ['scatterAdd', {}, [[1, 5, 4], [5]], [[1, 9, 4]], 20, ''],
  [
    'softmaxCrossEntropy',
    { labels: 'indices', outputs: ['loss', 'gradient'] },
    [[6, 10], [6]],
    [[6], [6, 10]],
    300,
    'labels as indices, gives loss and gradient',
  ],
  [
    'assemble',
    { fill: 0, placements: [{ start: [1, 2], step: [1, 3] }] },
    [[2, 2]],
    [[4, 9]],
    0,
    'fill 0 at 1,2 step 1,3',
  ],
];

function check<K extends KernelKind>(
  kind: K,
  specification: Specifications[K],
  inputs: readonly Shape[],
  outputs: readonly Shape[],
  flops: number,
  printed: string,
): void {
  const layouts = {
    inputs: inputs.map((shape) => layout(shape)),
    outputs: outputs.map((shape) => layout(shape)),
  };
  assert.is(flopsOf(kind, { specification, ...layouts }), flops);
  assert.is(contracts[kind].print(specification as never), printed);
}

suite('flops and what plans print', (test) => {
  for (const [index, row] of rows.entries()) {
    test(`${index}: ${row[0]}`, () => check(...(row as Parameters<typeof check>)));
  }

  test('every kind has a row', () => {
    assert.equal([...new Set(rows.map(([kind]) => kind))].sort(), Object.keys(contracts).sort());
  });

  test('an epilogue costs its operations at every element of the output', () => {
    assert.is(epilogueFlops(epilogue, [3, 5]), 30);
    assert.is(epilogueFlops(undefined, [3, 5]), 0);
  });
});
