import * as assert from 'uvu/assert';
import { call, constantOf, input } from '../../src/core/expression.js';
import { randomUniform } from '../../src/core/random.js';
import { suite } from '../support/suite.js';
import { dot, runKernel, type Written } from './runKernel.js';

suite('gather and scatterAdd, worked by hand', (test) => {
  const indices = (...data: number[]): Written => ({ shape: [data.length], data, dtype: 'int32' });

  test('rows in any order, zeros for those that do not exist', () => {
    const table = { shape: [1, 3, 2], data: [1, 2, 3, 4, 5, 6] };
    assert.equal(runKernel('gather', {}, [table, indices(2, 0, 2, 3, -1)], [{ shape: [1, 5, 2] }]), [
      [5, 6, 1, 2, 5, 6, 0, 0, 0, 0],
    ]);
  });

  test('along a middle axis, with bytes made floats', () => {
    const table: Written = { shape: [2, 2, 2], data: [0, 51, 102, 153, 204, 255, 51, 0], dtype: 'uint8' };
    const expression = call('divide', call('toFloat', input(0, 'int32')), constantOf(51));
    const [y] = runKernel(
      'gather',
      { epilogue: { expression, operands: 0 } },
      [table, indices(1)],
      [{ shape: [2, 1, 2] }],
    );
    assert.equal(y, [2, 3, 1, 0]);
  });

  test('scatterAdd adds what meets and drops what has no row', () => {
    const values = { shape: [1, 4, 2], data: [1, 2, 10, 20, 100, 200, 7, 7] };
    assert.equal(runKernel('scatterAdd', {}, [values, indices(1, 0, 1, 9)], [{ shape: [1, 3, 2] }]), [
      [10, 20, 101, 202, 0, 0],
    ]);
  });

  test('⟨gather(t, i), v⟩ = ⟨t, scatterAdd(v, i)⟩', () => {
    const drawn = (size: number, key: number) =>
      Array.from({ length: size }, (_, i) => randomUniform(i, key, 0) - 0.5);
    const rows = indices(...drawn(9, 3).map((value) => Math.floor((value + 0.5) * 7) - 1));
    const [table, values] = [
      { shape: [2, 5, 3], data: drawn(30, 1) },
      { shape: [2, 9, 3], data: drawn(54, 2) },
    ];
    const left = dot(runKernel('gather', {}, [table, rows], [values])[0]!, values.data);
    const right = dot(table.data, runKernel('scatterAdd', {}, [values, rows], [table])[0]!);
    assert.ok(Math.abs(left - right) < 1e-13, `${left} and ${right}`);
  });
});

