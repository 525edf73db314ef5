/** The workers beside the thread that owns the engine, which is worker 0 itself. They never keep the process alive. */
import { BackendError } from '../../core/errors.js';
import { Barrier, controlBytes, maySleep, spinsFor } from './barrier.js';
import type { Kernel } from './kernels.js';
import type { WasmMemory } from './memory.js';
import { type BoundPhase, runPhase, type Table } from './table.js';
import { processors, startThread, type Thread } from './thread.js';
import type { WorkerMessage } from './worker.js';

/** How long worker 0 sleeps at a barrier before it lets the event loop tell of a dead worker, in milliseconds. */
const patience = 50;

export class Pool {
  /** Started when there is work to share, so that an engine for small things costs no threads. */
  private threads: Thread[] | undefined;
  private readonly barrier: Barrier;
  private readonly control: number;
  private readonly spins: number;
  private readonly sleep = maySleep() ? patience : 0;
  private readonly sent = new Set<Kernel>();
  private programs = 0;
  private run = 0;
  /** Steps of the run that the workers have not begun. */
  private left = 0;
  private dead: string | undefined;

  constructor(
    private readonly memory: WasmMemory,
    /** All workers, the first included. */
    readonly workers: number,
  ) {
    this.control = memory.allocate(controlBytes);
    this.spins = spinsFor(workers, processors());
    const words = new Int32Array(memory.memory.buffer, this.control, controlBytes / 4);
    this.barrier = new Barrier(words, workers, this.spins);
  }

  /** Makes a program known to all workers, or its new table; gives its number. */
  setTable(program: number | undefined, table: Table, kernels: readonly Kernel[]): number {
    this.start();
    for (const kernel of kernels) {
      if (this.sent.has(kernel)) continue;
      this.sent.add(kernel);
      this.send({ type: 'kernel', kernel: kernel.id, module: kernel.module });
    }
    const number = program ?? this.programs++;
    this.send({ type: 'table', program: number, table });
    return number;
  }

  /** Calls the workers to a run. `step` must follow for every step, or `end`. */
  begin(program: number, steps: number): void {
    this.checkAlive();
    this.run++;
    this.left = steps;
    this.send({ type: 'run', program, steps, run: this.run });
  }

  /** Walks the program once in step with the workers. `phases` is worker 0's share. */
  step(phases: readonly BoundPhase[]): Promise<void> | undefined {
    this.checkAlive();
    this.left--;
    return this.follow(this.meet(), phases, 0);
  }

  /** Ends the run: before its last step if there are any left. */
  end(): Promise<void> | undefined {
    if (this.left === 0 || this.dead !== undefined) return undefined;
    this.left = 0;
    this.barrier.stop(this.run);
    return this.meet();
  }

  close(): void {
    this.die('the pool is closed');
  }

  private start(): void {
    if (this.threads !== undefined) return;
    const { memory } = this.memory;
    const { workers, spins, control } = this;
    this.threads = Array.from({ length: workers - 1 }, (_, i) => {
      const worker = i + 1;
      const died = (reason: string) => this.die(`worker ${worker} died: ${reason}`);
      const thread = startThread(`quern ${worker}`, died);
      thread.send({ type: 'start', memory, worker, workers, spins, control });
      return thread;
    });
  }

  private send(message: WorkerMessage): void {
    for (const thread of this.threads!) thread.send(message);
  }

  /** Does the phases from `index` on, when `pause`, the wait before them, is over. A promise only where it has to wait. */
  private follow(
    pause: Promise<void> | undefined,
    phases: readonly BoundPhase[],
    index: number,
  ): Promise<void> | undefined {
    if (pause !== undefined) return pause.then(() => this.follow(undefined, phases, index));
    for (let i = index; i < phases.length; i++) {
      this.runPhase(phases[i]!);
      const next = this.meet();
      if (next !== undefined) return this.follow(next, phases, i + 1);
    }
    return undefined;
  }

  private runPhase(phase: BoundPhase): void {
    try {
      runPhase(phase);
    } catch (cause) {
      // the others wait for a phase that will never end
      this.die(`worker 0 died: ${cause}`);
      throw new BackendError(this.dead!, { cause });
    }
  }

  /** Waits at the barrier: at once where the others come soon, else in turns with the event loop. */
  private meet(): Promise<void> | undefined {
    const ticket = this.barrier.arrive();
    if (ticket === undefined || this.barrier.wait(ticket, this.sleep)) return undefined;
    return this.meetSlowly(ticket);
  }

  private async meetSlowly(ticket: number): Promise<void> {
    do {
      await new Promise((resolve) => setTimeout(resolve));
      this.checkAlive();
    } while (!this.barrier.wait(ticket, this.sleep));
  }

  private checkAlive(): void {
    if (this.dead !== undefined) throw new BackendError(this.dead);
  }

  /** One worker cannot be replaced in the middle of a step: all end. */
  private die(reason: string): void {
    if (this.dead !== undefined) return;
    this.dead = `wasm: ${reason}`;
    for (const thread of this.threads ?? []) thread.terminate();
  }
}
