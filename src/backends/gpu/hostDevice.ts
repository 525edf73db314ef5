/** The modes of gpu.js that run on the CPU: buffers are arrays of the host. */
import type { GpuSource } from '../../../kernels/gpu.js';
import { at } from '../../core/lists.js';
import { GpuBuffer } from './buffer.js';
import { GpuDevice, type RunKernel } from './device.js';
import {
  createKernel,
  fallbackOf,
  type GPU,
  type IKernelRunShortcut,
  innerOf,
  inputOf,
  openInstance,
} from './gpuJs.js';
import type { HostMode } from './modes.js';

export class HostDevice extends GpuDevice {
  private readonly gpu: GPU;

  /** Throws a BackendError where gpu.js refuses the mode. */
  constructor(mode: HostMode) {
    super(mode);
    this.gpu = openInstance(mode);
  }

  override async read(buffer: GpuBuffer): Promise<Float32Array> {
    return buffer.host!;
  }

  /** Calls return when their work is done. */
  override settle(): undefined {
    return undefined;
  }

  protected override async build(source: GpuSource, sizes: readonly number[]): Promise<RunKernel> {
    const tables = (inputs: readonly Float32Array[]) =>
      inputs.map((values, i) => inputOf(values, at(source.columns, i)));
    let kernel: IKernelRunShortcut;
    try {
      // Calls are synchronous: in its asynchronous ones the webasm mode starts a pool of workers for every kernel.
      kernel = createKernel(this.gpu, source);
      // gpu.js compiles at the first call; this compiles now, for tables of these sizes.
      innerOf(kernel).build(...tables(sizes.map((size) => new Float32Array(size))));
    } catch (cause) {
      throw this.failure(source, 'cannot be made', cause);
    }
    this.checkMode(source, kernel);
    return (inputs) => {
      const rows = kernel(...tables(inputs.map(({ host }) => host!))) as Float32Array[];
      this.checkMode(source, kernel);
      return GpuBuffer.ofHost(joinRows(rows, source.output));
    };
  }

  protected override destroy(): Promise<void> {
    return this.gpu.destroy();
  }

  private checkMode(source: GpuSource, kernel: IKernelRunShortcut): void {
    const reason = fallbackOf(this.gpu, kernel);
    if (reason !== undefined) throw this.failure(source, `fell back to another mode (${reason})`);
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
