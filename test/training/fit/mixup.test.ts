import * as assert from 'uvu/assert';
import { UsageError } from '../../../src/core/errors.js';
import { mixupRatio } from '../../../src/data/augment/mixup.js';
import { permutation } from '../../../src/data/batches.js';
import { openEngine } from '../../../src/engine/engine.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { Model } from '../../../src/nn/model.js';
import { sequential } from '../../../src/nn/sequential.js';
import { sgd } from '../../../src/optimizers/sgd.js';
import { constant } from '../../../src/tensor/leaves.js';
import { fit } from '../../../src/training/fit/fit.js';
import { partners } from '../../../src/training/mixup.js';
import { rejects } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { tinyDataset, withEngine } from '../support.js';

const dataset = tinyDataset(7);
const batchSize = 3;
const seed = 3;
const rate = 0.5;

/**
 * One epoch of gradient descent on softmax([x, 1] · weights) in plain numbers, after the definitions: images and one-hot
 * labels are blended with those of the next example of the batch, then labels are smoothed.
 */
function regression(initial: readonly number[][], alpha: number, smoothing: number): number[][] {
  const order = permutation(dataset.count, seed, 1);
  let weights = initial.map((row) => [...row]);
  for (let start = 0, step = 0; start < dataset.count; start += batchSize, step++) {
    const batch = [...order.subarray(start, start + batchSize)];
    const drawn = alpha === 0 ? 1 : mixupRatio(seed, step, alpha);
    const ratio = Math.max(drawn, 1 - drawn);
    const examples = batch.map((image) => ({
      x: [...dataset.images.subarray(image * 4, image * 4 + 4)].map((pixel) => pixel / 255),
      y: [0, 1].map((label) => Number(dataset.labels[image] === label)),
    }));
    const blended = examples.map(({ x, y }, i) => {
      const other = examples[(i + 1) % examples.length]!;
      const blend = (a: number[], b: number[]) => a.map((value, j) => ratio * value + (1 - ratio) * b[j]!);
      return { x: [...blend(x, other.x), 1], y: blend(y, other.y) };
    });
    const slopes = blended.map(({ x, y }) => {
      const powers = [0, 1].map((j) =>
        Math.exp(x.reduce((sum, value, i) => sum + value * weights[i]![j]!, 0)),
      );
      const total = powers[0]! + powers[1]!;
      const target = y.map((value) => value * (1 - smoothing) + smoothing / 2);
      return x.map((value) =>
        powers.map((power, j) => ((power / total - target[j]!) * value) / batch.length),
      );
    });
    weights = weights.map((row, i) =>
      row.map((weight, j) => weight - rate * slopes.reduce((sum, slope) => sum + slope[i]![j]!, 0)),
    );
  }
  return weights;
}

suite('mixup and label smoothing', (test) => {
  for (const [mixup, labelSmoothing] of [
    [0, 0.2],
    [0.4, 0],
    [1, 0.1],
  ] as const) {
    test(`mixup ${mixup}, smoothing ${labelSmoothing}: the steps of a softmax regression`, () =>
      withEngine(async (engine) => {
        const model = new Model(sequential([flatten(), dense(2)]), dataset.shape, 5);
        const start = (await engine.read(model.parameters[0]!)).data as Float32Array;
        const initial = [0, 2, 4, 6].map((i) => [...start.subarray(i, i + 2)]);
        const run = await fit(engine, model, dataset, {
          optimizer: sgd({ learningRate: rate }),
          epochs: 1,
          batchSize,
          seed,
          mixup,
          labelSmoothing,
        });
        const expected = regression([...initial, [0, 0]], mixup, labelSmoothing).flat();
        const weights = await run.weights();
        const found = ['layers.1.kernel', 'layers.1.bias'].flatMap((name) => [...weights.get(name)!]);
        assert.is(found.length, expected.length);
        found.forEach((value, i) => {
          assert.ok(Math.abs(value - expected[i]!) < 1e-5, `weight ${i}: ${value} and ${expected[i]}`);
        });
      }));
  }

  test('every entry has the next for its partner, the last the first', async () => {
    await using engine = await openEngine({ backend: 'reference' });
    const batch = constant(Uint8Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    assert.equal([...((await engine.read(partners(batch))).data as Uint8Array)], [3, 4, 5, 6, 1, 2]);
    const one = constant(Uint8Array.of(1, 2), [1, 2]);
    assert.equal([...((await engine.read(partners(one))).data as Uint8Array)], [1, 2]);
  });

  test('out of range', () =>
    withEngine(async (engine) => {
      const options = { optimizer: sgd(), epochs: 1 };
      const refuse = (changes: object, message: RegExp) =>
        rejects(
          fit(engine, sequential([flatten(), dense(2)]), dataset, { ...options, ...changes }),
          UsageError,
          message,
        );
      await refuse({ mixup: -1 }, /^fit: mixup must be a number of at least 0: -1$/);
      await refuse({ labelSmoothing: 1 }, /^fit: labelSmoothing must be at least 0 and below 1: 1$/);
      await refuse({ weightAveraging: 1 }, /^fit: weightAveraging must be at least 0 and below 1: 1$/);
      await refuse({ residentBytes: -1 }, /^fit: residentBytes must be a number of at least 0: -1$/);
      await refuse({ timeLimit: 0 }, /^fit: timeLimit must be a number above 0: 0$/);
      await refuse({ clip: { norm: 0 } }, /^clip: norm must be a number above 0: 0$/);
      await refuse({ clip: {} }, /^clip: takes either norm or value, not neither$/);
    }));
});
