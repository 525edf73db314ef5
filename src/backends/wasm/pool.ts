/** The workers beside the thread that owns the engine, which is worker 0 itself. They never keep the process alive. */
import { BackendError, sentenceOf } from '../../core/errors.js';
import { processors } from '../../core/machine.js';
import { turn } from '../../engine/runSteps.js';
import { Claims, controlBytes, maySleep, spinsFor } from './claims.js';
import type { Kernel } from './kernels.js';
import type { WasmMemory } from './memory.js';
import type { Sharing } from './sharing.js';
import type { Chunk, Table } from './table.js';
import { startThread, type Thread } from './thread.js';
import type { WorkerMessage } from './worker.js';

/** How long worker 0 waits before it lets the event loop tell of a dead worker, in milliseconds. */
const patience = 50;

/** The workers are called for at most so many chunks at once: counters that wrap are compared by their difference. */
const mostChunks = 2 ** 30;

/** A program as worker 0 walks it. */
interface PooledProgram {
  readonly number: number;
  readonly chunks: readonly Chunk[];
  readonly sharing: Sharing;
}

/**
 * The workers of one backend over one memory. A run is `begin(steps)`, then `step` for each of them, then `end`; every
 * step has worker 0 work too, or alone where that is faster (sharing.ts). Once a worker has died, steps throw a BackendError that names it.
 */
export class Pool {
  /** Started when there is work to share, so that an engine for small things costs no threads. */
  private threads: readonly Thread[] | undefined;
  private readonly claims: Claims;
  private readonly control: number;
  private readonly spins: number;
  private readonly sent = new WeakSet<Kernel>();
  private programs = 0;
  /** Steps of the run that are not begun, and those of them that the workers were called for. */
  private left = 0;
  private called = 0;
  private dead: string | undefined;

  constructor(
    private readonly memory: WasmMemory,
    /** All workers, the first included. */
    readonly workers: number,
    /** Where worker.js is, if not beside this file. */
    private readonly script?: string | URL | undefined,
    /** Where workers find what calls machine code, if there is any. */
    private readonly native?: string | undefined,
  ) {
    this.control = memory.allocate(controlBytes);
    this.spins = spinsFor(workers, processors());
    this.claims = new Claims(
      new Int32Array(memory.memory.buffer, this.control, controlBytes / 4),
      this.spins,
      maySleep(),
    );
  }

  /** Makes a program known to all workers, or its new table; gives its number. */
  setTable(program: number | undefined, table: Table, kernels: readonly Kernel[]): number {
    this.start();
    for (const kernel of kernels) {
      if (this.sent.has(kernel)) continue;
      this.sent.add(kernel);
      const { id, module } = kernel;
      if (module !== undefined) this.send({ type: 'kernel', kernel: id, module });
    }
    const number = program ?? this.programs++;
    this.send({ type: 'table', program: number, table });
    return number;
  }

  /** Has the workers forget a program, or a kernel, that nobody refers to any more. */
  forget(what: { readonly program: number } | { readonly kernel: number }): void {
    if (this.threads === undefined || this.dead !== undefined) return;
    this.send({ type: 'forget', ...what });
  }

  /** Begins a run. `step` must follow for every step, or `end`. */
  begin(steps: number): void {
    this.left = steps;
    this.called = 0;
  }

  /** Walks the program once, with the help of the workers where that pays; the feeds must be in place. */
  step(program: PooledProgram): Promise<void> | undefined {
    this.checkAlive();
    const { sharing } = program;
    // numbers alone are kept from here on: a step leaves no garbage worth telling
    const began = performance.now();
    const { slept } = this.claims;
    if (sharing.alone) this.stepAlone(program);
    else {
      const pending = this.share(program);
      if (pending !== undefined) return this.recordAfter(pending, sharing, began, slept);
    }
    this.record(sharing, began, slept);
    return undefined;
  }

  private record(sharing: Sharing, began: number, slept: number): void {
    const now = performance.now();
    sharing.record(now, now - began, this.claims.slept - slept);
  }

  private async recordAfter(
    pending: Promise<void>,
    sharing: Sharing,
    began: number,
    slept: number,
  ): Promise<void> {
    await pending;
    this.record(sharing, began, slept);
  }

  private stepAlone({ chunks }: PooledProgram): void {
    this.end(chunks);
    this.left--;
    try {
      this.claims.workAlone(chunks);
    } catch (cause) {
      this.dieOf(cause);
    }
  }

  private share({ number, chunks }: PooledProgram): Promise<void> | undefined {
    const start = this.claims.finished;
    if (this.called === 0) {
      this.called = Math.min(this.left, Math.floor(mostChunks / chunks.length));
      this.send({ type: 'run', program: number, start, count: this.called * chunks.length });
    }
    this.left--;
    this.called--;
    this.claims.pass(1);
    return this.finish(chunks, start);
  }

  /** Ends the run between two steps: tells workers that were called for more that there is no more. */
  end(chunks: readonly Chunk[]): void {
    if (this.dead === undefined && this.called > 0) this.claims.pass(this.called * chunks.length);
    this.called = 0;
  }

  /** Throws a BackendError once a worker has died: what it was in the middle of is lost. */
  checkAlive(): void {
    if (this.dead !== undefined) throw new BackendError(this.dead);
  }

  close(): void {
    this.die('the backend is closed');
  }

  /** Starts the threads, if that has not been done: they get ready while others compile what they will do. */
  start(): void {
    if (this.threads !== undefined) return;
    const { memory } = this.memory;
    const { workers, spins, control, native } = this;
    const threads: Thread[] = [];
    this.threads = threads;
    for (let worker = 1; worker < workers; worker++) {
      try {
        const died = (reason: string) => this.die(`worker ${worker} died: ${reason}`);
        const thread = startThread(`quern ${worker}`, this.script, died);
        threads.push(thread);
        thread.send({ type: 'start', memory, worker, spins, control, native });
      } catch (cause) {
        this.die(`worker ${worker} does not start: ${sentenceOf(cause)}`);
        const { hint } = cause as { hint?: string };
        throw new BackendError(this.dead!, { cause, ...(hint === undefined ? {} : { hint }) });
      }
    }
  }

  private send(message: WorkerMessage): void {
    for (const thread of this.threads!) thread.send(message);
  }

  /** Works until the step that began at `start` is finished. A promise only where it has to wait for long. */
  private finish(chunks: readonly Chunk[], start: number): Promise<void> | undefined {
    const end = (start + chunks.length) | 0;
    for (;;) {
      const awaited = this.work(chunks, start) ?? end;
      if (!this.claims.wait(awaited, patience)) return this.finishSlowly(chunks, start);
      if (awaited === end) return undefined;
    }
  }

  private async finishSlowly(chunks: readonly Chunk[], start: number): Promise<void> {
    // the event loop tells of dead workers
    await turn();
    this.checkAlive();
    await this.finish(chunks, start);
  }

  private work(chunks: readonly Chunk[], start: number): number | undefined {
    try {
      return this.claims.work(chunks, start, chunks.length);
    } catch (cause) {
      return this.dieOf(cause);
    }
  }

  /** The others would wait for ever for what worker 0 had claimed. */
  private dieOf(cause: unknown): never {
    this.die(`worker 0 died: ${cause}`);
    throw new BackendError(this.dead!, { cause });
  }

  /** A worker cannot be replaced in the middle of a step: all end. */
  private die(reason: string): void {
    if (this.dead !== undefined) return;
    this.dead = `wasm: ${reason}`;
    for (const thread of this.threads ?? []) thread.terminate();
  }
}
