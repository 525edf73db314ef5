import * as assert from 'uvu/assert';
import { ModelError, UsageError } from '../../src/core/errors.js';
import { reduceOnPlateau } from '../../src/optimizers/plateau.js';
import { sgd } from '../../src/optimizers/sgd.js';
import type { Callback, Training } from '../../src/training/callbacks/callback.js';
import { checkEarlyStopping, earlyStopping, scoreOf } from '../../src/training/callbacks/earlyStopping.js';
import { saving } from '../../src/training/callbacks/saving.js';
import type { Checkpoint } from '../../src/training/files/checkpoint.js';
import { setWeights, type Weights } from '../../src/training/files/weights.js';
import { fit } from '../../src/training/fit/fit.js';
import type { EpochRecord, FitOptions, FitProgress } from '../../src/training/fit/options.js';
import { rejects, throws } from '../data/support.js';
import { suite } from '../support/suite.js';
import { fixture, perceptron, withEngine } from './support.js';

const options = {
  optimizer: sgd({ learningRate: 0.1 }),
  epochs: 2,
  batchSize: 64,
  seed: 1,
} satisfies FitOptions;

const record = (values: Partial<EpochRecord>): EpochRecord => ({
  epoch: 1,
  step: 1,
  loss: 1,
  accuracy: 0.5,
  learningRate: 0.1,
  seconds: 1,
  imagesPerSecond: 1,
  ...values,
});

/** A training of nothing, for one callback at a time. */
function standIn() {
  const training = {
    seconds: 0,
    ending: undefined as string | undefined,
    given: undefined as Weights | undefined,
    epoch: 0,
    stop(ending: string) {
      training.ending ??= ending;
    },
    weights: async () => new Map([['w', Float32Array.of(training.epoch)]]),
    setWeights: async (weights: Weights) => {
      training.given = weights;
    },
    checkpoint: async () => ({ step: training.epoch }) as Checkpoint,
  };
  return { training, seen: training as unknown as Training };
}

/** The epochs, from 1, after which early stopping ends a training of these losses; with the best weights. */
async function stopped(callback: Callback, losses: readonly number[]) {
  const { training, seen } = standIn();
  for (const loss of losses) {
    if (training.ending !== undefined) break;
    training.epoch += 1;
    await callback.onEpoch!(record({ loss }), seen);
  }
  await callback.onEnd!(seen);
  return [training.epoch, training.ending, training.given?.get('w')?.[0]];
}

suite('early stopping', (test) => {
  const losses = [5, 4, 4, 3.9, 3.95, 3.9, 1];

  test('after so many epochs without a better value', async () => {
    const callback = (more: object) => earlyStopping({ patience: 2, monitor: 'loss', ...more });
    assert.equal(await stopped(callback({}), losses), [6, 'early stopping', 4]);
    assert.equal(await stopped(callback({ minDelta: 0.2 }), losses), [4, 'early stopping', 2]);
    assert.equal(await stopped(callback({ patience: 3 }), losses), [7, undefined, 7]);
    assert.equal(await stopped(callback({ restoreBest: false }), losses), [6, 'early stopping', undefined]);
    assert.equal(await stopped(callback({ patience: Infinity }), [1, 2, 3, 4]), [4, undefined, 1]);
    assert.equal(await stopped(callback({}), [Number.NaN, 2, 3]), [3, undefined, 2]);
  });

  test('goes on from its state', async () => {
    const before = earlyStopping({ patience: 2, monitor: 'loss' });
    await stopped(before, losses.slice(0, 5));
    const after = earlyStopping({ patience: 2, monitor: 'loss' });
    after.restore!(JSON.parse(JSON.stringify(before.state!())) as never);
    assert.equal(after.state!().values, { best: -3.9, waited: 1 });
  });

  test('higher accuracies are better, lower losses', () => {
    assert.is(scoreOf(record({ accuracy: 0.7 }), 'accuracy'), 0.7);
    assert.is(scoreOf(record({ validationAccuracy: 0.6 }), 'validationAccuracy'), 0.6);
    assert.is(scoreOf(record({ validationLoss: 2 }), 'validationLoss'), -2);
    assert.ok(Number.isNaN(scoreOf(record({}), 'validationLoss')));
  });

  test('options out of range', () => {
    const refuse = (given: object, validated: boolean, message: RegExp) =>
      throws(() => checkEarlyStopping({ patience: 1, ...given }, validated), UsageError, message);
    refuse({ patience: 0 }, true, /^earlyStopping: patience must be a whole number of at least 1: 0$/);
    refuse({ patience: 1.5 }, true, /^earlyStopping: patience must be a whole number of at least 1: 1\.5$/);
    refuse({ minDelta: -1 }, true, /^earlyStopping: minDelta must be a number of at least 0: -1$/);
    refuse(
      { monitor: 'luck' },
      true,
      /^earlyStopping: there is no monitor 'luck': validationLoss, validationAccuracy, loss, accuracy$/,
    );
    refuse(
      {},
      false,
      /^earlyStopping: validationAccuracy needs images to validate with\n {2}validation: 0\.1 holds a tenth/,
    );
    checkEarlyStopping({ patience: Infinity, monitor: 'loss' }, false);
  });

  test('a model gets the weights of its best epoch', () =>
    withEngine(async (engine) => {
      const kept: Weights[] = [];
      const run = await fit(engine, perceptron(), fixture.train, {
        ...options,
        // far too high: it gets worse sooner or later
        optimizer: sgd({ learningRate: 3 }),
        epochs: 8,
        validation: 0.25,
        earlyStopping: { patience: 2, monitor: 'validationLoss' },
        callbacks: [{ onEpoch: async (_, training) => void kept.push(await training.weights()) }],
      });
      const values = run.history.map(({ validationLoss }) => validationLoss!);
      const best = values.indexOf(Math.min(...values));
      assert.is(run.ending, 'early stopping');
      assert.is(best, values.length - 3);
      assert.equal(await run.weights(), kept[best]);
    }));
});

