import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import {
  type ClipOptions,
  checkClip,
  clipByNorm,
  clipByValue,
  clipGradients,
} from '../../src/optimizers/clipping.js';
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
    assertThrows(() => clipByNorm(tensors, 0), UsageError, 'clipByNorm: limit must be a number above 0: 0');
    assertThrows(
      () => clipByValue(tensors, -1),
      UsageError,
      'clipByValue: limit must be a number above 0: -1',
    );
    assertThrows(
      () => clipByNorm(tensors, Number.NaN),
      UsageError,
      'clipByNorm: limit must be a number above 0: NaN',
    );
  });

  test('clipGradients takes the limit as plain data', async () => {
    assert.equal(await read(clipGradients(tensors, { value: 3.5 })), await read(clipByValue(tensors, 3.5)));
    assert.equal(await read(clipGradients(tensors, { norm: 6.5 })), await read(clipByNorm(tensors, 6.5)));
    checkClip({ norm: 1 });
    checkClip({ value: 0.5, norm: undefined });
  });

  test('clipGradients takes one limit', () => {
    const refuse = (options: unknown, message: string) => {
      assertThrows(() => checkClip(options as ClipOptions), UsageError, message);
      assertThrows(() => clipGradients(tensors, options as ClipOptions), UsageError, message);
    };
    refuse({}, 'clip: takes either norm or value, not neither');
    refuse({ norm: 1, value: 1 }, 'clip: takes either norm or value, not norm and value');
    refuse({ size: 1 }, 'clip: takes either norm or value, not size');
    refuse({ norm: 0 }, 'clip: norm must be a number above 0: 0');
    refuse({ value: -1 }, 'clip: value must be a number above 0: -1');
  });

  test('the plan of a common norm: a sum per gradient, one scale, a map per gradient', async () => {
    await withEngine({ backend: 'wasm' }, async (engine) => {
      const { plan } = engine.compile(
        ({ a, b }) => {
          const [x, y] = clipGradients([a, b], { norm: 1 });
          return { outputs: { x: x!, y: y! } };
        },
        { a: { shape: [30, 20] }, b: { shape: [20] } },
      );
      assert.equal(
        plan.steps.map(({ kind }) => kind),
        ['reduce', 'reduce', 'map', 'map'],
      );
    });
  });
});
