import * as assert from 'uvu/assert';
import { TrainingError } from '../../../src/core/errors.js';
import { permutation } from '../../../src/data/batches.js';
import { type Dataset, select } from '../../../src/data/dataset.js';
import type { Engine } from '../../../src/engine/engine.js';
import { type Layer, layer } from '../../../src/nn/layer.js';
import { relu } from '../../../src/nn/layers/activations.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { Model } from '../../../src/nn/model.js';
import { sequential } from '../../../src/nn/sequential.js';
import { adam } from '../../../src/optimizers/adam.js';
import { sgd } from '../../../src/optimizers/sgd.js';
import { fit } from '../../../src/training/fit/fit.js';
import type { NonFinite } from '../../../src/training/fit/nonFinite.js';
import type { FitOptions } from '../../../src/training/fit/options.js';
import { rejects } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { fixture, tinyDataset, withEngine, withWasm } from '../support.js';

const options = {
  optimizer: adam({ learningRate: 0.01 }),
  epochs: 2,
  batchSize: 48,
  seed: 1,
} satisfies FitOptions;

const network = (...middle: Layer[]) => sequential([flatten(), dense(16), ...middle, dense(10)]);

/** Trains, expects the error and gives what was found. */
async function failing(
  engine: Engine,
  layers: Layer | Model,
  changes: Partial<FitOptions>,
  message: RegExp,
  train: Dataset = fixture.train,
): Promise<NonFinite> {
  let found: NonFinite | undefined;
  const onNonFinite = async (one: NonFinite) => {
    found = one;
    return undefined;
  };
  await rejects(
    fit(engine, layers, train, { ...options, ...changes, onNonFinite }),
    TrainingError,
    new RegExp(
      `^fit: a number is not finite ${message.source}\n {2}A lower learning rate is the usual cure, or gradients that are clipped: clip: \\{ norm: 1 \\}\\.$`,
    ),
  );
  return found!;
}

const overflow = /in step 2 of epoch 1: layers\.3: matmul \[48, 10\] gives 480 of 480 that are not/;

