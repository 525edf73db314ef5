import ndarray from 'ndarray';
import * as assert from 'uvu/assert';
import { GradientError } from '../../src/core/errors.js';
import { call } from '../../src/core/expression.js';
import { checkGradients } from '../../src/engine/checkGradients.js';
import { gradients } from '../../src/tensor/gradients.js';
import { matmul } from '../../src/tensor/ops/matmul.js';
import { definePointwise, multiply, tanh } from '../../src/tensor/ops/pointwise.js';
import { mean, sum } from '../../src/tensor/ops/reduce.js';
import { rejects } from '../support/messages.js';
import { suite } from '../support/suite.js';

/** x³, whose gradient is right only when `factor` is 3. */
const cube = (factor: number) =>
  definePointwise('cube', {
    value: ([x]) => call('multiply', x!, call('multiply', x!, x!)),
    backward: ([x], _y, g) => [multiply(g, multiply(multiply(x!, x!), factor))],
  });

const point = { data: [0.5, -1, 2], shape: [3] };

suite('checkGradients', (test) => {
  test('the example of its description', async () => {
    const worst = await checkGradients(
      (x, w) => mean(tanh(matmul(x, w))),
      [
        { data: [1, 2, 3, 4, 5, 6], shape: [2, 3] },
        { data: [0.1, -0.2, 0.3], shape: [3, 1] },
      ],
    );
    assert.ok(worst.relativeError < 1e-6);
    assert.ok(Math.abs(worst.analytic) > 1e-3);
  });

  test('a result that is no scalar, an ndarray, a gradient of a gradient', async () => {
    await checkGradients(cube(3), [point]);
    await checkGradients(cube(3), [ndarray(Float32Array.of(1, 4, 2, 5, 3, 6), [3, 2]).transpose(1, 0)]);
    await checkGradients((x) => gradients(sum(cube(3)(x)), [x])[0]!, [point]);
  });

  test('a wrong gradient is told with its input and both numbers', async () => {
    const f = cube(2.9);
    const error = await checkGradients((a, b) => sum(a.add(f(b))), [point, point]).catch((thrown) => thrown);
    assert.instance(error, GradientError);
    const told =
      /^checkGradients: the gradient in input 1 \[3\] is wrong: (\S+) along a direction, where differences give (\S+) \(relative error (\S+)\)\n {2}Or the function has a kink/.exec(
        error.message,
      );
    assert.ok(told, error.message);
    const [analytic, numeric, relative] = told.slice(1).map(Number) as [number, number, number];
    assert.ok(Math.abs(analytic / numeric - 2.9 / 3) < 1e-4);
    assert.ok(Math.abs(relative - 0.1 / 3) < 1e-4);
  });

  test('a gradient that is NaN is wrong', async () => {
    const nothing = definePointwise('nothing', {
      value: ([x]) => x!,
      backward: (_x, _y, g) => [g.subtract(1).log().log()],
    });
    const error = await checkGradients(nothing, [point]).catch((thrown) => thrown);
    assert.instance(error, GradientError);
    assert.match(error.message, /is wrong: NaN along a direction/);
  });

  test('a looser tolerance passes what a tight one does not', async () => {
    const f = cube(3.0001);
    const worst = await checkGradients(f, [point], { tolerance: 1e-3, directions: 5, seed: 3 });
    assert.ok(worst.relativeError > 1e-5);
  });

  test('nothing to check, and data that do not fill their shape', async () => {
    await rejects(
      () => checkGradients(cube(3), []),
      GradientError,
      'checkGradients: nothing to check: 0 inputs and 2 directions',
    );
    await rejects(
      () => checkGradients(cube(3), [point], { directions: 0 }),
      GradientError,
      'checkGradients: nothing to check: 1 inputs and 0 directions',
    );
    await rejects(
      () => checkGradients(cube(3), [{ data: [1, 2], shape: [3] }]),
      GradientError,
      'checkGradients: input 0 has 2 elements, its shape [3] 3',
    );
  });
});
