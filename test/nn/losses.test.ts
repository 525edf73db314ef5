import * as assert from 'uvu/assert';
import type { HostArray } from '../../src/core/dtype.js';
import { ShapeError, UsageError } from '../../src/core/errors.js';
import { accuracy, type CrossEntropyOptions, crossEntropy, meanSquaredError } from '../../src/nn/losses.js';
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

interface Smoothed {
  readonly smoothing: number;
  readonly loss: number;
  readonly gradient: number[];
}

const smoothing = readFixture<{
  about: string;
  logits: number[][];
  indices: number[];
  soft: number[][];
  ofIndices: Smoothed[];
  ofSoft: Smoothed;
}>('nn/fixtures/smoothing.json');

suite(`label smoothing beside ${smoothing.about}`, (test) => {
  const rows = constant(Float32Array.from(smoothing.logits.flat()), [3, 4]);

  async function checkSmoothed(labels: Tensor, { smoothing: labelSmoothing, loss, gradient }: Smoothed) {
    for (const options of [{ backend: 'reference', precision: 'float64' }, { backend: 'wasm' }] as const) {
      await withEngine(options, async (engine) => {
        const value = crossEntropy(rows, labels, { labelSmoothing });
        const tolerance = options.backend === 'wasm' ? 1e-6 : 1e-7;
        assertClose('loss', valuesOf(await engine.read(value)), [loss], tolerance);
        assertClose(
          'gradient',
          valuesOf(await engine.read(gradients(value, [rows])[0]!)),
          gradient,
          tolerance,
        );
      });
    }
  }

  for (const one of smoothing.ofIndices) {
    test(`class numbers, ${one.smoothing}`, async () => {
      await checkSmoothed(constant(Uint8Array.from(smoothing.indices)), one);
      await checkSmoothed(constant(Int32Array.from(smoothing.indices)), one);
    });
  }

  test('a distribution', () =>
    checkSmoothed(constant(Float32Array.from(smoothing.soft.flat()), [3, 4]), smoothing.ofSoft));

  test('a class number outside the classes counts for nothing', async () => {
    await withEngine({ backend: 'reference' }, async (engine) => {
      const value = crossEntropy(rows, constant(Int32Array.of(4, -1, 255)), { labelSmoothing: 0.25 });
      assert.is((await engine.read(value)).get(), 0);
      assert.equal(valuesOf(await engine.read(gradients(value, [rows])[0]!)), new Array(12).fill(0));
    });
  });

  test('a class number outside the classes: the mean is still over the whole batch', async () => {
    await withEngine({ backend: 'reference' }, async (engine) => {
      const lossOf = async (...labels: number[]) =>
        (await engine.read(crossEntropy(rows, constant(Int32Array.from(labels))))).get();
      const [first, second, both] = [await lossOf(0, -1, 4), await lossOf(4, 1, 4), await lossOf(0, 1, 4)];
      assert.ok(first > 0 && second > 0);
      assert.ok(Math.abs(both - (first + second)) < 1e-6);
    });
  });

  test('without it the plan is that of plain class numbers; with it one map more', async () => {
    await withEngine({ backend: 'wasm' }, async (engine) => {
      const kinds = (options: CrossEntropyOptions) =>
        engine
          .compile(
            ({ x, labels }) => {
              const loss = crossEntropy(x, labels, options);
              return { outputs: { loss, gradient: gradients(loss, [x])[0]! } };
            },
            { x: { shape: [8, 10] }, labels: { shape: [8], dtype: 'int32' } },
          )
          .plan.steps.map(({ kind }) => kind);
      const plain = kinds({});
      assert.equal(kinds({ labelSmoothing: 0 }), plain);
      assert.equal(kinds({ labelSmoothing: 0.1 }).sort(), [...plain, 'map'].sort());
    });
  });
});

suite('losses', (test) => {
  test('a smoothing out of range is refused', () => {
    for (const labelSmoothing of [-0.1, 1, Number.NaN]) {
      assertThrows(
        () => crossEntropy(logits, input('labels', [4], 'int32'), { labelSmoothing }),
        UsageError,
        `crossEntropy: labelSmoothing must be at least 0 and below 1: ${labelSmoothing}`,
      );
    }
  });

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
