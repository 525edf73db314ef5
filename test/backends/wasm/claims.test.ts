import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { maySleep, spinsFor } from '../../../src/backends/wasm/claims.js';
import { suite } from '../../support/suite.js';
import { chunksOf, claimsOf, type Stress, stressOf } from './claimsWorker.js';

interface Crew {
  readonly workers: readonly Worker[];
  /** Resolves when all have left the run. */
  readonly left: Promise<unknown>;
}

/** Starts workers beside this thread, and calls them to the run. */
async function call(stress: Stress, count: number): Promise<Crew> {
  const url = new URL('./claimsWorker.js', import.meta.url);
  const workers = Array.from({ length: count }, () => new Worker(url, { workerData: stress }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const left = Promise.all(workers.map((worker) => once(worker, 'message')));
  for (const worker of workers) worker.postMessage('run');
  return { workers, left };
}

/** Walks the steps as the pool does; gives the microseconds of each. */
function walk(stress: Stress, sleeps = true): Float64Array {
  const [chunks, claims] = [chunksOf(stress, 0), claimsOf(stress, sleeps)];
  const counts = new Int32Array(stress.counts);
  const times = new Float64Array(stress.steps);
  for (let step = 0; step < stress.steps; step++) {
    const began = performance.now();
    const start = claims.finished;
    const end = (start + chunks.length) | 0;
    // the feeds of the step
    Atomics.add(counts, 0, 1);
    claims.pass(1);
    for (;;) {
      const awaited = claims.work(chunks, start, chunks.length) ?? end;
      if (claims.wait(awaited, 1000) && awaited === end) break;
    }
    times[step] = (performance.now() - began) * 1000;
  }
  return times;
}

function check({ counts, steps }: Stress): void {
  const done = [...new Int32Array(counts)];
  assert.is(done.pop(), 0, 'a chunk was begun before the phase before it was finished');
  assert.ok(
    done.every((count) => count === steps),
    `each chunk ${steps} times: ${done}`,
  );
}

const phases = [1, 4, 2, 1, 8, 3, 4, 4, 1, 2];

suite('wasm claims', (test) => {
  for (const workers of [2, 3, 4]) {
    test(`${workers} workers over thousands of tiny phases: each chunk once a step, in the order of phases`, async () => {
      const stress = stressOf(phases, 500, { spins: spinsFor(workers, availableParallelism()) });
      const { workers: others, left } = await call(stress, workers - 1);
      walk(stress);
      await left;
      check(stress);
      await Promise.all(others.map((worker) => worker.terminate()));
    });
  }

  test('whoever is free takes the next chunk: all take part', async () => {
    const stress = stressOf([8, 8], 20, { busy: 0.2 });
    const { workers, left } = await call(stress, 1);
    walk(stress);
    await left;
    check(stress);
    await Promise.all(workers.map((worker) => worker.terminate()));
    const [own, other] = new Int32Array(stress.shares);
    assert.is(own! + other!, 20 * 16);
    assert.ok(own! >= 20 && other! >= 20, `${own} and ${other}`);
  });

  test('counters that wrap around in the middle of a run', async () => {
    for (const start of [2 ** 31 - 1000, -1000]) {
      const stress = stressOf(phases, 100, { start });
      const { workers, left } = await call(stress, 1);
      walk(stress);
      await left;
      check(stress);
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });

  test('nobody is waited for who has claimed nothing: a worker that never comes', () => {
    const stress = stressOf(phases, 1000);
    walk(stress);
    check(stress);
  });

  test('a worker that comes when the run is over, or after the next has begun, does nothing', async () => {
    const stress = stressOf(phases, 50);
    walk(stress);
    const later = { ...stress, start: claimsOf(stress).finished };
    const { workers, left } = await call(stress, 1);
    walk(later);
    await left;
    await Promise.all(workers.map((worker) => worker.terminate()));
    check({ ...stress, steps: 100 });
  });

  test('passing what is left ends the run for all, asleep or not', async () => {
    const stress = stressOf(phases, 1000, { spins: 10 });
    const chunks = chunksOf(stress, 0);
    const { workers, left } = await call(stress, 2);
    walk({ ...stress, steps: 30 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    claimsOf(stress).pass(970 * chunks.length);
    await left;
    check({ ...stress, steps: 30 });
    assert.is(claimsOf(stress).finished, 1000 * chunks.length);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  test('a thread that may not sleep waits all the same', async () => {
    const stress = stressOf(phases, 200);
    const { workers, left } = await call(stress, 1);
    walk(stress, false);
    await left;
    check(stress);
    await Promise.all(workers.map((worker) => worker.terminate()));
    const claims = claimsOf(stress, false);
    const began = performance.now();
    assert.is(claims.wait(claims.finished + 1, 5), false);
    assert.ok(performance.now() - began >= 5);
  });

  test('waiting ends with the time, and at once for what is finished', () => {
    const claims = claimsOf(stressOf([1], 1));
    assert.is(claims.wait(0, 0), true);
    assert.is(claims.wait(1, 0), false);
    const began = performance.now();
    assert.is(claims.wait(1, 10), false);
    assert.ok(performance.now() - began >= 9);
  });

  test('a phase costs microseconds when both run, and milliseconds at worst when they share processors', async () => {
    const tenPhases = Array.from({ length: 10 }, () => 2);
    const median: number[] = [];
    for (const workers of [1, 2, 4]) {
      const stress = stressOf(tenPhases, 2000, { spins: spinsFor(workers, availableParallelism()) });
      const { workers: others, left } = await call(stress, workers - 1);
      const times = walk(stress).sort();
      await left;
      check(stress);
      await Promise.all(others.map((worker) => worker.terminate()));
      // the best tenth: what it costs when nothing else runs on the machine
      median.push(times[200]! / 10);
    }
    console.log(
      `microseconds per phase with 1, 2, 4 workers: ${median.map((time) => time.toFixed(2)).join(', ')}`,
    );
    assert.ok(median[1]! < 50, `two workers: ${median[1]} µs a phase`);
    assert.ok(median[2]! < 2000, `four workers: ${median[2]} µs a phase`);
  });

  test('how long to spin, and who may sleep', () => {
    assert.is(spinsFor(2, 2), 2000);
    assert.is(spinsFor(3, 2), 100);
    assert.is(maySleep(), true);
    const { wait } = Atomics;
    Atomics.wait = () => {
      throw new TypeError('Atomics.wait cannot be called in this context');
    };
    try {
      assert.is(maySleep(), false);
    } finally {
      Atomics.wait = wait;
    }
  });
});
