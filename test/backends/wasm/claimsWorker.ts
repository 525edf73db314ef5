/** Steps of tiny chunks that check, each, that all chunks of the phase before are finished. Shared by test and worker. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Claims, controlBytes } from '../../../src/backends/wasm/claims.js';
import type { Chunk } from '../../../src/backends/wasm/table.js';

export interface Stress {
  readonly control: SharedArrayBuffer;
  /** How often each chunk was done; behind them, how often one came too early. */
  readonly counts: SharedArrayBuffer;
  /** Chunks done by the workers, worker 0 first. */
  readonly shares: SharedArrayBuffer;
  /** How long a chunk takes, in milliseconds. */
  readonly busy: number;
  /** Pieces of each phase. */
  readonly phases: readonly number[];
  readonly start: number;
  readonly steps: number;
  readonly spins: number;
}

export function stressOf(
  phases: readonly number[],
  steps: number,
  { start = 0, spins = 2000, busy = 0 }: { start?: number; spins?: number; busy?: number } = {},
): Stress {
  const control = new SharedArrayBuffer(controlBytes);
  const words = new Int32Array(control);
  [words[0], words[16]] = [start, start];
  const chunks = 1 + phases.reduce((sum, pieces) => sum + pieces, 0);
  const [counts, shares] = [new SharedArrayBuffer(4 * (chunks + 1)), new SharedArrayBuffer(8)];
  return { control, counts, shares, busy, phases, start, steps, spins };
}

/** @param worker 0 for the thread that walks, 1 for any other */
export function chunksOf({ phases, counts, shares, busy }: Stress, worker: 0 | 1): Chunk[] {
  const done = new Int32Array(counts);
  const chunks: Chunk[] = [{ phaseStart: 0, phaseEnd: 1, order: [0], calls: [] }];
  let before = 0;
  for (const pieces of phases) {
    const phaseStart = chunks.length;
    const previous = before;
    // both want the middle first, where they meet
    const order = Array.from({ length: pieces }, (_, place) => (worker === 0 ? place : pieces - 1 - place));
    order.sort((a, b) => Math.abs(2 * a - pieces) - Math.abs(2 * b - pieces));
    for (let piece = 0; piece < pieces; piece++) {
      const own = chunks.length;
      const run = () => {
        Atomics.add(new Int32Array(shares), worker, 1);
        const until = performance.now() + busy;
        while (busy > 0 && performance.now() < until);
        const step = Atomics.add(done, own, 1);
        for (let i = previous; i < phaseStart; i++) {
          if (Atomics.load(done, i) !== step + 1) Atomics.add(done, done.length - 1, 1);
        }
      };
      chunks.push({ phaseStart, phaseEnd: phaseStart + pieces, order, calls: [{ run, args: [] }] });
    }
    before = phaseStart;
  }
  return chunks;
}

export function claimsOf({ control, spins }: Stress, maySleep = true): Claims {
  return new Claims(new Int32Array(control), spins, maySleep);
}

function help(stress: Stress): void {
  const [chunks, claims] = [chunksOf(stress, 1), claimsOf(stress)];
  const count = stress.steps * chunks.length;
  for (;;) {
    const awaited = claims.work(chunks, stress.start, count);
    if (awaited === undefined) return;
    claims.wait(awaited, Number.POSITIVE_INFINITY);
  }
}

if (!isMainThread && workerData !== null) {
  parentPort!.on('message', () => {
    help(workerData as Stress);
    parentPort!.postMessage('left');
  });
  parentPort!.postMessage('ready');
}
