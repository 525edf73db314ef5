/**
 * The memory of a device. A gpu.js kernel owns its one output, so a result lives in the kernel that made it: while
 * somebody holds it that kernel must not run, and another of the same text does. Updates thus swap between two kernels,
 * and results that are needed for a moment share one.
 */
import type { GpuRead, GpuSource } from '../../../kernels/gpu.js';
import { GpuBuffer } from './buffer.js';
import { GpuDevice, type RunKernel, sizeOfResult } from './device.js';

/** One kernel with its output. */
export interface Instance {
  /** Runs it on handles of this device and gives the handle of its output, the same every time. */
  run(handles: readonly unknown[]): unknown;
}

/** A device that results live on. */
export abstract class ResidentDevice extends GpuDevice {
  /** Counts so far: kernels made (each with its memory), values sent to the device, and read back. */
  readonly counts = { kernels: 0, uploads: 0, downloads: 0 };

  /**
   * Makes one kernel. Rejects with a BackendError that names it. `sample` are handles like those it will be run with.
   */
  protected abstract instance(source: GpuSource, sample: readonly unknown[]): Promise<Instance>;

  /** A handle of the values, and what gives its memory back. */
  protected abstract upload(values: Float32Array): Promise<{ handle: unknown; free: () => void }>;

  /** The elements of a handle. */
  protected abstract download(handle: unknown, size: number): Promise<Float32Array>;

  /** Something of `size` elements to build a kernel with. */
  protected abstract sample(size: number, read: GpuRead): unknown;

  override async read(buffer: GpuBuffer): Promise<Float32Array> {
    if (buffer.host !== undefined) return buffer.host;
    this.counts.downloads++;
    const host = await this.download(buffer.handle, buffer.size);
    buffer.host = host;
    return host;
  }

  protected override async build(source: GpuSource, sizes: readonly number[]): Promise<RunKernel> {
    const create = () => {
      this.counts.kernels++;
      const samples = sizes.map((size, i) => this.sample(Math.max(1, size), source.reads?.[i] ?? 'numbers'));
      return this.instance(source, samples);
    };
    const idle = [await create()];
    const size = sizeOfResult(source);
    const runOn = (instance: Instance, inputs: readonly GpuBuffer[]): GpuBuffer => {
      const handle = instance.run(inputs.map((input) => input.handle));
      return new GpuBuffer(size, { handle, free: () => idle.push(instance) });
    };
    const prepareAndRun = async (inputs: readonly GpuBuffer[]): Promise<GpuBuffer> => {
      for (const input of inputs) if (input.handle === undefined) await this.placeOnDevice(input);
      return runOn(idle.pop() ?? (await create()), inputs);
    };
    return (inputs) => {
      this.checkOpen();
      const ready = idle.length > 0 && inputs.every((input) => input.handle !== undefined);
      return ready ? runOn(idle.pop()!, inputs) : prepareAndRun(inputs);
    };
  }

  private async placeOnDevice(buffer: GpuBuffer): Promise<void> {
    const values = buffer.size === 0 ? new Float32Array(1) : buffer.host!;
    this.counts.uploads++;
    const { handle, free } = await this.upload(values);
    buffer.place(handle, free);
  }
}
