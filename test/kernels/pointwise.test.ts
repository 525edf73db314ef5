import * as assert from 'uvu/assert';
import { call, constantOf, input } from '../../src/core/expression.js';
import { suite } from '../support/suite.js';
import { runKernel } from './runKernel.js';

const [x0, x1] = [input(0), input(1)];
const sum = call('add', x0, x1);

suite('map, worked by hand', (test) => {
  test('a matrix and a row', () => {
    const row = { shape: [2, 3], data: [10, 20, 30], strides: [0, 1] };
    const [y] = runKernel(
      'map',
      { expressions: [sum] },
      [{ shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }, row],
      [{ shape: [2, 3] }],
    );
    assert.equal(y, [11, 22, 33, 14, 25, 36]);
  });

  test('a transposed slice with an offset', () => {
    // of 0 1 2 3 / 4 5 6 7 / 8 9 10 11: rows 1 and 2, columns 1 and 3, transposed
    const data = Array.from({ length: 12 }, (_, i) => i);
    const [y] = runKernel(
      'map',
      { expressions: [call('negate', x0)] },
      [{ shape: [2, 2], data, strides: [2, 4], offset: 5 }],
      [{ shape: [2, 2] }],
    );
    assert.equal(y, [-5, -9, -7, -11]);
  });

  test('a scalar, and nothing', () => {
    const scalar = { shape: [], data: [3] };
    assert.equal(runKernel('map', { expressions: [sum] }, [scalar, scalar], [{ shape: [] }]), [[6]]);
    const empty = { shape: [2, 0], data: [] };
    assert.equal(runKernel('map', { expressions: [sum] }, [empty, empty], [{ shape: [2, 0] }]), [[]]);
  });

  test('several outputs of several dtypes', () => {
    const expressions = [call('multiply', x0, constantOf(0.5)), call('toInt', x0), call('toInt', x0)];
    const outputs = runKernel(
      'map',
      { expressions },
      [{ shape: [3], data: [1.5, -2.5, 300] }],
      [{ shape: [3] }, { shape: [3], dtype: 'int32' }, { shape: [3], dtype: 'uint8' }],
    );
    assert.equal(outputs, [
      [0.75, -1.25, 150],
      [1, -2, 300],
      [1, 254, 44],
    ]);
  });
});

suite('reduce, worked by hand', (test) => {
  const matrix = { shape: [2, 3], data: [1, 5, 5, 4, -2, 0] };
  const prologue = x0;

  test('over rows, columns and all', () => {
    const over = (operation: 'sum' | 'max' | 'min', axes: number[], shape: number[]) =>
      runKernel('reduce', { operation, axes, prologue }, [matrix], [{ shape }])[0];
    assert.equal(over('sum', [0], [3]), [5, 3, 5]);
    assert.equal(over('sum', [1], [2]), [11, 2]);
    assert.equal(over('sum', [0, 1], []), [13]);
    assert.equal(over('max', [0], [3]), [4, 5, 5]);
    assert.equal(over('min', [1], [2]), [1, -2]);
    assert.equal(over('sum', [], [2, 3]), matrix.data);
  });

  test('argMax: ties to the first, row-major within several axes, the first NaN before all', () => {
    const argMax = (data: number[], axes: number[], shape: number[]) =>
      runKernel(
        'reduce',
        { operation: 'argMax', axes, prologue },
        [{ shape: [2, 3], data }],
        [{ shape, dtype: 'int32' }],
      )[0];
    assert.equal(argMax(matrix.data, [1], [2]), [1, 0]);
    assert.equal(argMax(matrix.data, [0], [3]), [1, 0, 0]);
    assert.equal(argMax(matrix.data, [0, 1], []), [1]);
    assert.equal(argMax([1, 2, 3, 9, 5, 6], [0, 1], []), [3]);
    const nan = Number.NaN;
    assert.equal(argMax([nan, 2, 1, nan, nan, nan], [1], [2]), [0, 0]);
    assert.equal(argMax([5, nan, 1, 7, 8, nan], [1], [2]), [1, 2]);
    assert.equal(argMax([5, Infinity, nan, 7, nan, nan], [0, 1], []), [2]);
  });

  test('max and min of a set with a NaN are NaN', () => {
    const nan = { shape: [3], data: [1, Number.NaN, 3] };
    for (const operation of ['max', 'min'] as const) {
      const [[y]] = runKernel('reduce', { operation, axes: [0], prologue }, [nan], [{ shape: [] }]) as [
        [number],
      ];
      assert.ok(Number.isNaN(y));
    }
  });

  test('an empty sum is 0', () => {
    const specification = { operation: 'sum', axes: [0], prologue } as const;
    assert.equal(runKernel('reduce', specification, [{ shape: [0, 2], data: [] }], [{ shape: [2] }]), [
      [0, 0],
    ]);
  });

  test('a prologue over two inputs and an epilogue over a third', () => {
    // Σ (a − b)² / scale
    const difference = call('subtract', x0, x1);
    const epilogue = { expression: call('divide', x0, x1), operands: 1 };
    const [y] = runKernel(
      'reduce',
      { operation: 'sum', axes: [1], prologue: call('multiply', difference, difference), epilogue },
      [matrix, { shape: [2, 3], data: [0, 3], strides: [1, 0] }, { shape: [2], data: [3, 2] }],
      [{ shape: [2] }],
    );
    assert.equal(y, [(1 + 25 + 25) / 3, (1 + 25 + 9) / 2]);
  });

  test('int32 sums wrap around', () => {
    const ints = { shape: [2], data: [2147483647, 1], dtype: 'int32' } as const;
    const specification = { operation: 'sum', axes: [0], prologue: input(0, 'int32') } as const;
    assert.equal(runKernel('reduce', specification, [ints], [{ shape: [], dtype: 'int32' }]), [
      [-2147483648],
    ]);
  });
});

suite('matmul, worked by hand', (test) => {
  const a = { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] };
  const b = { shape: [3, 2], data: [7, 8, 9, 10, 11, 12] };

  test('2x2x3', () => {
    assert.equal(runKernel('matmul', {}, [a, b], [{ shape: [2, 2] }]), [[58, 64, 139, 154]]);
  });

  test('a transposed view times the other', () => {
    // aᵀ · bᵀ = (b · a)ᵀ
    const [y] = runKernel(
      'matmul',
      {},
      [
        { ...a, shape: [3, 2], strides: [1, 3] },
        { ...b, shape: [2, 3], strides: [1, 2] },
      ],
      [{ shape: [3, 3] }],
    );
    assert.equal(y, [39, 49, 59, 54, 68, 82, 69, 87, 105]);
  });

  test('a batch that shares one side', () => {
    const shared = { shape: [2, 2, 1], data: [1, 10], strides: [0, 1, 1] };
    const rows = { shape: [2, 1, 2], data: [1, 2, 3, 4] };
    assert.equal(runKernel('matmul', {}, [rows, shared], [{ shape: [2, 1, 1] }]), [[21, 43]]);
  });

  test('no inner extent gives zeros, to which the epilogue applies', () => {
    const none = [
      { shape: [2, 0], data: [] },
      { shape: [0, 2], data: [] },
    ];
    assert.equal(runKernel('matmul', {}, none, [{ shape: [2, 2] }]), [[0, 0, 0, 0]]);
    const epilogue = { expression: sum, operands: 1 };
    const bias = { shape: [2, 2], data: [5, 6], strides: [0, 1] };
    assert.equal(runKernel('matmul', { epilogue }, [...none, bias], [{ shape: [2, 2] }]), [[5, 6, 5, 6]]);
  });
});
