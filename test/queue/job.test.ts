import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import {
  checkJob,
  checkJobResult,
  jobId,
  queueName,
  type TrainingJob,
  trainingId,
} from '../../src/queue/job.js';
import { trainWords } from '../../src/queue/words.js';
import { suite } from '../support/suite.js';

const hash = 'ab'.repeat(32);
const job: TrainingJob = {
  version: 1,
  label: 'trial-003',
  store: 'mark',
  until: 2,
  training: {
    recipe: { name: 'mnist-mlp' },
    set: { units: 32, learningRate: 0.01 },
    seed: 0,
    epochs: 6,
    validation: 0.1,
    ownData: false,
    train: hash,
    test: hash,
    backend: 'wasm',
    numerics: 'wasm 3, 128-bit fma',
    quern: '0.1.0',
  },
};
const changed = (training: object) => ({ ...job, training: { ...job.training, ...training } });

suite('jobs', (test) => {
  test('a job is named by what decides its bytes, in any order, and by nothing else', () => {
    const { seed, ...others } = job.training;
    assert.is(trainingId({ ...others, seed }), trainingId(job.training));
    assert.is(trainingId({ ...job.training, limit: undefined }), trainingId(job.training));
    assert.is(jobId({ ...job, label: 'other' } as TrainingJob), jobId(job));
    assert.match(jobId(job), /^[0-9a-f]{32}-2$/);
    assert.match(jobId({ ...job, until: 0 }), /^[0-9a-f]{32}-end$/);
    for (const other of [
      { seed: 1 },
      { set: { units: 33 } },
      { train: 'cd'.repeat(32) },
      { numerics: 'x' },
      { quern: '2' },
    ])
      assert.is.not(trainingId(changed(other).training as TrainingJob['training']), trainingId(job.training));
  });

  test('other versions, arithmetic and backends have other queues', () => {
    const own = queueName(job.training);
    for (const other of [{ numerics: 'wasm 3, 128-bit' }, { quern: '0.2.0' }, { backend: 'reference' }])
      assert.is.not(queueName({ ...job.training, ...other }), own);
    assert.is(queueName({ ...job.training, seed: 9 } as TrainingJob['training']), own);
  });

  test('a sound job is taken as it is', () =>
    assert.equal(checkJob(JSON.parse(JSON.stringify(job)), 'job'), job));

  test('what a stranger could put into a job is refused by name', () => {
    const wrong = (value: unknown, message: RegExp) => assert.throws(() => checkJob(value, 'job'), message);
    wrong({ ...job, version: 2 }, /^job\.version is 2, this Quern takes jobs of version 1$/);
    wrong({ ...job, label: '../../etc' }, /^job\.label must be a name of letters, digits, dots and dashes/);
    wrong({ ...job, run: 'rm' }, /^job\.run must be left out/);
    wrong(
      changed({ recipe: { name: './evil.mjs' } }),
      /^job\.training\.recipe\.name must be a name of letters/,
    );
    wrong(changed({ recipe: { name: 'a', path: 'x' } }), /^job\.training\.recipe\.path must be left out/);
    wrong(
      changed({ set: { a: '$(x) --out' } }),
      /^job\.training\.set must be at most 50 numbers and names, true or false/,
    );
    wrong(changed({ set: { 'a b': 1 } }), /^job\.training\.set must be/);
    wrong(changed({ preparation: { label: 'a\nb' } }), /^job\.training\.preparation\.label must be a line/);
    wrong(
      changed({ preparation: { pixelRange: '0' } }),
      /^job\.training\.preparation\.pixelRange must be two/,
    );
    wrong(
      changed({ preparation: { import: 'a.mjs' } }),
      /^job\.training\.preparation\.import must be left out/,
    );
    wrong(changed({ backend: 'shell' }), /^job\.training\.backend must be one of wasm, reference, gpu/);
    wrong(changed({ validation: 2 }), /^job\.training\.validation must be a fraction between 0 and 1/);
    wrong(changed({ train: 'short' }), /^job\.training\.train must be a SHA-256 in hexadecimal/);
    wrong(changed({ ownData: 'yes' }), /^job\.training\.ownData must be true or false/);
    wrong('text', /^job must be an object/);
  });

  test('a job becomes the words of a command line', () => {
    const words = trainWords(job, {
      recipe: 'mnist-mlp',
      folder: '/runs/a',
      threads: 2,
      checkpointEvery: 30,
      offline: false,
      dataDir: '/data',
      goOn: true,
    }).join(' ');
    assert.is(
      words,
      'train mnist-mlp --seed 0 --epochs 6 --validation 0.1 --backend wasm --set units=32 --set learningRate=0.01 ' +
        '--out /runs/a --pause-after 2 --checkpoint-every 30 --data-dir /data --threads 2 ' +
        '--checkpoint /runs/a/from-store.safetensors --json',
    );
  });

  test("what is told of somebody's own images, a word each", () => {
    const preparation = { label: '--import=x.mjs', pixelRange: '-1,1', invert: true, skipBad: false };
    const own = { ...job, training: { ...job.training, ownData: true, preparation } };
    assert.equal(checkJob(JSON.parse(JSON.stringify(own)), 'job'), own);
    const words = trainWords(own, {
      recipe: 'mnist-mlp',
      folder: '/runs/a',
      threads: 1,
      checkpointEvery: 30,
      offline: true,
      data: '/data/a.csv',
      goOn: false,
    });
    const from = words.indexOf('--data');
    assert.equal(words.slice(from, from + 5), [
      ...['--data', '/data/a.csv', '--label=--import=x.mjs', '--pixel-range=-1,1', '--invert'],
    ]);
    assert.is.not(
      jobId(own),
      jobId({ ...own, training: { ...own.training, preparation: { invert: true } } }),
    );
  });

  test('a result is believed as little as a job', () => {
    const sound = {
      history: [],
      result: null,
      failure: 'the loss is NaN',
      processorSeconds: 1,
      worker: 'w 1',
    };
    assert.equal(checkJobResult(sound, 'r'), sound);
    const wrong = (changes: object, message: RegExp) =>
      assert.throws(
        () => checkJobResult({ ...sound, ...changes }, 'r'),
        (error: Error) => error instanceof DataError && message.test(error.message),
      );
    wrong({ history: null }, /^r\.history must be /);
    wrong({ result: { testAccuracy: 2 } }, /^r\.result\.\w+ must be /);
    wrong({ processorSeconds: '1' }, /^r\.processorSeconds must be a number/);
  });
});