suite('numbers that are not finite', (test) => {
  test('a learning rate that is far too high: the step that overflows, however steps are grouped', () =>
    withEngine(async (engine) => {
      for (const stepsPerRun of [1, 4]) {
        const changes = { optimizer: sgd({ learningRate: 1e30 }), stepsPerRun };
        const found = await failing(engine, network(relu()), changes, overflow);
        assert.is(found.step, 2);
        assert.is(found.learningRate, 1e30);
        // the state before that step, and its batch
        assert.is(found.before.step, 1);
        assert.equal([found.before.epoch, found.before.stepsOfEpoch], [1, 1]);
        const indices = permutation(256, 1, 1).slice(48, 96);
        const { images, labels } = select(fixture.train, indices);
        assert.equal(found.indices, indices);
        assert.equal(found.images, images);
        assert.equal(found.labels, labels);
        // it can be reproduced from there
        const again = await failing(engine, network(relu()), { ...changes, resume: found.before }, overflow);
        assert.is(again.step, 2);
        assert.equal(again.value, found.value);
      }
    }));

  test('on the fast backend, with everything switched on', () =>
    withWasm(2, async (engine) => {
      const found = await failing(
        engine,
        network(relu()),
        {
          optimizer: sgd({ learningRate: 1e30 }),
          augmentation: { shift: 2 },
          weightAveraging: 0.9,
          mixup: 0.2,
          labelSmoothing: 0.1,
        },
        overflow,
      );
      assert.is(found.images.length, 48 * 784);
      const { images } = select(fixture.train, found.indices);
      assert.is.not(Buffer.compare(found.images, images), 0);
    }));

  test('the logarithm of a negative number: the layer and the op', () =>
    withEngine(async (engine) => {
      const logarithm = layer('logarithm', {}, (x) => x.log());
      const { value, before } = await failing(
        engine,
        network(logarithm),
        {},
        /in step 1 of epoch 1: layers\.2: log \[48, 16\] gives \d+ of 768 that are not/,
      );
      assert.is(value!.where, 'layers.2');
      assert.is(value!.op, 'log [48, 16]');
      assert.is(before.step, 0);
    }));

  test('a gradient that is not finite where the loss is: the square root at 0', () =>
    withEngine(async (engine) => {
      const root = layer('root', {}, (x, context) =>
        x
          .multiply(context.parameter('w', [784], 0))
          .abs()
          .sqrt(),
      );
      const layers = sequential([flatten(), root, dense(10)]);
      const { step } = await failing(
        engine,
        layers,
        {},
        /in step 1 of epoch 1: the gradient of layers\.1: divide \[48, 784\] gives \d+ of 37632 that are not/,
      );
      assert.is(step, 1);
    }));

  test('an update: a rate that overflows in float32, in the last step of all', () =>
    withEngine(async (engine) => {
      const { step } = await failing(
        engine,
        network(),
        { optimizer: sgd({ learningRate: 1e300 }), epochs: 1, batchSize: 256 },
        /in step 1 of epoch 1: the learning rate/,
      );
      assert.is(step, 1);
    }));

  test("an update: the step of an optimizer of one's own", () =>
    withEngine(async (engine) => {
      const optimizer = {
        ...sgd(),
        build: (parameters: Parameters<ReturnType<typeof sgd>['build']>[0]) => ({
          states: [],
          // infinite from the fourth step on
          updates: (
            ...[gradients, , step]: Parameters<ReturnType<ReturnType<typeof sgd>['build']>['updates']>
          ) =>
            parameters.map((parameter, i): [typeof parameter, (typeof gradients)[number]] => [
              parameter,
              parameter.subtract(gradients[i]!.divide(step.subtract(4).cast('float32').abs())),
            ]),
        }),
      };
      const { step } = await failing(
        engine,
        network(),
        { optimizer },
        /in step 4 of epoch 1: the update of layers\.\d\.\w+: divide \[[\d, ]+\] gives \d+ of \d+ that are not/,
      );
      assert.is(step, 4);
    }));

  test('a weight that no loss depends on: the step is found by halves', () =>
    withEngine(async (engine) => {
      const counting = layer('counting', {}, (x, context) => {
        const count = context.state('count', [], 20);
        if (context.training)
          context.update(
            count,
            count
              .subtract(1)
              .sqrt()
              .multiply(context.state('one', [], 1)),
          );
        return x;
      });
      // 20, 4.4, 1.8, 0.9, and then the root of a negative number
      const { step } = await failing(
        engine,
        sequential([flatten(), counting, dense(2)]),
        { batchSize: 1, stepsPerRun: 100 },
        /in step 4 of epoch 1: the update of layers\.1\.count: sqrt \[\] gives 1 of 1 that are not/,
        tinyDataset(50),
      );
      assert.is(step, 4);
    }));

  test('in a later epoch, after a resume', () =>
    withEngine(async (engine) => {
      const late = layer('late', {}, (x, context) => {
        const count = context.state('count', [], 9);
        if (context.training) context.update(count, count.subtract(1));
        return x.multiply(count.abs().add(1).log()).divide(count);
      });
      const found = await failing(
        engine,
        network(late),
        {},
        /in step 4 of epoch 2: layers\.2: divide \[48, 16\] gives 768 of 768 that are not/,
      );
      assert.is(found.step, 10);
      const again = await failing(
        engine,
        network(late),
        { resume: found.before },
        /in step 4 of epoch 2: layers\.2: divide .*/,
      );
      assert.equal(again.before.history, found.before.history);
    }));

  test('the error says where what reproduces it is kept', () =>
    withEngine((engine) =>
      rejects(
        fit(engine, network(), fixture.train, {
          ...options,
          optimizer: sgd({ learningRate: 1e30 }),
          onNonFinite: async () => 'runs/1/nonfinite',
        }),
        TrainingError,
        / gives 480 of 480 that are not; what reproduces it is in runs\/1\/nonfinite\n/,
      ).then(() => {}),
    ));

  test('weights that are not finite to begin with', () =>
    withEngine(async (engine) => {
      const model = new Model(network(), [28, 28, 1]);
      await engine.write(model.parameters[1]!, new Float32Array(16).fill(Number.NaN));
      await rejects(
        fit(engine, model, fixture.train, options),
        TrainingError,
        /^fit: a weight is not a finite number before the first step: in layers\.1\.bias$/,
      );
    }));
});
