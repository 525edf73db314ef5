/** A worker of the pool: it keeps programs, and walks one when it is told to, in step with the others. */
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
      readonly control: number;
    }
  | { readonly type: 'modules'; readonly program: number; readonly modules: readonly WebAssembly.Module[] }
  | { readonly type: 'table'; readonly program: number; readonly table: Table }
  | { readonly type: 'run'; readonly program: number; readonly steps: number };

/** What it answers, once a run, when it has left the run's last barrier or failed. */
export type WorkerAnswer = { readonly type: 'done' } | { readonly type: 'failed'; readonly reason: string };

interface WorkerState {
  readonly memory: WebAssembly.Memory;
  readonly worker: number;
  readonly workers: number;
  readonly barrier: Barrier;
}

let state: WorkerState;
const instances = new WeakMap<WebAssembly.Module, KernelRun>();
const functions = new Map<number, KernelRun[]>();
const tables = new Map<number, BoundPhase[]>();

function instantiate(module: WebAssembly.Module): KernelRun {
  let run = instances.get(module);
  if (run === undefined) {
    run = new WebAssembly.Instance(module, { env: { memory: state.memory } }).exports.run as KernelRun;
    instances.set(module, run);
  }
  return run;
}

/** Waits for all, sleeping as long as it takes; tells whether the run goes on. */
function meet(barrier: Barrier): boolean {
  const ticket = barrier.arrive();
  while (ticket !== undefined && !barrier.stopping && !barrier.wait(ticket, 1000));
  return !barrier.stopping;
}

function walk(phases: readonly BoundPhase[], steps: number): void {
  const { barrier } = state;
  for (let step = 0; step < steps; step++) {
    // the first worker writes the feeds of the step
    if (!meet(barrier)) return;
    for (const phase of phases) {
      runPhase(phase);
      if (!meet(barrier)) return;
    }
  }
}

/** Handles a message; gives the answer to send back, if any. */
export function handle(message: WorkerMessage): WorkerAnswer | undefined {
  switch (message.type) {
    case 'start': {
      const { memory, worker, workers, control } = message;
      const words = new Int32Array(memory.buffer, control, controlBytes / 4);
      state = { memory, worker, workers, barrier: new Barrier(words, workers) };
      return undefined;
    }
    case 'modules':
      functions.set(message.program, message.modules.map(instantiate));
      return undefined;
    case 'table':
      tables.set(
        message.program,
        bindTable(message.table, functions.get(message.program)!, state.worker, state.workers),
      );
      return undefined;
    case 'run':
      try {
        walk(tables.get(message.program)!, message.steps);
        return { type: 'done' };
      } catch (error) {
        state.barrier.fail(state.worker);
        return { type: 'failed', reason: String(error) };
      }
  }
}

/** Node gives workers a port, browsers a global scope; both have the same two ends. */
async function listen(): Promise<void> {
  const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined;
  if (isNode) {
    const { parentPort } = await import('node:worker_threads');
    parentPort?.on('message', (message: WorkerMessage) => {
      const answer = handle(message);
      if (answer !== undefined) parentPort.postMessage(answer);
    });
    return;
  }
  const scope = globalThis as unknown as {
    onmessage: (event: { data: WorkerMessage }) => void;
    postMessage(answer: WorkerAnswer): void;
  };
  scope.onmessage = ({ data }) => {
    const answer = handle(data);
    if (answer !== undefined) scope.postMessage(answer);
  };
}

await listen();
