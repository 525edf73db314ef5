import * as assert from 'uvu/assert';
import { ModelError } from '../../../src/core/errors.js';
import { take } from '../../../src/data/dataset.js';
import { relu } from '../../../src/nn/layers/activations.js';
import { batchNorm } from '../../../src/nn/layers/batchNorm.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { dropout } from '../../../src/nn/layers/dropout.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { sequential } from '../../../src/nn/sequential.js';
import { adam } from '../../../src/optimizers/adam.js';
import { reduceOnPlateau } from '../../../src/optimizers/plateau.js';
import { cosineDecay } from '../../../src/optimizers/schedules.js';
import { sgd } from '../../../src/optimizers/sgd.js';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from '../../../src/training/files/checkpoint.js';
import { fit } from '../../../src/training/fit/fit.js';
import type { FitOptions } from '../../../src/training/fit/options.js';
import type { Run } from '../../../src/training/fit/run.js';
import { rejects } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { fixture, withWasm } from '../support.js';

/** Everything that a training can remember: running statistics, momentum, averages, a plateau, a best epoch. */
const options = {
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  schedule: cosineDecay(),
  epochs: 4,
  batchSize: 12,
  seed: 3,
  validation: 0.2,
  augmentation: { shift: 2, rotate: 10 },
  mixup: 0.3,
  labelSmoothing: 0.1,
  weightAveraging: 0.9,
  clip: { norm: 1 },
  earlyStopping: { patience: 3, minDelta: 0.02 },
  // nothing is ever that much better: the rate falls after the second epoch and after each that follows
  plateau: reduceOnPlateau({ patience: 1, minDelta: 10, factor: 0.5 }),
} satisfies FitOptions;

const train = take(fixture.train, 40);
const layers = () => sequential([flatten(), dense(8), batchNorm(), relu(), dropout(0.2), dense(10)]);

/** What must not depend on interruptions. */
async function resultOf(run: Run): Promise<unknown> {
  const records = run.history.map(({ seconds, imagesPerSecond, ...record }) => record);
  return { weights: await run.weightsSha256(), records, ending: run.ending, steps: run.steps };
}

const train1 = (changes: Partial<FitOptions>, threads = 1) =>
  withWasm(threads, async (engine) =>
    resultOf(await fit(engine, layers(), train, { ...options, ...changes })),
  );

/** Trains until a condition holds and gives the last checkpoint, as a file would. */
async function cutOff(changes: Partial<FitOptions>): Promise<{ checkpoint: Checkpoint; ending: string }> {
  let bytes: Uint8Array | undefined;
  const save = async (checkpoint: Checkpoint) => {
    bytes = await encodeCheckpoint(checkpoint);
  };
  const { ending } = (await train1({ checkpoint: { save }, stepsPerRun: 1, ...changes })) as {
    ending: string;
  };
  return { checkpoint: await decodeCheckpoint(bytes!, 'last'), ending };
}

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

const whole = await train1({});
/** After the first step. */
const { checkpoint: first } = await cutOff({ timeLimit: 1e-6 });

suite('fit, resumed', (test) => {
  const steps = 3;
  for (let at = 0; at <= 4 * steps; at++) {
    test(`after ${at} steps`, async () => {
      const { signal, abort } = abortable();
      const count = (step: number) => {
        if (step === at) abort();
      };
      const { checkpoint, ending } = await cutOff({
        signal,
        callbacks: [{ onBegin: ({ steps }) => count(steps), onProgress: (_, { steps }) => count(steps) }],
      });
      // after the last step only the validation was left
      assert.is(ending, 'interrupted');
      assert.is(checkpoint.step, at);
      assert.is(checkpoint.ending, null);
      assert.equal(await train1({ resume: checkpoint, stepsPerRun: 2 }, 1 + (at % 2)), whole);
    });
  }

  test('from a checkpoint within an epoch, as after kill -9, and once more from another', async () => {
    const saved: Checkpoint[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpoint);
    const everyStep = { stepsPerRun: 1, checkpoint: { save, everySeconds: 1e-6 } };
    assert.equal(await train1(everyStep), whole);
    const first = saved.find(({ step }) => step === 4)!;
    saved.length = 0;
    assert.equal(await train1({ ...everyStep, resume: first }), whole);
    assert.equal(saved[0]!.step, 5);
    assert.equal(await train1({ resume: saved.find(({ step }) => step === 8)! }), whole);
  });

  test('in the middle of a group of steps', async () => {
    const batches = { batchSize: 1, epochs: 3, stepsPerRun: 100 };
    const expected = await train1(batches);
    for (const milliseconds of [1, 5, 20]) {
      const { signal, abort } = abortable();
      const { checkpoint } = await cutOff({
        ...batches,
        signal,
        callbacks: [{ onBegin: () => void setTimeout(abort, milliseconds) }],
      });
      assert.equal(
        await train1({ ...batches, resume: checkpoint }),
        expected,
        `after ${checkpoint.step} steps`,
      );
    }
  });

  test('after a time limit, which no schedule knows of', async () => {
    const { checkpoint, ending } = await cutOff({ timeLimit: 1e-6 });
    assert.is(ending, 'time limit');
    assert.is(checkpoint.step, 1);
    assert.equal(await train1({ resume: checkpoint, timeLimit: 600 }), whole);
  });

  test('a finished training takes no step', async () => {
    const { checkpoint } = await cutOff({});
    assert.is(checkpoint.ending, 'finished');
    assert.equal(checkpoint.epoch, 5);
    const onProgress = () => assert.unreachable('a step');
    assert.equal(await train1({ resume: checkpoint, onProgress }), whole);
  });

  test('one that was stopped early stays stopped', async () => {
    const earlyStopping = { patience: 1, minDelta: 10 };
    const stopped = await train1({ earlyStopping });
    const { checkpoint, ending } = await cutOff({ earlyStopping });
    assert.is(ending, 'early stopping');
    assert.is(checkpoint.ending, 'early stopping');
    assert.is(checkpoint.step, 2 * steps);
    assert.equal(await train1({ earlyStopping, resume: checkpoint }), stopped);
  });

  test('seconds and history go on', async () => {
    const { checkpoint } = await cutOff({ timeLimit: 1e-6 });
    const old = { ...checkpoint, seconds: 1000, secondsOfEpoch: 500 };
    await withWasm(1, async (engine) => {
      const run = await fit(engine, layers(), train, { ...options, resume: old });
      assert.ok(run.seconds > 1000 && run.seconds < 1100, `${run.seconds}`);
      assert.ok(run.history[0]!.seconds > 500 && run.history[1]!.seconds < 100);
    });
  });
});

