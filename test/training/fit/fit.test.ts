import * as assert from 'uvu/assert';
import { permutation } from '../../../src/data/batches.js';
import { type Dataset, splitDataset, take } from '../../../src/data/dataset.js';
import { layer } from '../../../src/nn/layer.js';
import { relu } from '../../../src/nn/layers/activations.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { Model } from '../../../src/nn/model.js';
import { sequential } from '../../../src/nn/sequential.js';
import { adam } from '../../../src/optimizers/adam.js';
import { constantRate, cosineDecay } from '../../../src/optimizers/schedules.js';
import { sgd } from '../../../src/optimizers/sgd.js';
import { fit } from '../../../src/training/fit/fit.js';
import type { FitOptions, FitProgress } from '../../../src/training/fit/options.js';
import { rejects } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { fixture, perceptron, tinyDataset, withEngine } from '../support.js';

const options = {
  optimizer: adam({ learningRate: 0.01 }),
  epochs: 2,
  batchSize: 48,
  seed: 1,
} satisfies FitOptions;

/** The rate is 0: nothing is learned, so every step sees the same weights. */
const still = { ...constantRate(), factor: () => 0 };

/**
 * One epoch of gradient descent on softmax([x, 1] · weights) in plain numbers, after the definition:
 * ∂loss/∂logits = (softmax − one-hot) / batch.
 */
function regression(
  { images, labels, count }: Dataset,
  { batchSize, rate, mean, deviation }: Record<'batchSize' | 'rate' | 'mean' | 'deviation', number>,
  initial: number[][],
): number[][] {
  const order = permutation(count, 3, 1);
  let weights = initial;
  for (let start = 0; start < count; start += batchSize) {
    const batch = [...order.subarray(start, start + batchSize)];
    const slopes = batch.map((image) => {
      const pixels = [...images.subarray(image * 4, image * 4 + 4)];
      const x = [...pixels.map((pixel) => (pixel / 255 - mean) / deviation), 1];
      const powers = [0, 1].map((j) =>
        Math.exp(x.reduce((sum, value, i) => sum + value * weights[i]![j]!, 0)),
      );
      const total = powers[0]! + powers[1]!;
      const logitSlopes = powers.map(
        (power, j) => (power / total - Number(labels[image] === j)) / batch.length,
      );
      return x.map((value) => logitSlopes.map((slope) => slope * value));
    });
    weights = weights.map((row, i) =>
      row.map((weight, j) => weight - rate * slopes.reduce((sum, slope) => sum + slope[i]![j]!, 0)),
    );
  }
  return weights;
}

