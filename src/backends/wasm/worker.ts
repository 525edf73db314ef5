/**
 * A worker of the pool: it keeps kernels and tables, and walks a table when it is told to, in step with the others. It
 * never answers: what it has done shows at the barriers, and an error ends it, which the pool is told of.
 */
import type { KernelRun } from '../../writers/assembler.js';
import { Barrier, controlBytes } from './barrier.js';
import { type BoundPhase, bindTable, runPhase, type Table } from './table.js';

/** What the pool sends. */
export type WorkerMessage =
  | {
      readonly type: 'start';
      readonly memory: WebAssembly.Memory;
      readonly worker: number;
      readonly workers: number;
      readonly spins: number;
      /** Address of the control block. */
      readonly control: number;
    }
  | { readonly type: 'kernel'; readonly kernel: number; readonly module: WebAssembly.Module }
  | { readonly type: 'table'; readonly program: number; readonly table: Table }
  | { readonly type: 'run'; readonly program: number; readonly steps: number; readonly run: number };

let memory: WebAssembly.Memory;
let barrier: Barrier;
let worker: number;
let workers: number;
const kernels: KernelRun[] = [];
const programs: BoundPhase[][] = [];

function walk(phases: readonly BoundPhase[], steps: number, run: number): void {
  for (let step = 0; step < steps; step++) {
    // worker 0 writes the feeds of the step
    barrier.meet();
    if (barrier.hasStopped(run)) return;
    for (let i = 0; i < phases.length; i++) {
      runPhase(phases[i]!);
      barrier.meet();
    }
  }
}

function handle(message: WorkerMessage): void {
  switch (message.type) {
    case 'start':
      ({ memory, worker, workers } = message);
      barrier = new Barrier(
        new Int32Array(memory.buffer, message.control, controlBytes / 4),
        workers,
        message.spins,
      );
      return;
    case 'kernel': {
      const instance = new WebAssembly.Instance(message.module, { env: { memory } });
      kernels[message.kernel] = instance.exports.run as KernelRun;
      return;
    }
    case 'table':
      programs[message.program] = bindTable(message.table, kernels, worker, workers);
      return;
    case 'run':
      walk(programs[message.program]!, message.steps, message.run);
  }
}

// Node gives a worker a port, browsers a global scope.
const node = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
if (node?.parentPort) {
  node.parentPort.on('message', handle);
} else {
  globalThis.onmessage = ({ data }: MessageEvent<WorkerMessage>) => handle(data);
}
