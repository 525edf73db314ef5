import * as assert from 'uvu/assert';
import { ShapeError, TrainingError, UsageError } from '../../src/core/errors.js';
import { permutation } from '../../src/data/batches.js';
import { select, take } from '../../src/data/dataset.js';
import { batchNorm } from '../../src/nn/layers/batchNorm.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import { adam } from '../../src/optimizers/adam.js';
import { sgd } from '../../src/optimizers/sgd.js';
import { readWeights } from '../../src/training/files/weights.js';
import { fit } from '../../src/training/fit/fit.js';
import { evaluate } from '../../src/training/inference/inference.js';
import { analyzeRates, type RatePoint } from '../../src/training/rateFinder/analysis.js';
import { findLearningRate, type RateFinderOptions } from '../../src/training/rateFinder/rateFinder.js';
import { assertClose } from '../nn/support.js';
import { rejects } from '../support/messages.js';
import { suite } from '../support/suite.js';
import { fixture, perceptron, tinyDataset, withEngine, withWasm } from './support.js';

const { train } = fixture;
const linear = () => sequential([flatten(), dense(10)]);

suite('findLearningRate', (test) => {
  test('rates grow by the same factor, from the first to the last', () =>
    withWasm(1, async (engine) => {
      const seen: number[] = [];
      const { points, diverged } = await findLearningRate(engine, linear(), train, {
        optimizer: sgd(),
        batchSize: 32,
        from: 1e-6,
        to: 1e-4,
        steps: 21,
        onProgress: (done, steps) => seen.push(done / steps),
      });
      assert.not(diverged);
      assertClose(
        'rates',
        points.map(({ learningRate }) => learningRate * 1e6),
        Array.from({ length: 21 }, (_, i) => 10 ** (i / 10)),
        1e-12,
      );
      assert.equal(
        seen,
        Array.from({ length: 21 }, (_, i) => (i + 1) / 21),
      );
    }));

  test('the first loss is that of the first batch, before any step', () =>
    withWasm(1, async (engine) => {
      const model = new Model(linear(), train.shape, 3);
      const { points } = await findLearningRate(engine, linear(), train, {
        optimizer: sgd(),
        batchSize: 64,
        seed: 3,
      });
      const batch = select(train, permutation(train.count, 3, 1).subarray(0, 64));
      assertClose('loss', [points[0]!.loss], [(await evaluate(engine, model, batch)).loss], 1e-5);
    }));

  test('it suggests a rate with which the training works, and ends where the loss runs away', () =>
    withWasm(1, async (engine) => {
      const options = { optimizer: sgd(), batchSize: 64 };
      const { points, suggestion, lowest, diverged } = await findLearningRate(engine, linear(), train, {
        ...options,
        to: 1000,
      });
      assert.ok(diverged);
      assert.ok(points.length < 200);
      assert.ok(suggestion! > 1e-3 && suggestion! < lowest!, `${suggestion} and ${lowest}`);
      const run = await fit(engine, linear(), train, { ...options, optimizer: sgd(suggestion!), epochs: 4 });
      assert.ok(run.history.at(-1)!.loss < 0.7 * points[0]!.loss);
    }));

  test('the same seed gives the same losses, another gives others', () =>
    withWasm(2, async (engine) => {
      const search = (seed: number) =>
        findLearningRate(engine, perceptron(), train, { optimizer: adam(), batchSize: 32, steps: 20, seed });
      const once = await search(1);
      assert.equal(await search(1), once);
      assert.not.equal((await search(2)).points, once.points);
    }));

  test('a model that is given keeps its weights and statistics; the search starts from copies of them', () =>
    withWasm(1, async (engine) => {
      const model = new Model(sequential([flatten(), batchNorm(), dense(10)]), train.shape);
      const options = { optimizer: adam(), batchSize: 64 };
      await fit(engine, model, train, { ...options, epochs: 3 });
      const before = await readWeights(engine, model);
      const search = await findLearningRate(engine, model, train, { ...options, steps: 60 });
      assert.equal(await readWeights(engine, model), before);
      const fresh = await findLearningRate(engine, model.layer, train, { ...options, steps: 60 });
      assert.ok(search.points[0]!.loss < 0.7 * fresh.points[0]!.loss);
    }));

  test('a dataset smaller than a batch is one batch', () =>
    withWasm(1, async (engine) => {
      const { points } = await findLearningRate(engine, linear(), take(train, 20), {
        optimizer: sgd(),
        from: 1e-12,
        to: 1e-11,
        steps: 20,
      });
      for (const { loss } of points) assertClose('loss', [loss], [points[0]!.loss], 1e-4);
    }));

  test('label smoothing and clipping are part of it', () =>
    withWasm(1, async (engine) => {
      const search = (options: Partial<RateFinderOptions>) =>
        findLearningRate(engine, linear(), train, { optimizer: sgd(), batchSize: 64, steps: 40, ...options });
      const plain = await search({});
      const smoothed = await search({ labelSmoothing: 0.5 });
      assert.not(plain.points[0]!.loss === smoothed.points[0]!.loss);
      const clipped = await search({ clip: { norm: 1e-6 } });
      assert.is(plain.points[0]!.loss, clipped.points[0]!.loss);
      assert.ok(plain.suggestion !== null);
      assert.is(clipped.suggestion, null);
    }));

  test('a signal ends it', () =>
    withEngine(async (engine) => {
      const controller = new AbortController();
      const reason = new Error('enough');
      let steps = 0;
      const search = findLearningRate(engine, linear(), train, {
        optimizer: sgd(),
        batchSize: 4,
        signal: controller.signal,
        onProgress: () => {
          if (++steps === 3) controller.abort(reason);
        },
      });
      await search.then(
        () => assert.unreachable(),
        (error: unknown) => assert.is(error, reason),
      );
      assert.is(steps, 3);
    }));

  test('what is wrong is refused', () =>
    withEngine(async (engine) => {
      const refuse = (options: Partial<RateFinderOptions>, message: string) =>
        rejects(
          () => findLearningRate(engine, linear(), train, { optimizer: sgd(), ...options }),
          UsageError,
          message,
        );
      const named = (options: object, message: string) =>
        refuse(options as Partial<RateFinderOptions>, message);
      await named(
        { batch_size: 3 },
        "findLearningRate: there is no option 'batch_size'\n  Its name here is batchSize.",
      );
      await named({ max_lr: 3 }, "findLearningRate: there is no option 'max_lr'\n  Its name here is to.");
      await named({ epochs: 3 }, "findLearningRate: there is no option 'epochs'\n  Its name here is steps.");
      await refuse({ from: 0 }, 'findLearningRate: from must be a number above 0: 0');
      await refuse({ to: -1 }, 'findLearningRate: to must be a number above 0: -1');
      await refuse({ from: 1, to: 1 }, 'findLearningRate: to must be above from: from 1 to 1');
      await refuse({ steps: 19 }, 'findLearningRate: steps must be a whole number of at least 20: 19');
      await refuse(
        { batchSize: 0.5 },
        'findLearningRate: batchSize must be a whole number of at least 1: 0.5',
      );
      await rejects(
        () => findLearningRate(engine, linear(), tinyDataset(0), { optimizer: sgd() }),
        UsageError,
        'findLearningRate: there is nothing to train on: tiny has 0 images',
      );
      await rejects(
        () => findLearningRate(engine, new Model(linear(), [3, 3, 1]), train, { optimizer: sgd() }),
        ShapeError,
        'findLearningRate: the model takes images of [3, 3, 1], these are [28, 28, 1]',
      );
      const broken = new Model(linear(), train.shape);
      for (const leaf of broken.parameters)
        await engine.write(leaf, new Float32Array(leaf.size).fill(Number.NaN));
      await rejects(
        () => findLearningRate(engine, broken, train, { optimizer: sgd() }),
        TrainingError,
        'findLearningRate: the first loss is not a finite number\n' +
          '  The weights or the images are at fault: no learning rate has had an effect yet.',
      );
    }));
});

