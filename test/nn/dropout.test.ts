import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import type { BackendName } from '../../src/engine/options.js';
import { dropout } from '../../src/nn/layers/dropout.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import { gradients } from '../../src/tensor/gradients.js';
import { input } from '../../src/tensor/leaves.js';
import { suite } from '../support/suite.js';
import { assertThrows, valuesOf, withEngine } from './support.js';

const rows = 40;
const columns = 500;
const count = rows * columns;

/** Output and gradient (of the sum) of one training step on ones. */
async function drop(
  backend: BackendName,
  model: Model,
  step: number,
): Promise<{ output: number[]; gradient: number[] }> {
  return withEngine({ backend }, async (engine) => {
    const compiled = engine.compile(
      ({ x, time }) => {
        const { output } = model.apply(x, { training: true, step: time });
        return { outputs: { output, gradient: gradients(output.sum(), [x])[0]! } };
      },
      { x: { shape: [rows, columns] }, time: { shape: [], dtype: 'int32' } },
    );
    const { output, gradient } = await compiled.run({ x: new Float32Array(count).fill(1), time: step });
    return { output: valuesOf(output), gradient: valuesOf(gradient) };
  });
}

suite('dropout', (test) => {
  for (const backend of ['reference', 'wasm'] as const) {
    test(`${backend}: drops its rate, keeps the expectation, and drops the same gradients`, async () => {
      const model = new Model(dropout(0.25), [columns]);
      const { output, gradient } = await drop(backend, model, 1);
      assert.ok(output.every((value) => value === 0 || value === Math.fround(4 / 3)));
      // five standard deviations of a binomial share
      const dropped = output.filter((value) => value === 0).length / count;
      assert.ok(Math.abs(dropped - 0.25) < 5 * Math.sqrt((0.25 * 0.75) / count), `dropped ${dropped}`);
      // the gradient is the mask with its factor, so it is the output of ones
      assert.equal(gradient, output);
    });
  }

  test('every backend drops the same elements', async () => {
    const model = new Model(dropout(0.5), [columns]);
    assert.equal((await drop('wasm', model, 3)).output, (await drop('reference', model, 3)).output);
  });

  test('every step, layer and seed drops others, the same step the same', async () => {
    const pair = new Model(sequential([dropout(0.5)]), [columns]);
    const first = (await drop('reference', pair, 1)).output;
    assert.equal(
      (await drop('reference', new Model(sequential([dropout(0.5)]), [columns]), 1)).output,
      first,
    );
    const others = [
      await drop('reference', pair, 2),
      await drop('reference', new Model(dropout(0.5), [columns]), 1),
      await drop('reference', new Model(sequential([dropout(0.5)]), [columns], 1), 1),
    ];
    for (const { output } of others) {
      const equal = output.filter((value, i) => value === first[i]).length / count;
      assert.ok(Math.abs(equal - 0.5) < 5 * Math.sqrt(0.25 / count), `${equal} of the elements are equal`);
    }
  });

  test('outside training and at rate 0 it is the identity', () => {
    const x = input('x', [rows, columns]);
    assert.is(new Model(dropout(0.5), [columns]).apply(x).output, x);
    assert.is(new Model(dropout(0), [columns]).apply(x, { training: true }).output, x);
  });

  test('a rate out of range is refused', () => {
    const message = (rate: unknown) => `dropout: rate must be at least 0 and below 1: ${rate}`;
    for (const rate of [1, -0.1, Number.NaN, '0.5x' as unknown as number]) {
      assertThrows(() => dropout(rate), UsageError, message(rate));
    }
  });
});
