import * as assert from 'uvu/assert';
import { openMemory } from '../../src/queue/memory.js';
import { suite } from '../support/suite.js';

const options = (jobId: string, priority = 1, attempts = 3) => ({
  jobId,
  priority,
  attempts,
  backoff: { type: 'fixed' as const, delay: 5 },
  removeOnComplete: true as const,
});
const workerOptions = {
  concurrency: 1,
  lockDuration: 1,
  stalledInterval: 1,
  maxStalledCount: 1,
  removeOnComplete: { count: 0 },
  drainDelay: 1,
};
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

suite('the queue of a process', (test) => {
  test('the most urgent goes first, then the oldest; the same name is one job', async () => {
    const { openQueue, openWorker, shown } = openMemory();
    assert.is(shown, 'this process');
    const queue = openQueue('q');
    for (const [id, priority] of [
      ['a', 2],
      ['b', 2],
      ['c', 1],
      ['a', 1],
    ] as const)
      await queue.add('train', id, options(id, priority));
    await openQueue('other').add('train', 'x', options('x'));
    const seen: unknown[] = [];
    const worker = openWorker('q', async ({ data }) => seen.push(data), workerOptions);
    await pause(20);
    assert.equal(seen, ['c', 'a', 'b']);
    assert.is(await queue.getJob('a'), undefined);
    await queue.add('train', 'd', options('d'));
    await pause(20);
    assert.equal(seen, ['c', 'a', 'b', 'd']);
    await worker.close();
  });

  test('what fails is tried again so often, what is given up at once is not', async () => {
    const { openQueue, openWorker } = openMemory();
    const queue = openQueue('q');
    await queue.add('train', 'often', options('often'));
    await queue.add('train', 'once', options('once'));
    const seen: unknown[] = [];
    const work = async ({ data }: { data: unknown }) => {
      seen.push(data);
      throw Object.assign(new Error(`no ${data}`), data === 'once' && { name: 'UnrecoverableError' });
    };
    const worker = openWorker('q', work, workerOptions);
    await pause(120);
    assert.equal(seen.filter((each) => each === 'often').length, 3);
    assert.equal(seen.filter((each) => each === 'once').length, 1);
    const job = (await queue.getJob('once'))!;
    assert.is(await job.isFailed(), true);
    assert.is(job.failedReason, 'no once');
    await job.remove();
    assert.is(await queue.getJob('once'), undefined);
    await worker.close();
  });

  test('what a worker is at is not removed; a worker that closes waits for it', async () => {
    const { openQueue, openWorker } = openMemory();
    const queue = openQueue('q');
    for (const id of ['a', 'b']) await queue.add('train', id, options(id));
    let done = false;
    const work = async () => {
      await pause(30);
      done = true;
    };
    const worker = openWorker('q', work, workerOptions);
    assert.is(await queue.remove('a'), 0);
    assert.is(await queue.remove('b'), 1);
    await worker.close();
    assert.is(done, true);
  });
});
