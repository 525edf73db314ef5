import * as assert from 'uvu/assert';
import { ShapeError } from '../../src/core/errors.js';
import {
  broadcastShapes,
  checkShape,
  formatShape,
  fourAxes,
  normalizeAxes,
  normalizeAxis,
  rowMajorStrides,
  sameShape,
  sizeOf,
} from '../../src/core/shape.js';
import { suite } from '../support/suite.js';

function refuses(action: () => unknown, message: string): void {
  assert.throws(action, (error: unknown) => {
    assert.instance(error, ShapeError);
    assert.is((error as ShapeError).message, message);
    return true;
  });
}

suite('shapes', (test) => {
  test('sizes: a scalar has 1 element, an extent of 0 leaves none', () => {
    assert.is(sizeOf([]), 1);
    assert.is(sizeOf([2, 3, 5]), 30);
    assert.is(sizeOf([4, 0, 7]), 0);
  });

  test('as text', () => {
    assert.is(formatShape([2, 3]), '[2, 3]');
    assert.is(formatShape([]), '[]');
  });

  test('four axes, no more and no fewer', () => {
    assert.equal(fourAxes([2, 3, 0, 5]), [2, 3, 0, 5]);
    refuses(() => fourAxes([2, 3, 5]), 'four axes are needed: [2, 3, 5] (3)');
    refuses(() => fourAxes([1, 2, 3, 4, 5]), 'four axes are needed: [1, 2, 3, 4, 5] (5)');
  });

  test('equality', () => {
    assert.ok(sameShape([2, 3], [2, 3]));
    assert.ok(sameShape([], []));
    assert.not(sameShape([2, 3], [3, 2]));
    assert.not(sameShape([2], [2, 1]));
  });

  test('row-major strides', () => {
    assert.equal(rowMajorStrides([]), []);
    assert.equal(rowMajorStrides([7]), [1]);
    assert.equal(rowMajorStrides([2, 3, 5]), [15, 5, 1]);
  });

  test('an extent is an integer ≥ 0', () => {
    checkShape([], 'op');
    checkShape([0, 3], 'op');
    refuses(() => checkShape([2, -1], 'reshape'), 'reshape: an extent must be an integer ≥ 0: [2, -1]');
    refuses(() => checkShape([1.5], 'reshape'), 'reshape: an extent must be an integer ≥ 0: [1.5]');
    refuses(() => checkShape([Number.NaN], 'reshape'), 'reshape: an extent must be an integer ≥ 0: [NaN]');
  });
});

suite('broadcasting', (test) => {
  test('aligns at the last axis and stretches extents of 1', () => {
    assert.equal(broadcastShapes('add'), []);
    assert.equal(broadcastShapes('add', [], [3]), [3]);
    assert.equal(broadcastShapes('add', [2, 3], [3]), [2, 3]);
    assert.equal(broadcastShapes('add', [2, 1], [1, 3]), [2, 3]);
    assert.equal(broadcastShapes('add', [8, 1, 6, 1], [7, 1, 5]), [8, 7, 6, 5]);
    assert.equal(broadcastShapes('add', [2, 1], [3], [4, 1, 1]), [4, 2, 3]);
  });

  test('1 stretches to 0 as well', () => {
    assert.equal(broadcastShapes('add', [1, 3], [0, 3]), [0, 3]);
    assert.equal(broadcastShapes('add', [0], [1]), [0]);
  });

  const hint = '\n  Shapes align at the last axis; extents must be equal, or one of them 1.';

  test('names the two extents that clash', () => {
    refuses(
      () => broadcastShapes('add', [2, 3], [4]),
      `add: shapes do not broadcast: [2, 3] and [4] (3 and 4)${hint}`,
    );
    refuses(
      () => broadcastShapes('where', [5, 1], [3], [4, 1, 2]),
      `where: shapes do not broadcast: [5, 1] and [3] and [4, 1, 2] (3 and 2)${hint}`,
    );
    refuses(
      () => broadcastShapes('add', [0], [2]),
      `add: shapes do not broadcast: [0] and [2] (0 and 2)${hint}`,
    );
  });
});

suite('axes', (test) => {
  test('negative axes count from the end', () => {
    assert.is(normalizeAxis('sum', 1, [2, 3]), 1);
    assert.is(normalizeAxis('sum', -1, [2, 3]), 1);
    assert.is(normalizeAxis('sum', -2, [2, 3]), 0);
  });

  test('an axis outside the shape', () => {
    refuses(() => normalizeAxis('sum', 2, [2, 3]), 'sum: axis 2 lies outside [2, 3] (2 axes)');
    refuses(() => normalizeAxis('sum', -3, [2, 3]), 'sum: axis -3 lies outside [2, 3] (2 axes)');
    refuses(() => normalizeAxis('sum', 0.5, [2, 3]), 'sum: axis 0.5 lies outside [2, 3] (2 axes)');
    refuses(() => normalizeAxis('sum', 0, []), 'sum: axis 0 lies outside [] (0 axes)');
  });

  test('lists: all by default, ascending', () => {
    assert.equal(normalizeAxes('sum', undefined, [2, 3, 4]), [0, 1, 2]);
    assert.equal(normalizeAxes('sum', [], [2, 3, 4]), []);
    assert.equal(normalizeAxes('sum', -1, [2, 3, 4]), [2]);
    assert.equal(normalizeAxes('sum', [-1, 0], [2, 3, 4]), [0, 2]);
  });

  test('an axis that is named twice, or not there', () => {
    refuses(() => normalizeAxes('sum', [1, -1], [2, 3]), 'sum: an axis is named twice: [1, 1] of [2, 3]');
    refuses(() => normalizeAxes('sum', [0, 5], [2, 3]), 'sum: axis 5 lies outside [2, 3] (2 axes)');
  });
});
