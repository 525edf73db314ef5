/**
 * A worker of the pool: it keeps kernels and tables, and helps with a run when it is told of one. It never answers: what
 * it has done shows in the claims, and an error ends it, which the pool is told of.
 */
import type { KernelRun } from '../../writers/wasm/assembler.js';
import { Claims, controlBytes } from './claims.js';
import { openWalk } from './native/host.js';
import { bindTable, type Chunk, type Table, type Walk } from './table.js';

/** Messages from the pool. */
export type WorkerMessage =
  | {
      readonly type: 'start';
      readonly memory: WebAssembly.Memory;
      readonly worker: number;
      readonly spins: number;
      /** Address of the control block. */
      readonly control: number;
      /** Where the object is that calls machine code, if there is any. */
      readonly native?: string | undefined;
    }
  | { readonly type: 'kernel'; readonly kernel: number; readonly module: WebAssembly.Module }
  | { readonly type: 'table'; readonly program: number; readonly table: Table }
  | { readonly type: 'forget'; readonly program?: number; readonly kernel?: number }
  | { readonly type: 'run'; readonly program: number; readonly start: number; readonly count: number };

let memory: WebAssembly.Memory;
let claims: Claims;
let worker: number;
let walk: Walk | undefined;
const kernels: KernelRun[] = [];
const programs: Chunk[][] = [];

function help(chunks: readonly Chunk[], start: number, count: number): void {
  for (;;) {
    const awaited = claims.work(chunks, start, count);
    if (awaited === undefined) return;
    claims.wait(awaited, Infinity);
  }
}

function handle(message: WorkerMessage): void {
  switch (message.type) {
    case 'start': {
      ({ memory, worker } = message);
      const words = new Int32Array(memory.buffer, message.control, controlBytes / 4);
      claims = new Claims(words, message.spins, true);
      if (message.native !== undefined) walk = openWalk(message.native);
      return;
    }
    case 'kernel': {
      const instance = new WebAssembly.Instance(message.module, { env: { memory } });
      kernels[message.kernel] = instance.exports.run as KernelRun;
      return;
    }
    case 'table':
      programs[message.program] = bindTable(message.table, kernels, worker, walk);
      return;
    case 'forget':
      if (message.program !== undefined) delete programs[message.program];
      if (message.kernel !== undefined) delete kernels[message.kernel];
      return;
    case 'run':
      help(programs[message.program]!, message.start, message.count);
  }
}

// Node gives a worker a port, browsers a global scope.
const node = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
if (node?.parentPort) {
  node.parentPort.on('message', handle);
} else {
  globalThis.onmessage = ({ data }: MessageEvent<WorkerMessage>) => handle(data);
}
