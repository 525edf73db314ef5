import * as assert from 'uvu/assert';
import { float32Of } from '../../src/core/dtype.js';
import { DtypeError } from '../../src/core/errors.js';
import { suite } from '../support/suite.js';

suite('core/dtype', (test) => {
  test('float32Of gives float32 values themselves and refuses all others by name', () => {
    const values = Float32Array.of(1, 2);
    assert.is(float32Of(values), values);
    for (const [data, what] of [
      [Int32Array.of(1), 'int32'],
      [undefined, 'undefined'],
      [[1, 2], 'object'],
    ] as const) {
      assert.throws(
        () => float32Of(data),
        (error: Error) =>
          error instanceof DtypeError && error.message === `float32 values are needed: ${what}`,
      );
    }
  });
});