suite('saving', (test) => {
  test('by time, at the end of an epoch unless just done, and in the end', async () => {
    const { training, seen } = standIn();
    const saved: number[] = [];
    const callback = saving({ save: ({ step }) => void saved.push(step) });
    const at = async (seconds: number, what: 'onProgress' | 'onEpoch') => {
      training.seconds = seconds;
      training.epoch = seconds;
      await callback[what]!({} as FitProgress & EpochRecord, seen);
    };
    await at(29, 'onProgress');
    await at(30, 'onProgress');
    await at(34, 'onEpoch');
    await at(35, 'onEpoch');
    await at(64, 'onProgress');
    await at(65, 'onProgress');
    training.epoch = 66;
    await callback.onEnd!(seen);
    assert.equal(saved, [30, 35, 65, 66]);
  });

  test('an error of it ends the training', () =>
    withEngine(async (engine) => {
      const save = () => {
        throw new ModelError('the disk is full');
      };
      await rejects(
        fit(engine, perceptron(), fixture.train, { ...options, checkpoint: { save } }),
        ModelError,
        /^the disk is full$/,
      );
    }));
});

suite('callbacks', (test) => {
  test('are called in their order, and see the training', () =>
    withEngine(async (engine) => {
      const calls: unknown[] = [];
      const noted = (name: string): Callback => ({
        onBegin: ({ steps, epochs, stepsPerEpoch }) =>
          void calls.push([name, 'begin', steps, epochs, stepsPerEpoch]),
        onProgress: async ({ step }, training) => void calls.push([name, step, training.steps]),
        onEpoch: (_, { history, ending }) => void calls.push([name, 'epoch', history.length, ending]),
        onEnd: ({ ending }) => void calls.push([name, 'end', ending]),
      });
      await fit(engine, perceptron(), fixture.train, {
        ...options,
        stepsPerRun: 2,
        onEpoch: ({ epoch }) => void calls.push(['own', epoch]),
        callbacks: [noted('a'), noted('b')],
      });
      const both = (...entry: unknown[]) => ['a', 'b'].map((name) => [name, ...entry]);
      assert.equal(calls, [
        ...both('begin', 0, 2, 4),
        ...both(2, 2),
        ...both(4, 4),
        ['own', 1],
        ...both('epoch', 1, undefined),
        ...both(2, 6),
        ...both(4, 8),
        ['own', 2],
        ...both('epoch', 2, 'finished'),
        ...both('end', 'finished'),
      ]);
    }));

  test('one ends the training, the first reason counts', () =>
    withEngine(async (engine) => {
      const stop = (ending: string): Callback => ({ onProgress: (_, training) => training.stop(ending) });
      const run = await fit(engine, perceptron(), fixture.train, {
        ...options,
        stepsPerRun: 1,
        callbacks: [stop('enough'), stop('too much')],
      });
      assert.is(run.ending, 'enough');
      assert.is(run.steps, 1);
      assert.not(run.interrupted);
      assert.equal(run.history, []);
    }));

  test('a learning rate that follows a plateau, and the rate in records and progress', () =>
    withEngine(async (engine) => {
      const shown: number[] = [];
      const run = await fit(engine, perceptron(), fixture.train, {
        ...options,
        epochs: 4,
        plateau: reduceOnPlateau({ patience: 1, minDelta: 100, factor: 0.5, monitor: 'loss' }),
        onProgress: ({ step, steps, learningRate }) => {
          if (step === steps) shown.push(learningRate);
        },
      });
      // the first epoch is the best, the others are not better by 100
      const rates = [0.1, 0.1, 0.05, 0.025];
      assert.equal(shown, rates);
      assert.equal(
        run.history.map(({ learningRate }) => learningRate),
        rates,
      );
      // another rate gives other weights
      const plain = await fit(engine, perceptron(), fixture.train, { ...options, epochs: 4 });
      assert.is(plain.history[1]!.loss, run.history[1]!.loss);
      assert.is.not(plain.history[2]!.loss, run.history[2]!.loss);
    }));

  test('what one remembers is in checkpoints', () =>
    withEngine(async (engine) => {
      const counter = () => {
        let count = 0;
        const callback: Callback = {
          name: 'counter',
          onEpoch: () => void count++,
          state: () => ({ values: { count }, weights: new Map([['x', Float32Array.of(count)]]) }),
          restore: ({ values, weights }) => {
            count = (values as { count: number }).count + weights!.get('x')![0]!;
          },
        };
        return callback;
      };
      const saved: Checkpoint[] = [];
      const checkpoint = { save: (one: Checkpoint) => void saved.push(one) };
      await fit(engine, perceptron(), fixture.train, { ...options, checkpoint, callbacks: [counter()] });
      const last = saved.at(-1)!;
      assert.equal(last.callbacks, { counter: { count: 2 } });
      assert.equal(last.tensors.get('callbacks/counter/x'), { shape: [1], data: Float32Array.of(2) });
      const other = counter();
      await fit(engine, perceptron(), fixture.train, { ...options, resume: last, callbacks: [other] });
      assert.equal(other.state!().values, { count: 4 });
      // and one that the checkpoint does not know begins anew
      await fit(engine, perceptron(), fixture.train, {
        ...options,
        resume: { ...last, callbacks: {} },
        callbacks: [other],
      });
    }));

  test('states need a name of their own', () =>
    withEngine(async (engine) => {
      const state = () => ({ values: 1 });
      const restore = () => {};
      const refuse = (...callbacks: Callback[]) =>
        rejects(
          fit(engine, perceptron(), fixture.train, { ...options, callbacks, checkpoint: { save: () => {} } }),
          UsageError,
          /^callbacks: one with a state needs restore and a name of its own, without a slash: /,
        );
      await refuse({ state, restore });
      await refuse({ name: 'a', state });
      await refuse({ name: 'a/b', state, restore });
      await refuse({ name: 'a', state, restore }, { name: 'a', state, restore });
    }));

  test("weights that are not the model's", () =>
    withEngine((engine) =>
      rejects(
        fit(engine, perceptron(), fixture.train, {
          ...options,
          epochs: 1,
          callbacks: [{ onEnd: ({ model }) => setWeights(engine, model, new Map()) }],
        }),
        ModelError,
        /^setWeights: there is no value for layers\.1\.kernel$/,
      ).then(() => {}),
    ));

  test('a plateau of something that is not measured', () =>
    withEngine((engine) =>
      rejects(
        fit(engine, perceptron(), fixture.train, { ...options, plateau: reduceOnPlateau() }),
        UsageError,
        /^plateau: validationLoss needs images to validate with\n/,
      ).then(() => {}),
    ));
});
