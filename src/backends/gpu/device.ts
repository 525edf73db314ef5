/** The part of every mode of gpu.js: compiles texts, runs them on buffers, and says what went wrong. */
import type { GpuSource, GpuVec4 } from '../../../kernels/gpu.js';
import { BackendError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import type { GpuBuffer } from './buffer.js';
import type { GpuMode } from './modes.js';

/** A compiled kernel. It takes the buffers of its inputs and gives a new one. */
export type RunKernel = (inputs: readonly GpuBuffer[]) => GpuBuffer | Promise<GpuBuffer>;

/** The name of the function of a text. */
function nameOf({ source }: GpuSource): string {
  return source.slice(0, source.indexOf('(')).replace('function ', '');
}

/** How many numbers the result of a text has. */
export function sizeOfResult({ output: [columns, rows], vec4 }: GpuSource): number {
  return columns * rows * (vec4 === true ? 4 : 1);
}

/** A gpu.js instance in one mode. Kernels stay compiled until it is closed. */
export abstract class GpuDevice {
  /** The name that the driver gives itself; undefined for the modes that run on the CPU. */
  readonly adapter: string | undefined;
  /** How its kernels give four numbers at once, if they do. */
  readonly vec4: GpuVec4 = 'none';
  private readonly compiled = new Map<string, Promise<RunKernel>>();
  private closed = false;

  constructor(
    readonly mode: GpuMode,
    adapter?: string,
  ) {
    this.adapter = adapter;
  }

  /** Throws a BackendError once the device is closed or lost. */
  checkOpen(): void {
    if (this.closed) throw new BackendError('gpu: the backend is closed');
  }

  /**
   * Compiles a kernel for inputs of `sizes` elements, or finds it compiled: equal texts over equal tables are one
   * kernel. Rejects with a BackendError where gpu.js does not take the text, or falls back to another mode for it.
   */
  compile(source: GpuSource, sizes: readonly number[]): Promise<RunKernel> {
    const key = JSON.stringify([source, sizes]);
    let run = this.compiled.get(key);
    if (run === undefined) {
      run = this.build(source, sizes);
      this.compiled.set(key, run);
      run.catch(() => this.compiled.delete(key));
    }
    return run;
  }

  /** The elements of a buffer, on the host. They must not be changed. */
  abstract read(buffer: GpuBuffer): Promise<Float32Array>;

  /** Waits until the device has done what it was asked so far, and rejects with what went wrong meanwhile. */
  abstract settle(): Promise<void> | undefined;

  /** Releases everything; from then on the device refuses everything. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.compiled.clear();
    await this.destroy();
  }

  protected abstract build(source: GpuSource, sizes: readonly number[]): Promise<RunKernel>;

  protected abstract destroy(): Promise<void>;

  /** `on ADAPTER`, for messages. */
  protected get where(): string {
    return this.adapter === undefined
      ? `in gpu.js's mode ${this.mode}`
      : `in ${this.mode} on ${this.adapter}`;
  }

  /** The error of a kernel that cannot be made or run here. */
  protected failure(source: GpuSource, what: string, cause?: unknown): BackendError {
    const [columns, rows] = source.output;
    const name = `${nameOf(source)} ${formatShape([rows, columns])}`;
    const reason = cause instanceof Error ? `: ${firstLine(cause.message)}` : '';
    return new BackendError(`gpu: ${name} ${what} ${this.where}${reason}`, { cause });
  }
}

/** The first line that says something: a driver's message has the text of a whole kernel behind it. */
export function firstLine(message: string): string {
  const [first = '', second = ''] = message.trim().split('\n');
  return first.endsWith(':') ? `${first} ${second.trim()}` : first;
}
