/** The workers beside the thread that owns the engine, which is worker 0 itself. They never keep the process alive. */
import { BackendError } from '../../core/errors.js';
import { Barrier, controlBytes } from './barrier.js';
import type { WasmMemory } from './memory.js';
import type { BoundPhase, Table } from './table.js';
import { runPhase } from './table.js';
import type { WorkerAnswer, WorkerMessage } from './worker.js';

/** What Node's and the browser's Worker have in common, as far as it is used. */
interface Thread {
  send(message: WorkerMessage): void;
  terminate(): void;
}

/** How long worker 0 sleeps at a barrier before it lets the event loop tell of a dead worker, in milliseconds. */
const patience = 200;

interface Listeners {
  readonly answer: (answer: WorkerAnswer) => void;
  readonly died: (reason: string) => void;
}

async function startThread(name: string, { answer, died }: Listeners): Promise<Thread> {
  const url = new URL('./worker.js', import.meta.url);
  if (typeof process !== 'undefined' && process.versions?.node !== undefined) {
    const { Worker: NodeWorker } = await import('node:worker_threads');
    const worker = new NodeWorker(url, { name });
    worker.unref();
    worker.on('message', answer);
    worker.on('error', (error) => died(String(error)));
    worker.on('exit', (code) => died(`it ended with code ${code}`));
    return { send: (message) => worker.postMessage(message), terminate: () => void worker.terminate() };
  }
  const worker = new Worker(url, { type: 'module', name });
  worker.onmessage = ({ data }) => answer(data as WorkerAnswer);
  worker.onerror = ({ message }) => died(message);
  return { send: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
}

export class Pool {
  private readonly threads: Thread[] = [];
  private readonly barrier: Barrier;
  private readonly control: number;
  private programs = 0;
  private waiting = 0;
  private finished: () => void = () => {};
  private dead: string | undefined;
  private closing = false;

  private constructor(
    private readonly memory: WasmMemory,
    /** All workers, the first included. */
    readonly workers: number,
  ) {
    this.control = memory.allocate(controlBytes);
    const words = new Int32Array(memory.memory.buffer, this.control, controlBytes / 4);
    this.barrier = new Barrier(words, workers);
  }

  static async open(memory: WasmMemory, workers: number): Promise<Pool> {
    const pool = new Pool(memory, workers);
    for (let worker = 1; worker < workers; worker++) {
      const thread = await startThread(`quern ${worker}`, {
        answer: (answer) => pool.answered(worker, answer),
        died: (reason) => pool.died(worker, reason),
      });
      thread.send({ type: 'start', memory: memory.memory, worker, workers, control: pool.control });
      pool.threads.push(thread);
    }
    return pool;
  }

  /** Makes a program known to all workers; gives its number. */
  addProgram(modules: readonly WebAssembly.Module[]): number {
    const program = this.programs++;
    this.send({ type: 'modules', program, modules });
    return program;
  }

  setTable(program: number, table: Table): void {
    this.send({ type: 'table', program, table });
  }

  /**
   * Walks a program in step with the workers.
   *
   * @param phases worker 0's share
   * @param before called before each step, by worker 0 alone
   */
  async run(
    program: number,
    phases: readonly BoundPhase[],
    steps: number,
    before: (step: number) => Promise<void> | undefined,
  ): Promise<void> {
    this.checkAlive();
    this.barrier.reset();
    this.waiting = this.threads.length;
    const left = new Promise<void>((resolve) => {
      this.finished = resolve;
    });
    this.send({ type: 'run', program, steps });
    try {
      for (let step = 0; step < steps; step++) {
        const preparation = before(step);
        if (preparation !== undefined) await preparation;
        const start = this.meet();
        if (start !== undefined) await start;
        for (const phase of phases) {
          runPhase(phase);
          const pause = this.meet();
          if (pause !== undefined) await pause;
        }
      }
    } catch (error) {
      this.barrier.release();
      throw error;
    } finally {
      if (this.dead === undefined) await left;
    }
    this.checkAlive();
  }

  close(): void {
    this.closing = true;
    for (const thread of this.threads) thread.terminate();
    this.memory.release(this.control, controlBytes);
  }

  private send(message: WorkerMessage): void {
    for (const thread of this.threads) thread.send(message);
  }

  /** Waits at the barrier: at once where the others come soon, else in turns with the event loop. */
  private meet(): Promise<void> | undefined {
    const ticket = this.barrier.arrive();
    if (ticket === undefined) return this.checkFailure();
    if (this.barrier.wait(ticket, patience)) return this.checkFailure();
    return this.meetSlowly(ticket);
  }

  private async meetSlowly(ticket: number): Promise<void> {
    do {
      await new Promise((resolve) => setTimeout(resolve));
      this.checkAlive();
    } while (!this.barrier.wait(ticket, patience));
    this.checkFailure();
  }

  private checkFailure(): undefined {
    const { failure } = this.barrier;
    if (failure > 0) throw new BackendError(`wasm: worker ${failure} failed`);
  }

  private checkAlive(): void {
    if (this.dead !== undefined) throw new BackendError(this.dead);
  }

  private answered(worker: number, answer: WorkerAnswer): void {
    if (answer.type === 'failed') this.died(worker, answer.reason);
    this.waiting--;
    if (this.waiting === 0) this.finished();
  }

  private died(worker: number, reason: string): void {
    if (this.closing) return;
    this.dead ??= `wasm: worker ${worker} died: ${reason}`;
    this.finished();
  }
}
