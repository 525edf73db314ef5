/** Handing out, with a queue and a store that are at fault. */
import * as assert from 'uvu/assert';
import { BackendError } from '../../src/core/errors.js';
import type { Connection, JobOptions } from '../../src/queue/connection.js';
import { HandOut, type Wanted } from '../../src/queue/handOut.js';
import { storeNames } from '../../src/queue/job.js';
import { isAway } from '../../src/queue/serverStore.js';
import type { Store } from '../../src/queue/store.js';
import { suite } from '../support/suite.js';

const hash = 'ab'.repeat(32);
const wanted: Wanted = {
  job: {
    label: 'one',
    until: 0,
    training: {
      ...{ recipe: { name: 'mnist-mlp' }, seed: 0, ownData: false, train: hash, test: hash },
      ...{ backend: 'wasm', numerics: 'wasm 5', quern: '0.1.0' },
    },
  },
  priority: 1,
};

const store = (list: () => Promise<string[]>): Store => ({
  name: 'a store',
  list,
  read: async () => undefined,
  write: async () => {},
  create: async () => true,
  remove: async () => {},
  close: async () => {},
});

/** A queue in which every job has failed; `before` that it was asked for, too. */
function failedQueue({ failedReason = 'it took 900 MB', before = false } = {}): {
  connection: Connection;
  given: JobOptions[];
  removed: () => number;
} {
  const given: JobOptions[] = [];
  let removed = 0;
  const job = {
    failedReason,
    isFailed: async () => true,
    remove: async () => {
      removed++;
    },
  };
  const queue = {
    add: async (_name: string, _data: unknown, options: JobOptions) => given.push(options),
    getJob: async () => (given.length > 0 || before ? job : undefined),
    remove: async () => 1,
    close: async () => {},
  };
  const connection: Connection = {
    shown: 'a queue',
    openQueue: async () => queue,
    openWorker: async () => ({ close: async () => {}, pause: async () => {}, resume: () => {} }),
  };
  return { connection, given, removed: () => removed };
}

suite('handing out', (test) => {
  test('a job that was given up is an error, or a result so that the others go on', async () => {
    const listener = { fault: () => {} };
    const { signal } = new AbortController();
    const strict = failedQueue();
    const first = new HandOut(
      strict.connection,
      store(async () => []),
      'mark',
      {
        ...{ attempts: 30, goOn: false, listener },
      },
    );
    assert.is(await first.want(wanted), undefined);
    assert.is(strict.given[0]!.attempts, 30);
    const error = (await first.next(signal).catch((each) => each)) as Error;
    assert.is(error.name, 'BackendError');
    assert.is(error.message, 'one: no worker could train it: it took 900 MB');
    await first.close();

    const strange = failedQueue({
      failedReason: 'worker: its store is another than that of the sweep: x\n  Give both the same.',
    });
    const hinted = new HandOut(
      strange.connection,
      store(async () => []),
      'mark',
      { attempts: 30, goOn: false, listener },
    );
    await hinted.want(wanted);
    const refusal = (await hinted.next(signal).catch((each) => each)) as BackendError;
    assert.is(refusal.hint, 'Give both the same.');
    assert.is(
      refusal.message,
      'one: no worker could train it: worker: its store is another than that of the sweep: x\n  Give both the same.',
    );
    await hinted.close();

    const patient = failedQueue();
    const second = new HandOut(
      patient.connection,
      store(async () => []),
      'mark',
      {
        ...{ attempts: 3, goOn: true, listener },
      },
    );
    await second.want(wanted);
    const [result] = [...(await second.next(signal)).values()];
    assert.is(patient.given[0]!.attempts, 3);
    assert.equal([result!.failure, result!.result, patient.removed()], ['it took 900 MB', null, 1]);
    await second.close();
  });

  test('a failure that a command before has left is not of this one', async () => {
    const { connection, removed } = failedQueue({ before: true });
    const given = { attempts: 3, goOn: false, listener: { fault: () => {} } };
    const handOut = new HandOut(
      connection,
      store(async () => []),
      'mark',
      given,
    );
    await handOut.want(wanted);
    assert.is(removed(), 1);
    await handOut.close();
  });

  test('a store that has lost everything gets its mark again', async () => {
    const made: string[] = [];
    const { connection } = failedQueue();
    const empty: Store = {
      ...store(async () => []),
      create: async (name, bytes) => {
        made.push(`${name} ${new TextDecoder().decode(bytes)}`);
        return true;
      },
    };
    const given = { attempts: 3, goOn: true, listener: { fault: () => {} } };
    const handOut = new HandOut(connection, empty, 'own', given);
    await handOut.want(wanted);
    await handOut.next(new AbortController().signal);
    assert.equal(made, [`${storeNames.mark} {"mark":"own"}`]);
    await handOut.close();
  });

  test('a server of PostgreSQL that is away is waited for, an error of it is not', () => {
    const error = (message: string, code?: string) => Object.assign(new Error(message), { code });
    for (const each of [
      error('terminating connection due to administrator command', '57P01'),
      error('the database system is starting up', '57P03'),
      error('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'),
      error('read ECONNRESET', 'ECONNRESET'),
      error('Connection terminated unexpectedly'),
    ])
      assert.is(isAway(each), true, each.message);
    for (const each of [error('permission denied', '42501'), error('password', '28P01'), error('no')])
      assert.is(isAway(each), false, each.message);
  });

  test('a queue and a store that are at fault while a job is asked for: it is put there later', async () => {
    const faults: string[] = [];
    const { connection } = failedQueue();
    const queue = await connection.openQueue('q');
    const broken = {
      ...connection,
      openQueue: async () => ({ ...queue, add: async () => Promise.reject(new Error('the queue is away')) }),
    };
    const listener = { fault: (message: string) => faults.push(message) };
    const handOut = new HandOut(
      broken,
      { ...store(async () => []), write: async () => Promise.reject(new BackendError('the store is away')) },
      'mark',
      { attempts: 3, goOn: false, listener },
    );
    assert.is(await handOut.want(wanted), undefined);
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 300);
    assert.is((await handOut.next(ending.signal)).size, 0);
    assert.equal(faults, ['the queue is away', 'the store is away']);
    await handOut.close();
  });

  test('a store that is away is told once, and again when it was back', async () => {
    const faults: string[] = [];
    const answers = ['away', 'away', 'away', 'back', 'away'];
    const ending = new AbortController();
    const { connection } = failedQueue();
    const list = async () => {
      const answer = answers.shift();
      if (answer === undefined) ending.abort();
      if (answer === 'away') throw new Error('the server is away');
      return [];
    };
    const handOut = new HandOut(connection, store(list), 'mark', {
      ...{ attempts: 3, goOn: true, listener: { fault: (message: string) => faults.push(message) } },
    });
    assert.is((await handOut.next(ending.signal)).size, 0);
    assert.equal(faults, ['the server is away', 'the server is away']);
    await handOut.close();
  });
});
