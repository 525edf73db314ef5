import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import { clipByNorm, clipByValue } from '../../src/optimizers/clipping.js';
import { constant } from '../../src/tensor/leaves.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { assertClose, assertThrows, readFixture, valuesOf, withEngine } from '../nn/support.js';
import { suite } from '../support/suite.js';

const { about, clipping } = readFixture<{
  about: string;
  clipping: { gradients: number[][]; limit: number; clipped: number[][] };
}>('optimizers/fixtures/optimizers.json');

const tensors = clipping.gradients.map((gradient) => constant(Float32Array.from(gradient)));

const read = (results: readonly Tensor[]) =>
  withEngine({ backend: 'reference' }, async (engine) => {
    const values: number[][] = [];
    for (const result of results) values.push(valuesOf(await engine.read(result)));
    return values;
  });

suite('clipping', (test) => {
  test(`clipByNorm beside ${about}`, async () => {
    const clipped = await read(clipByNorm(tensors, clipping.limit));
    for (const [i, values] of clipped.entries()) {
      assertClose(`gradient ${i}`, values, clipping.clipped[i]!, 1e-6);
    }
  });

  test('clipByNorm leaves gradients within the limit as they are, zeros too', async () => {
    assert.equal(await read(clipByNorm(tensors, 14)), clipping.gradients);
    assert.equal(await read(clipByNorm([constant(new Float32Array(2))], 1)), [[0, 0]]);
    assert.equal(clipByNorm([], 1), []);
  });

  test('clipByValue limits every element', async () => {
    assert.equal(await read(clipByValue(tensors, 3.5)), [
      [3, -3.5, 0.5],
      [3.5, 0],
    ]);
  });

  test('a limit must be above 0', () => {
    assertThrows(() => clipByNorm(tensors, 0), UsageError, 'clipByNorm: limit must be above 0, not 0');
    assertThrows(() => clipByValue(tensors, -1), UsageError, 'clipByValue: limit must be above 0, not -1');
    assertThrows(
      () => clipByNorm(tensors, Number.NaN),
      UsageError,
      'clipByNorm: limit must be above 0, not NaN',
    );
  });
});
