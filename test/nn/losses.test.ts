import * as assert from 'uvu/assert';
import type { HostArray } from '../../src/core/dtype.js';
import { ShapeError } from '../../src/core/errors.js';
import { accuracy, crossEntropy, meanSquaredError } from '../../src/nn/losses.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant, input } from '../../src/tensor/leaves.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { suite } from '../support/suite.js';
import { assertClose, assertThrows, type Plain, readFixture, valuesOf, withEngine } from './support.js';

interface Loss {
  readonly labels: Plain;
  readonly loss: Plain;
  readonly gradient: Plain;
}

const { about, losses } = readFixture<{
  about: string;
  losses: {
    logits: Plain;
    indices: Loss;
    oneHot: Loss;
    soft: Loss;
    meanSquaredError: Loss;
    accuracy: Plain;
  };
}>('nn/fixtures/layers.json');

const logits = constant(Float32Array.from(losses.logits.data), losses.logits.shape);

async function check(
  f: (x: Tensor, labels: Tensor) => Tensor,
  { labels, loss, gradient }: Loss,
  data: HostArray,
) {
  for (const options of [{ backend: 'reference', precision: 'float64' }, { backend: 'wasm' }] as const) {
    await withEngine(options, async (engine) => {
      const value = f(logits, constant(data, labels.shape));
      const tolerance = options.backend === 'wasm' ? 1e-5 : 1e-6;
      assertClose('loss', valuesOf(await engine.read(value)), loss.data, tolerance);
      const made = await engine.read(gradients(value, [logits])[0]!);
      assert.equal(made.shape, gradient.shape);
      assertClose('gradient', valuesOf(made), gradient.data, tolerance);
    });
  }
}

suite(`losses beside ${about}`, (test) => {
  const { indices, oneHot, soft } = losses;
  test('crossEntropy of class numbers, int32', () =>
    check(crossEntropy, indices, Int32Array.from(indices.labels.data)));
  test('crossEntropy of class numbers, uint8', () =>
    check(crossEntropy, indices, Uint8Array.from(indices.labels.data)));
  test('crossEntropy of one-hot labels', () =>
    check(crossEntropy, oneHot, Float32Array.from(oneHot.labels.data)));
  test('crossEntropy of soft labels', () => check(crossEntropy, soft, Float32Array.from(soft.labels.data)));
  test('meanSquaredError', () =>
    check(meanSquaredError, losses.meanSquaredError, Float32Array.from(losses.meanSquaredError.labels.data)));

  test('accuracy of class numbers and of one-hot labels', async () => {
    await withEngine({ backend: 'reference' }, async (engine) => {
      const of = async (data: HostArray, shape: number[]) =>
        (await engine.read(accuracy(logits, constant(data, shape)))).get();
      const { shape, data } = indices.labels;
      assert.is(await of(Uint8Array.from(data), shape), losses.accuracy.data[0]);
      assert.is(await of(Int32Array.from(data), shape), losses.accuracy.data[0]);
      assert.is(
        await of(Float32Array.from(oneHot.labels.data), oneHot.labels.shape),
        losses.accuracy.data[0],
      );
    });
  });
});

suite('losses', (test) => {
  test('accuracy gives ties to the first class', async () => {
    await withEngine({ backend: 'reference' }, async (engine) => {
      const rows = constant(Float32Array.of(1, 1, 0, 0, 2, 2), [2, 3]);
      assert.is((await engine.read(accuracy(rows, constant(Int32Array.of(0, 2))))).get(), 0.5);
    });
  });

  test('shapes that do not belong together are refused', () => {
    const images = input('images', [8, 7, 7, 10]);
    const row = input('row', [8]);
    const column = input('column', [8, 1]);
    assertThrows(
      () => crossEntropy(images, row),
      ShapeError,
      'crossEntropy: logits must be [batch, classes]: [8, 7, 7, 10] (images) (4 axes)\n' +
        '  flatten() before the last dense layer makes one row per image.',
    );
    assertThrows(
      () => accuracy(images, row),
      ShapeError,
      'accuracy: logits must be [batch, classes]: [8, 7, 7, 10] (images) (4 axes)\n' +
        '  flatten() before the last dense layer makes one row per image.',
    );
    assertThrows(
      () => meanSquaredError(column, row),
      ShapeError,
      'meanSquaredError: shapes differ: [8, 1] (column) and [8] (row)',
    );
    assertThrows(
      () => accuracy(input('logits', [8, 10]), input('labels', [9], 'int32')),
      ShapeError,
      'accuracy: logits [8, 10] (logits) and labels [9] (labels) do not belong together',
    );
  });
});