suite('fit', (test) => {
  test('learns the fixture, and tells how', () =>
    withEngine(async (engine) => {
      const epochs: number[] = [];
      const run = await fit(engine, perceptron(), fixture.train, {
        ...options,
        epochs: 8,
        schedule: cosineDecay(),
        onEpoch: async ({ epoch }) => void epochs.push(epoch),
      });
      assert.equal(epochs, [1, 2, 3, 4, 5, 6, 7, 8]);
      assert.is(run.history.length, 8);
      assert.is(run.steps, 8 * 6);
      assert.not(run.interrupted);
      const [first, last] = [run.history[0]!, run.history[7]!];
      assert.ok(last.loss < first.loss / 3, `${first.loss} to ${last.loss}`);
      assert.is(first.learningRate, 0.01 * cosineDecay().factor(5, 48));
      assert.is(last.learningRate, 0.01 * cosineDecay().factor(47, 48));
      assert.ok(first.seconds > 0);
      assert.is(first.imagesPerSecond, 256 / first.seconds);
      assert.is(first.validationLoss, undefined);
      const { accuracy } = await run.evaluate(fixture.test);
      assert.ok(accuracy > 0.9, `test accuracy ${accuracy}`);
    }));

  test('the steps of a softmax regression, the ragged last one too', () =>
    withEngine(async (engine) => {
      const dataset = tinyDataset(7);
      const model = new Model(sequential([flatten(), dense(2)]), [2, 2, 1], 5);
      const start = (await engine.read(model.parameters[0]!)).data as Float32Array;
      const rows = [0, 2, 4, 6].map((i) => [...start.subarray(i, i + 2)]);
      const conditions = { batchSize: 3, rate: 0.5, mean: 0.4, deviation: 0.3 };
      const run = await fit(engine, model, dataset, {
        optimizer: sgd({ learningRate: 0.5 }),
        epochs: 1,
        batchSize: 3,
        seed: 3,
        normalization: { mean: 0.4, deviation: 0.3 },
      });
      const expected = regression(dataset, conditions, [...rows, [0, 0]]).flat();
      const weights = await run.weights();
      const found = ['layers.1.kernel', 'layers.1.bias'].flatMap((name) => [...weights.get(name)!]);
      assert.is(found.length, expected.length);
      found.forEach((value, i) => {
        assert.ok(Math.abs(value - expected[i]!) < 1e-5, `weight ${i}: ${value} and ${expected[i]}`);
      });
      assert.is(run.model, model);
      assert.is(run.steps, 3);
    }));

  test('overfits 32 images', () =>
    withEngine(async (engine) => {
      const run = await fit(
        engine,
        sequential([flatten(), dense(32), relu(), dense(10)]),
        take(fixture.train, 32),
        {
          optimizer: adam({ learningRate: 0.01 }),
          epochs: 60,
          batchSize: 32,
        },
      );
      const { loss } = run.history.at(-1)!;
      assert.ok(loss < 0.01, `loss ${loss}`);
    }));

  test('an epoch counts examples, not batches', () =>
    withEngine(async (engine) => {
      const dataset = tinyDataset(7);
      const run = await fit(engine, sequential([flatten(), dense(2)]), dataset, {
        optimizer: sgd(),
        schedule: still,
        epochs: 1,
        batchSize: 5,
        seed: 2,
      });
      const { loss, accuracy, count } = await run.evaluate(dataset);
      const [record] = run.history;
      assert.is(count, 7);
      assert.is(record!.accuracy, accuracy);
      assert.ok(Math.abs(record!.loss - loss) < 1e-6);
    }));

  test('the same seed gives the same bytes, another seed others', async () => {
    const hashes: string[] = [];
    for (const seed of [1, 1, 2]) {
      await withEngine(async (engine) => {
        const run = await fit(engine, perceptron(), fixture.train, { ...options, seed });
        hashes.push(await run.weightsSha256());
      });
    }
    assert.is(hashes[0], hashes[1]);
    assert.is.not(hashes[0], hashes[2]);
    assert.match(hashes[0]!, /^[0-9a-f]{64}$/);
  });

  test('grouping of steps changes nothing', async () => {
    const results: unknown[] = [];
    for (const stepsPerRun of [1, 4, 100, undefined]) {
      await withEngine(async (engine) => {
        const run = await fit(engine, perceptron(), fixture.train, { ...options, stepsPerRun });
        results.push([await run.weightsSha256(), run.history.map(({ loss, accuracy }) => [loss, accuracy])]);
      });
    }
    for (const result of results.slice(1)) assert.equal(result, results[0]);
  });

  test('a fraction is held out of the training images', () =>
    withEngine(async (engine) => {
      const run = await fit(engine, perceptron(), fixture.train, { ...options, validation: 0.25 });
      const { train, validation } = splitDataset(fixture.train, 0.25, options.seed);
      assert.equal(run.train, train);
      const { loss, accuracy } = await run.evaluate(validation);
      assert.is(run.history[1]!.validationLoss, loss);
      assert.is(run.history[1]!.validationAccuracy, accuracy);
      assert.is(run.steps, 2 * 4);
    }));

  test('a dataset to validate with', () =>
    withEngine(async (engine) => {
      const validation = take(fixture.test, 20);
      const run = await fit(engine, perceptron(), fixture.train, { ...options, epochs: 1, validation });
      assert.is(run.train, fixture.train);
      assert.is(run.history[0]!.validationAccuracy, (await run.evaluate(validation)).accuracy);
    }));

  test('progress within the epochs', () =>
    withEngine(async (engine) => {
      const seen: FitProgress[] = [];
      await fit(engine, perceptron(), fixture.train, {
        ...options,
        stepsPerRun: 2,
        onProgress: (progress) => void seen.push(progress),
      });
      assert.equal(
        seen.map(({ epoch, step }) => `${epoch}:${step}`),
        ['1:2', '1:4', '1:5', '1:6', '2:2', '2:4', '2:5', '2:6'],
      );
      assert.ok(seen.every(({ epochs, steps }) => epochs === 2 && steps === 6));
      assert.ok(seen.every(({ loss, accuracy }) => loss > 0 && accuracy >= 0 && accuracy <= 1));
      assert.ok(seen[0]!.secondsLeft > 0);
      assert.is(seen.at(-1)!.secondsLeft, 0);
    }));

  test('values that a layer updates are part of the model', () =>
    withEngine(async (engine) => {
      const counting = layer('counting', {}, (x, context) => {
        const count = context.state('count', [], 0);
        if (context.training) context.update(count, count.add(1));
        return x;
      });
      const run = await fit(engine, sequential([flatten(), counting, dense(10)]), fixture.train, options);
      const weights = await run.weights();
      assert.equal([...weights.keys()], ['layers.2.kernel', 'layers.2.bias', 'layers.1.count']);
      assert.equal(weights.get('layers.1.count'), Float32Array.of(12));
    }));

  test('a model goes on from the weights that it has', () =>
    withEngine(async (engine) => {
      const model = new Model(perceptron(), [28, 28, 1], 4);
      const first = await fit(engine, model, fixture.train, options);
      const before = await first.evaluate(fixture.train);
      const second = await fit(engine, model, fixture.train, { ...options, epochs: 1 });
      const after = await second.evaluate(fixture.train);
      assert.ok(after.loss < before.loss, `${before.loss} to ${after.loss}`);
    }));
});

