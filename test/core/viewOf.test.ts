import ndarray, { type NdArray } from 'ndarray';
import operations from 'ndarray-ops';
import * as assert from 'uvu/assert';
import { viewOf } from '../../src/core/view.js';
import { suite } from '../support/suite.js';

type View = NdArray<Float32Array>;

const told = ({ data, shape, stride, offset, dtype, size, order, dimension }: View) => ({
  ...{ data, shape: [...shape], stride: [...stride], offset, dtype, size, order: [...order], dimension },
});

/** What can be done to an array of three axes. */
const ways: Readonly<Record<string, (view: View) => View>> = {
  nothing: (view) => view,
  lo: (view) => view.lo(1, 0, 2),
  'lo of one axis': (view) => view.lo(1),
  hi: (view) => view.hi(1, 2),
  step: (view) => view.step(1, -1, 2),
  'a negative step of 2': (view) => view.step(-2),
  transpose: (view) => view.transpose(2, 0, 1),
  pick: (view) => view.pick(null, 1),
  'pick all': (view) => view.pick(1, 1, 1),
  'a part of a part': (view) => view.lo(0, 1, 1).hi(2, 1, 3).transpose(2, 1, 0).step(-1),
};

suite('views', (test) => {
  const data = Float32Array.from({ length: 24 }, (_, i) => i * i);
  const theirs = () => ndarray(data.slice(), [2, 3, 4]);
  const ours = () => viewOf(data.slice(), [2, 3, 4]);

  for (const [name, way] of Object.entries(ways)) {
    test(`${name}: what ndarray gives`, () => {
      assert.equal(told(way(ours())), told(way(theirs())));
    });
  }

  test('elements are read and written where ndarray reads and writes them', () => {
    for (const view of [ours(), theirs()]) {
      const turned = view.transpose(2, 0, 1).lo(1, 1);
      assert.is(turned.get(2, 0, 1), data[1 * 12 + 1 * 4 + 3]);
      assert.is(turned.index(2, 0, 1), 19);
      turned.set(2, 0, 1, -5);
      assert.is(view.get(1, 1, 3), -5);
    }
    const scalar = viewOf(Int32Array.of(7), []);
    assert.equal([scalar.get(), scalar.dimension, scalar.size, scalar.dtype], [7, 0, 1, 'int32']);
    assert.is(viewOf([1, 2], [2]).dtype, 'array');
    assert.is(viewOf(new Uint8ClampedArray(2), [2]).dtype, ndarray(new Uint8ClampedArray(2), [2]).dtype);
    const generic = { get: (i: number) => 10 * i, set: () => {}, length: 3 };
    assert.is(viewOf(generic, [3]).get(2), 20);
    assert.equal(told(ours().T), told(ours().transpose()));
  });

  test('ndarray-ops takes them', () => {
    const sum = operations.sum(ours().transpose(1, 0, 2).hi(2));
    assert.is(sum, operations.sum(theirs().transpose(1, 0, 2).hi(2)));
    const copy = viewOf(new Float32Array(24), [2, 3, 4]);
    operations.assign(copy, ours());
    assert.equal(copy.data, data);
  });
});
