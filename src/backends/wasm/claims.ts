/**
 * How workers share the work of a run. It is cut into chunks, and these stand in a line: those of the first phase, those
 * of the second, … , step after step. Two counters in shared memory tell how many were claimed and how many are
 * finished; a thread that is free claims the next chunk, as soon as all phases before it are finished. A claim is a
 * ticket for one of the phase's chunks; which one, it chooses: its own first, whose data its cache may hold still.
 *
 * So a worker that comes late, or that the operating system has put aside, holds nobody up unless it has claimed
 * something; and when all is finished, no worker touches the memory any more, however late it looks.
 * Both counters wrap around at 2^32, so they are compared by their difference.
 */
import { type Chunk, runChunk, type ScratchState } from './table.js';

/** The most chunks of a phase. */
export const mostChunks = 1024;
/** Bytes of the control block. Each word has a cache line of its own. */
export const controlBytes = (3 + mostChunks) * 64;

/** Number of chunks claimed. */
const claimed = 0;
/** Number of chunks finished; what waiting workers watch. */
const finished = 16;
/** How many workers sleep, or are about to. */
const asleep = 32;
/** For each chunk of a phase, with a distance of 16: where the phase began that it was last taken in. */
const taken = 48;

/**
 * Turns of the spinning loop before a worker sleeps. Where every worker has a processor, it spins for about as long as
 * it takes to fall asleep and be woken (10 µs); where they share, spinning keeps the other from finishing.
 */
export function spinsFor(workers: number, processors: number): number {
  return workers <= processors ? 2000 : 100;
}

/** One worker's view of the two counters. Every worker has one, over the same words. */
export class Claims {
  private readonly scratch: ScratchState = { holder: undefined, turn: 0 };
  /** Where the phase began that a chunk was last taken in, and how many of its order need not be looked at again. */
  private phase = 0;
  private passed = 0;
  /** Milliseconds that this worker has waited, moments of spinning aside. */
  slept = 0;

  /** @param maySleep this thread may sleep; in browsers the main thread may not, and spins on */
  constructor(
    private readonly words: Int32Array,
    private readonly spins: number,
    private readonly maySleep: boolean,
  ) {}

  /** How many chunks are finished, counted from the beginning of time. */
  get finished(): number {
    return Atomics.load(this.words, finished);
  }

  /**
   * Claims chunks and does them, as long as it need not wait. Returns the number of finished chunks to wait for before
   * the next call, or undefined if nothing is left to claim.
   *
   * @param chunks those of a step. The first is worker 0's: it opens the step by `open`.
   * @param start number of chunks that were finished before the first step
   * @param count number of chunks of all steps
   */
  work(chunks: readonly Chunk[], start: number, count: number): number | undefined {
    const { words } = this;
    for (;;) {
      const position = Atomics.load(words, claimed);
      const passed = (position - start) | 0;
      if (passed >= count) return undefined;
      const index = passed % chunks.length;
      const step = position - index;
      if (index === 0) return (step + 1) | 0;
      const chunk = chunks[index]!;
      const before = (step + chunk.phaseStart) | 0;
      if (!this.reached(before)) return before;
      if (Atomics.compareExchange(words, claimed, position, (position + 1) | 0) !== position) continue;
      runChunk(this.take(chunks, chunk, before), this.scratch, step);
      const done = (Atomics.add(words, finished, 1) + 1) | 0;
      if (done === ((step + chunk.phaseEnd) | 0)) this.wake();
    }
  }

  /** Takes a chunk of a phase, for a ticket: there are as many as chunks, so that one is left. */
  private take(chunks: readonly Chunk[], { phaseStart, order }: Chunk, phase: number): Chunk {
    if (order.length === 1) return chunks[phaseStart]!;
    if (this.phase !== phase) {
      this.phase = phase;
      this.passed = 0;
    }
    while (this.passed < order.length) {
      const place = order[this.passed++]!;
      const word = taken + 16 * place;
      const seen = Atomics.load(this.words, word);
      if (seen !== phase && Atomics.compareExchange(this.words, word, seen, phase) === seen)
        return chunks[phaseStart + place]!;
    }
    throw new Error('no chunk is left of a phase');
  }

  /** Does the chunks of a step alone, while nobody is called; nothing is counted. */
  workAlone(chunks: readonly Chunk[]): void {
    this.scratch.holder = undefined;
    for (let index = 0; index < chunks.length; index++) runChunk(chunks[index]!, this.scratch, 0);
    this.scratch.holder = undefined;
  }

  /** Passes `chunks` chunks without doing them; for worker 0, while nobody can claim any: 1 to open a step. */
  pass(chunks: number): void {
    Atomics.add(this.words, claimed, chunks);
    Atomics.add(this.words, finished, chunks);
    this.wake();
  }

  /** Waits until `count` chunks are finished, for at most `milliseconds`; tells whether they are. */
  wait(count: number, milliseconds: number): boolean {
    if (this.spin(count)) return true;
    const began = performance.now();
    const before = this.slept;
    for (;;) {
      const left = milliseconds - (this.slept - before);
      if (left <= 0) return false;
      const reached = this.maySleep ? this.doze(count, left) : this.spin(count);
      this.slept = before + (performance.now() - began);
      if (reached) return true;
    }
  }

  private spin(count: number): boolean {
    for (let turn = 0; turn < this.spins; turn++) if (this.reached(count)) return true;
    return false;
  }

  /** Sleeps until a phase is over. */
  private doze(count: number, milliseconds: number): boolean {
    // counts itself before it looks: then either it sees the last chunk, or who finishes that chunk sees it
    Atomics.add(this.words, asleep, 1);
    const seen = this.finished;
    if (((seen - count) | 0) < 0) Atomics.wait(this.words, finished, seen, milliseconds);
    Atomics.sub(this.words, asleep, 1);
    return this.reached(count);
  }

  private reached(count: number): boolean {
    return ((this.finished - count) | 0) >= 0;
  }

  private wake(): void {
    if (Atomics.load(this.words, asleep) > 0) Atomics.notify(this.words, finished);
  }
}

/** Tells whether this thread may sleep. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
