/**
 * How the workers of a run keep step: words of shared memory that all of them see. Waiting spins for some microseconds
 * (most kernels end together) and then sleeps (a futex wait costs tens of microseconds, but no processor time).
 */

/** Bytes of the control block. Each word has a cache line of its own. */
export const controlBytes = 4 * 64;

const lineWords = 16;
/** How many workers have arrived at the barrier. */
const arrived = 0;
/** Counts barriers that are over; what waiting workers watch. */
const generation = lineWords;
/** 1: the run ends at the next barrier. */
const stopped = 2 * lineWords;
/** Number of the worker that failed, or 0. */
const failed = 3 * lineWords;

/** Turns of the spinning loop before a worker sleeps: about 50 microseconds. */
const spins = 4000;

export class Barrier {
  constructor(
    private readonly words: Int32Array,
    private readonly workers: number,
  ) {}

  /** Sets all words to their state before a run. No worker may be waiting. */
  reset(): void {
    for (const word of [arrived, stopped, failed]) Atomics.store(this.words, word, 0);
  }

  /** Ends the run: everybody who waits, or will, goes. */
  release(): void {
    Atomics.store(this.words, stopped, 1);
    Atomics.add(this.words, generation, 1);
    Atomics.notify(this.words, generation);
  }

  /** Notes a worker's failure (a number from 1) and ends the run. */
  fail(worker: number): void {
    Atomics.store(this.words, failed, worker);
    this.release();
  }

  get stopping(): boolean {
    return Atomics.load(this.words, stopped) === 1;
  }

  /** The worker that failed, or 0. */
  get failure(): number {
    return Atomics.load(this.words, failed);
  }

  /** Arrives. Returns the ticket to wait with, or undefined for the last, who has let the others go. */
  arrive(): number | undefined {
    const ticket = Atomics.load(this.words, generation);
    if (Atomics.add(this.words, arrived, 1) < this.workers - 1) return ticket;
    Atomics.store(this.words, arrived, 0);
    Atomics.add(this.words, generation, 1);
    Atomics.notify(this.words, generation);
    return undefined;
  }

  /** Waits for the others, at most `milliseconds` asleep; tells whether they have all come. */
  wait(ticket: number, milliseconds: number): boolean {
    for (let turn = 0; turn < spins; turn++) {
      if (Atomics.load(this.words, generation) !== ticket) return true;
    }
    if (milliseconds > 0) Atomics.wait(this.words, generation, ticket, milliseconds);
    return Atomics.load(this.words, generation) !== ticket;
  }
}