suite('softmaxCrossEntropy, worked by hand', (test) => {
  // softmax of (0, ln 2, ln 5) is (1, 2, 5) / 8
  const logits = { shape: [2, 3], data: [0, Math.log(2), Math.log(5), 7, 7, 7] };
  const outputs = [{ shape: [2] }, { shape: [2, 3] }];
  const names = ['loss', 'gradient'] as const;

  function near(actual: readonly number[] | undefined, expected: readonly number[]): void {
    assert.is(actual?.length, expected.length);
    expected.forEach((value, i) => {
      assert.ok(Math.abs(actual![i]! - value) < 1e-14, `${i}: ${actual![i]} and ${value}`);
    });
  }

  test('class numbers', () => {
    const labels: Written = { shape: [2], data: [2, 0], dtype: 'int32' };
    const [loss, gradient] = runKernel(
      'softmaxCrossEntropy',
      { labels: 'indices', outputs: names },
      [logits, labels],
      outputs,
    );
    near(loss, [Math.log(8 / 5), Math.log(3)]);
    near(gradient, [1 / 8, 2 / 8, -3 / 8, -2 / 3, 1 / 3, 1 / 3]);
  });

  test('a class number outside the classes counts as no label', () => {
    const labels: Written = { shape: [2], data: [3, -1], dtype: 'int32' };
    const [loss, gradient] = runKernel(
      'softmaxCrossEntropy',
      { labels: 'indices', outputs: names },
      [logits, labels],
      outputs,
    );
    near(loss, [0, 0]);
    near(gradient, [0, 0, 0, 0, 0, 0]);
  });

  test('distributions, also such as do not add up to 1', () => {
    const labels = { shape: [2, 3], data: [0.5, 0.5, 0, 1, 1, 0] };
    const [loss, gradient] = runKernel(
      'softmaxCrossEntropy',
      { labels: 'distribution', outputs: names },
      [logits, labels],
      outputs,
    );
    near(loss, [0.5 * Math.log(8) + 0.5 * Math.log(4), 2 * Math.log(3)]);
    near(gradient, [1 / 8 - 0.5, 2 / 8 - 0.5, 5 / 8, -1 / 3, -1 / 3, 2 / 3]);
  });

  test('large logits do not overflow, and a class that gets no label may be impossible', () => {
    const large = { shape: [2, 3], data: [1000, 0, -1000, 0, -Infinity, 0] };
    const labels = { shape: [2, 3], data: [0, 1, 0, 0.5, 0, 0.5] };
    const [loss, gradient] = runKernel(
      'softmaxCrossEntropy',
      { labels: 'distribution', outputs: names },
      [large, labels],
      outputs,
    );
    near(loss, [1000, Math.log(2)]);
    near(gradient, [1, -1, 0, 0, 0, 0]);
  });

  test('one output at a time', () => {
    const labels: Written = { shape: [2], data: [2, 0], dtype: 'int32' };
    const [loss] = runKernel(
      'softmaxCrossEntropy',
      { labels: 'indices', outputs: ['loss'] },
      [logits, labels],
      [outputs[0]!],
    );
    near(loss, [Math.log(8 / 5), Math.log(3)]);
    const [gradient] = runKernel(
      'softmaxCrossEntropy',
      { labels: 'indices', outputs: ['gradient'] },
      [logits, labels],
      [outputs[1]!],
    );
    near(gradient, [1 / 8, 2 / 8, -3 / 8, -2 / 3, 1 / 3, 1 / 3]);
  });
});

suite('assemble, worked by hand', (test) => {
  test('pads', () => {
    const placements = [{ start: [1, 0], step: [1, 1] }];
    assert.equal(
      runKernel('assemble', { fill: 9, placements }, [{ shape: [1, 2], data: [1, 2] }], [{ shape: [2, 3] }]),
      [[9, 9, 9, 1, 2, 9]],
    );
  });

  test('interleaves, also from transposed views', () => {
    const placements = [
      { start: [0, 0], step: [1, 2] },
      { start: [0, 1], step: [1, 2] },
    ];
    const a = { shape: [2, 2], data: [1, 2, 3, 4], strides: [1, 2] };
    const b = { shape: [2, 1], data: [8], strides: [0, 1] };
    assert.equal(runKernel('assemble', { fill: 0, placements }, [a, b], [{ shape: [2, 3] }]), [
      [1, 8, 3, 2, 8, 4],
    ]);
  });

  test('keeps integers', () => {
    const placements = [{ start: [1], step: [2] }];
    const x: Written = { shape: [2], data: [250, 251], dtype: 'uint8' };
    assert.equal(runKernel('assemble', { fill: 3, placements }, [x], [{ shape: [4], dtype: 'uint8' }]), [
      [3, 250, 3, 251],
    ]);
  });

  test('a scalar, and nothing', () => {
    const placements = [{ start: [], step: [] }];
    assert.equal(
      runKernel('assemble', { fill: 0, placements }, [{ shape: [], data: [4] }], [{ shape: [] }]),
      [[4]],
    );
    const empty = [{ start: [0], step: [1] }];
    assert.equal(
      runKernel('assemble', { fill: 1, placements: empty }, [{ shape: [0], data: [] }], [{ shape: [2] }]),
      [[1, 1]],
    );
  });
});