suite('fit, not resumed', (test) => {
  const refuse = (
    name: string,
    changes: Partial<FitOptions>,
    message: RegExp,
    from = train,
    model = layers,
  ) =>
    test(name, async () => {
      await withWasm(1, (engine) =>
        rejects(
          fit(engine, model(), from, { ...options, ...changes, resume: first }),
          ModelError,
          new RegExp(
            `^resume: the checkpoint is of another training: ${message.source}\n {2}A training goes on as it began: `,
          ),
        ),
      );
    });

  refuse('another batch size', { batchSize: 13 }, /batchSize was 12, is 13/);
  refuse(
    'another optimizer',
    { optimizer: adam(0.1) },
    /optimizer.name was "sgd", is "adam"; optimizer.options.momentum was 0.9, is nothing; .*; and \d more/,
  );
  refuse('another rate and epochs', { epochs: 5 }, /epochs was 4, is 5/);
  refuse(
    'another augmentation',
    { augmentation: { shift: 3, rotate: 10 } },
    /augmentation.shift was 2, is 3/,
  );
  refuse(
    'other images',
    {},
    /dataset.count was 40, is 41; dataset.sha256 was "\w+", is "\w+"/,
    take(fixture.train, 41),
  );
  refuse('other labels', {}, /dataset.sha256 was "\w+", is "\w+"/, {
    ...train,
    labels: Uint8Array.from(train.labels, (label) => 9 - label),
  });
  refuse('another model', {}, /model.layers.parts is another|model.layers\.\S+ was .*/, train, () =>
    sequential([flatten(), dense(9), batchNorm(), relu(), dropout(0.2), dense(10)]),
  );
  refuse('without averages', { weightAveraging: undefined }, /weightAveraging was 0.9, is null/);

  test('other numerics', async () => {
    const conditions = { ...first.conditions, numerics: 'elsewhere' };
    await withWasm(1, (engine) =>
      rejects(
        fit(engine, layers(), train, { ...options, resume: { ...first, conditions } }),
        ModelError,
        /^resume: the checkpoint is of another training: numerics was "elsewhere", is "wasm[^"]*"\n/,
      ),
    );
  });

  test('tensors that do not fit', async () => {
    const changed = (change: (tensors: Map<string, unknown>) => void, message: RegExp) => {
      const tensors = new Map(first.tensors);
      change(tensors);
      return withWasm(1, (engine) =>
        rejects(
          fit(engine, layers(), train, { ...options, resume: { ...first, tensors } }),
          ModelError,
          message,
        ),
      );
    };
    const bias = 'weights/layers.1.bias';
    await changed(
      (tensors) => void tensors.delete(bias),
      /^resume: the checkpoint has no tensor 'weights\/layers\.1\.bias'$/,
    );
    await changed(
      (tensors) => void tensors.set(bias, { shape: [2], data: new Int32Array(2) }),
      /^resume: tensor 'weights\/layers\.1\.bias' of the checkpoint is another: int32\[2\], not float32\[8\]$/,
    );
    await changed(
      (tensors) => void tensors.set('weights/other', { shape: [2], data: new Int32Array(2) }),
      /^resume: the checkpoint has a tensor that this training has not: 'weights\/other'$/,
    );
  });
});
