/** How the workers of a run keep step: words of shared memory that all of them see. */

/** Bytes of the control block. Each word has a cache line of its own. */
export const controlBytes = 4 * 64;

const lineWords = 16;
/** How many workers have arrived at the barrier. */
const arrived = 0;
/** Counts barriers that are over; what waiting workers watch. */
const generation = lineWords;
/** How many workers sleep, or are about to. */
const asleep = 2 * lineWords;
/** Number of the last run that was stopped before its last step. */
const stopped = 3 * lineWords;

/**
 * Turns of the spinning loop before a worker sleeps. Most kernels end together, so where every worker has a processor,
 * waiting spins for about as long as it takes to fall asleep and be woken (10 µs); where they have to share, the one
 * that is waited for cannot run before the spinning ends.
 */
export function spinsFor(workers: number, processors: number): number {
  return workers <= processors ? 2000 : 100;
}

/**
 * A barrier of a fixed number of workers. Every barrier is completed by all of them, whatever happens to a run: so
 * there is never one left behind at a barrier that the others have given up. Only a worker's death breaks it, and then
 * all end.
 */
export class Barrier {
  constructor(
    private readonly words: Int32Array,
    private readonly workers: number,
    private readonly spins: number,
  ) {}

  /** Arrives and waits for the others, however long they take. */
  meet(): void {
    const ticket = this.arrive();
    while (ticket !== undefined && !this.wait(ticket, Infinity));
  }

  /** Arrives. Returns the ticket to wait with, or undefined for the last, who has let the others go. */
  arrive(): number | undefined {
    const { words } = this;
    // read before arriving: from then on the others may end the barrier at any time
    const ticket = Atomics.load(words, generation);
    if (Atomics.add(words, arrived, 1) < this.workers - 1) return ticket;
    Atomics.store(words, arrived, 0);
    Atomics.add(words, generation, 1);
    // a sleeper counts itself before it looks at the generation, so either it is seen here or it does not fall asleep
    if (Atomics.load(words, asleep) > 0) Atomics.notify(words, generation);
    return undefined;
  }

  /** Waits for the others, asleep for at most `milliseconds`; tells whether they have all come. */
  wait(ticket: number, milliseconds: number): boolean {
    const { words } = this;
    for (let turn = 0; turn < this.spins; turn++) {
      if (Atomics.load(words, generation) !== ticket) return true;
    }
    if (milliseconds > 0) {
      Atomics.add(words, asleep, 1);
      Atomics.wait(words, generation, ticket, milliseconds);
      Atomics.sub(words, asleep, 1);
    }
    return Atomics.load(words, generation) !== ticket;
  }

  /** Ends a run before its last step. The others see it when they have passed the next barrier. */
  stop(run: number): void {
    Atomics.store(this.words, stopped, run);
  }

  /** Whether the run was ended. Runs have numbers, so that nobody has to be told when the next one may begin. */
  hasStopped(run: number): boolean {
    return Atomics.load(this.words, stopped) === run;
  }
}

/** Whether this thread may sleep. In browsers the main thread may not. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