/** 101 points over five decades; the loss falls fastest at the middle one, 10^-2.5. */
const curve = (after: (loss: number, i: number) => number = (loss) => loss): RatePoint[] =>
  Array.from({ length: 101 }, (_, i) => ({
    learningRate: 10 ** (i / 20 - 5),
    loss: after(2 - Math.tanh((i - 50) / 10), i),
  }));

suite('analyzeRates', (test) => {
  test('the suggestion is where the loss falls fastest', () => {
    const { suggestion, lowest, points } = analyzeRates(curve());
    assert.is(suggestion, 10 ** -2.5);
    assert.is(lowest, 1);
    // symmetric weights leave the middle of an odd curve where it is
    assertClose('smoothed', [points[50]!.smoothed], [2], 1e-6);
  });

  test('a loss that runs away afterwards moves it by no more than two steps', () => {
    const { suggestion, lowest, points } = analyzeRates(curve((loss, i) => (i > 80 ? 1e9 : loss)));
    assert.ok(Math.abs(Math.log10(suggestion!) + 2.5) < 0.11, `${suggestion}`);
    assert.ok(lowest! > suggestion! && lowest! < 10 ** -0.9, `${lowest}`);
    assert.ok(Math.max(...points.map(({ smoothed }) => smoothed)) <= 3);
  });

  test('noise does not move it far', () => {
    const { suggestion } = analyzeRates(curve((loss, i) => loss + 0.2 * (((i * 37) % 11) / 5 - 1)));
    assert.ok(Math.abs(Math.log10(suggestion!) + 2.5) < 0.21, `${suggestion}`);
  });

  test('where nothing falls there is nothing to suggest', () => {
    const none = (points: RatePoint[]) => {
      const { suggestion, lowest } = analyzeRates(points);
      assert.equal([suggestion, lowest], [null, null]);
    };
    none(curve(() => 2));
    none(curve((_, i) => 2 + i));
    none(curve((loss) => 100 + loss));
    none(curve().slice(0, 1));
  });
});
