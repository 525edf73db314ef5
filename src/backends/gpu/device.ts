/** One instance of gpu.js: opens a mode, compiles kernel texts and runs them, and makes sure which mode really ran. */
import { GPU, type IKernelRunShortcut, Input } from 'gpu.js';
import type { GpuSource } from '../../../kernels/gpu.js';
import { BackendError } from '../../core/errors.js';

/** The modes that can be opened: gpu.js's own fallbacks, which run on the CPU. */
export const gpuModes = ['cpu', 'webasm'] as const;

export type GpuMode = (typeof gpuModes)[number];

/** A compiled kernel. It takes the buffers of its inputs and gives a new buffer, which nothing writes again. */
export type RunKernel = (inputs: readonly Float32Array[]) => Float32Array;

/** A gpu.js instance in one mode. Kernels stay compiled until it is closed. */
export class GpuDevice {
  private readonly gpu: GPU;
  private readonly compiled = new Map<string, RunKernel>();
  private closed = false;

  /** Throws a BackendError where gpu.js refuses the mode. */
  constructor(readonly mode: GpuMode) {
    try {
      this.gpu = new GPU({ mode });
    } catch (cause) {
      throw new BackendError(`gpu: gpu.js refuses its mode ${mode}`, { cause });
    }
  }

  /** Throws a BackendError once the device is closed. */
  checkOpen(): void {
    if (this.closed) throw new BackendError('gpu: the backend is closed');
  }

  /**
   * Compiles a kernel for inputs of `sizes` elements, or finds it compiled: equal texts over equal tables are one
   * kernel. Throws a BackendError where gpu.js does not take the text, or falls back to another mode for it.
   */
  compile(source: GpuSource, sizes: readonly number[]): RunKernel {
    const key = JSON.stringify([source, sizes]);
    let run = this.compiled.get(key);
    if (run === undefined) {
      run = this.build(source, sizes);
      this.compiled.set(key, run);
    }
    return run;
  }

  private build({ source, output, columns }: GpuSource, sizes: readonly number[]): RunKernel {
    const name = source.slice(0, source.indexOf('(')).replace('function ', '');
    // gpu.js has no tables without elements: an empty buffer is handed over as one zero, which no thread reads.
    const tables = (inputs: readonly Float32Array[]) =>
      inputs.map((buffer, i) => {
        const values = buffer.length === 0 ? new Float32Array(1) : buffer;
        return new Input(values as ArrayLike<number> as number[], [columns[i]!, values.length / columns[i]!]);
      });
    let kernel: IKernelRunShortcut;
    try {
      // Precision and tactic default to what the device prefers. Calls are synchronous: in its asynchronous ones the
      // webasm mode starts a pool of workers for every kernel.
      kernel = this.gpu.createKernel(source, {
        output: [...output],
        precision: 'single',
        tactic: 'precision',
      });
      // gpu.js compiles at the first call; this compiles now, for tables of these sizes. Its types leave it out.
      const { build } = kernel as unknown as { build(...inputs: unknown[]): void };
      build(...tables(sizes.map((size) => new Float32Array(size))));
    } catch (cause) {
      throw new BackendError(`gpu: ${name} does not compile in gpu.js's mode ${this.mode}`, { cause });
    }
    checkMode(kernel, name, this.mode);
    return (inputs) => {
      const rows = kernel(...tables(inputs)) as Float32Array[];
      checkMode(kernel, name, this.mode);
      return joinRows(rows, output);
    };
  }

  /** Releases every kernel; from then on the device refuses everything. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.compiled.clear();
    await this.gpu.destroy();
  }
}

/** gpu.js swaps a kernel that a mode cannot run for one of its mode cpu, with no more than a line on the console. */
function checkMode(kernel: IKernelRunShortcut, name: string, asked: GpuMode): void {
  const ran = kernel.kernel as unknown as { constructor: { mode: string }; fallbackReason?: string | null };
  const { mode } = ran.constructor;
  if (mode !== asked) {
    const reason = ran.fallbackReason ?? 'no reason is given';
    throw new BackendError(`gpu: ${name} fell back from gpu.js's mode ${asked} to ${mode}: ${reason}`);
  }
}

/** gpu.js gives an array of rows. The webasm mode cuts them from one array, which is then the whole of its memory. */
function joinRows(rows: readonly Float32Array[], [columns, count]: readonly [number, number]): Float32Array {
  const [first] = rows;
  if (first !== undefined && first.buffer.byteLength === 4 * columns * count) {
    return new Float32Array(first.buffer);
  }
  const joined = new Float32Array(columns * count);
  rows.forEach((elements, index) => {
    joined.set(elements, index * columns);
  });
  return joined;
}