suite('fit, interrupted', (test) => {
  test('ends at a step boundary and gives what there is', () =>
    withEngine(async (engine) => {
      const controller = new AbortController();
      const run = await fit(engine, perceptron(), fixture.train, {
        ...options,
        stepsPerRun: 1,
        signal: controller.signal,
        onProgress: ({ epoch, step }) => {
          if (epoch === 2 && step === 3) controller.abort();
        },
      });
      assert.ok(run.interrupted);
      assert.is(run.steps, 9);
      assert.is(run.history.length, 1);
      assert.is((await run.evaluate(fixture.test)).count, 64);
    }));

  test('in the middle of a group of steps', () =>
    withEngine(async (engine) => {
      const controller = new AbortController();
      const signal = controller.signal;
      const running = fit(engine, perceptron(), fixture.train, {
        ...options,
        epochs: 50,
        batchSize: 1,
        stepsPerRun: 256,
        signal,
        onProgress: () => void setTimeout(() => controller.abort(), 20),
      });
      const run = await running;
      assert.ok(run.interrupted);
      assert.ok(run.steps > 256 && run.steps < 50 * 256, `${run.steps} steps`);
    }));

  test('before it began, and during validation', () =>
    withEngine(async (engine) => {
      const before = await fit(engine, perceptron(), fixture.train, {
        ...options,
        signal: AbortSignal.abort(),
      });
      assert.ok(before.interrupted);
      assert.is(before.steps, 0);
      const controller = new AbortController();
      const during = await fit(engine, perceptron(), fixture.train, {
        ...options,
        validation: 0.5,
        signal: controller.signal,
        onProgress: ({ step, steps }) => {
          if (step === steps) controller.abort();
        },
      });
      assert.ok(during.interrupted);
      assert.is(during.steps, 3);
      assert.is(during.history.length, 0);
    }));

  test('other errors pass through', () =>
    withEngine(async (engine) => {
      const onEpoch = () => {
        throw new Error('mine');
      };
      await rejects(fit(engine, perceptron(), fixture.train, { ...options, onEpoch }), Error, /^mine$/);
    }));
});
