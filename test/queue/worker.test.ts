/** What a worker does about failures, of the job and of its own machine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Connection, GivenJob } from '../../src/queue/connection.js';
import { storeNames, type TrainingJob } from '../../src/queue/job.js';
import type { Store } from '../../src/queue/store.js';
import { startWorker, type WorkerSettings } from '../../src/queue/worker.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';

const hash = 'ab'.repeat(32);
const job: TrainingJob = {
  ...{ version: 1, store: 'mark', label: 'one', until: 0 },
  training: {
    ...{ recipe: { name: 'mnist-mlp' }, seed: 0, ownData: false, train: hash, test: hash },
    ...{ backend: 'wasm', numerics: 'wasm 5', quern: '0.1.0' },
  },
};

/** A store that has its mark alone. */
const store: Store = {
  name: 'a store',
  list: async () => [],
  read: async (name) =>
    name === storeNames.mark ? new TextEncoder().encode(JSON.stringify({ mark: 'mark' })) : undefined,
  write: async () => {},
  create: async () => true,
  remove: async () => {},
  close: async () => {},
};

/** A worker whose jobs the test gives it, and what it has done. */
function started(folder: string, settings: Partial<WorkerSettings> = {}) {
  const seen: string[] = [];
  let work: (given: GivenJob) => Promise<unknown> = async () => {};
  const connection: Connection = {
    shown: 'a queue',
    openQueue: () => Promise.reject(new Error('none is wanted')),
    openWorker: async (_, given) => {
      work = given;
      const does = (what: string) => async () => void seen.push(what);
      return { close: async () => {}, pause: does('pause'), resume: does('resume') };
    },
  };
  const worker = startWorker(
    connection,
    store,
    {
      ...{ command: [join(folder, 'idle.js')], jobs: 1, threads: 1, scratch: join(folder, 'scratch') },
      ...{ conditions: { quern: '0.1.0', numerics: 'wasm 5', backend: 'wasm' }, recipeNames: ['mnist-mlp'] },
      ...{ recipePath: async () => undefined, offline: true, lockSeconds: 60, checkpointEvery: 30 },
      ...{ bounds: { memory: 1, time: 100 } },
      ...settings,
    },
    { begun: () => {}, ended: () => {}, fault: (message) => seen.push(message) },
  );
  return { seen, worker, work: (given: GivenJob) => work(given) };
}

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('it did not fail'),
    (error: Error) => error,
  );

suite('a worker', (test) => {
  test('takes nothing for a while after a failure, so that others get the job: twice as long each time', () =>
    inFolder(async (folder) => {
      const { seen, work, worker } = started(folder);
      const { setTimeout: real } = globalThis;
      const delays: number[] = [];
      globalThis.setTimeout = ((done: () => void, delay: number) => {
        delays.push(delay);
        return real(done, 0);
      }) as typeof setTimeout;
      try {
        for (let i = 0; i < 7; i++) await failure(work({ data: 'no job', attemptsMade: i }));
      } finally {
        globalThis.setTimeout = real;
      }
      await new Promise((done) => setTimeout(done, 20));
      assert.equal(delays, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
      assert.is(seen.filter((what) => what === 'pause').length, 7);
      assert.is(seen.filter((what) => what === 'resume').length, 7);
      await worker.close();

      // one that hands out to itself alone has no others
      const alone = started(folder, { folderOf: () => join(folder, 'run') });
      await failure(alone.work({ data: 'no job', attemptsMade: 0 }));
      assert.ok(!alone.seen.includes('pause'));
      await alone.worker.close();
    }));

  test('a training that takes too much here may be tried elsewhere twice more', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'scratch'));
      writeFileSync(join(folder, 'idle.js'), 'setTimeout(() => {}, 30_000);');
      const { work, worker } = started(folder);
      for (const [attemptsMade, name] of [
        [0, 'BackendError'],
        [2, 'UnrecoverableError'],
      ] as const) {
        const error = await failure(work({ data: job, attemptsMade }));
        assert.match(error.message, /^it took \d+ MB of memory, more than 1$/);
        assert.is(error.name, name);
      }
      await worker.close();
      const alone = started(folder, { folderOf: () => join(folder, 'run') });
      assert.is((await failure(alone.work({ data: job, attemptsMade: 0 }))).name, 'UnrecoverableError');
      await alone.worker.close();
    }));
});
