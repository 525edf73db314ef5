import * as assert from 'uvu/assert';
import { at, last, leading } from '../../src/core/lists.js';
import { suite } from '../support/suite.js';

function refuses(action: () => unknown, message: string): void {
  assert.throws(action, (error: unknown) => {
    assert.instance(error, RangeError);
    assert.is((error as RangeError).message, message);
    return true;
  });
}

suite('core/lists', (test) => {
  test('at and last give the element, 0 and NaN too', () => {
    assert.is(at([5, 0, 7], 1), 0);
    assert.ok(Number.isNaN(at(Float32Array.of(0.5, Number.NaN), 1)));
    assert.is(last(['a', 'b']), 'b');
    refuses(() => at([5, 6], 2), 'a list has no element 2: it has 2');
    refuses(() => at([5, 6], -1), 'a list has no element -1: it has 2');
    refuses(() => last([]), 'a list has no element -1: it has 0');
  });

  test('leading gives the list, which may be longer', () => {
    const shape = [2, 3, 4];
    assert.is(leading(shape, 2), shape);
    refuses(() => leading(shape, 5), 'a list has no element 4: it has 3');
  });
});
