/** gpu.js's mode webgpu: results are storage buffers of one device. */
import type { GpuSource } from '../../../kernels/gpu.js';
import { BackendError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { firstLine } from './device.js';
import {
  createKernel,
  type GPU,
  type InnerKernel,
  innerOf,
  openInstance,
  type WebGpuContext,
  webGpuContexts,
} from './gpuJs.js';
import { type Instance, ResidentDevice } from './kernelPool.js';
import { provideWebGpu } from './provideWebGpu.js';

/** GPUBufferUsage, whose name is global in browsers alone. */
const usage = { storage: 0x80, copyFrom: 0x04, copyTo: 0x08, mapRead: 0x01 } as const;

/** Most threads of an output's second axis: 65,535 groups of 8, the least that every device takes. */
const mostRows = 65535 * 8;

/** The form in which gpu.js takes a buffer as an argument: what it gives itself has the same. */
interface BufferHandle {
  readonly type: 'WebGPUBuffer';
  readonly buffer: GPUBuffer;
  readonly output: readonly number[];
  readonly componentCount: 1;
  readonly context: WebGpuContext;
}

interface WebGpuKernel extends InnerKernel {
  readonly outputBuffer: GPUBuffer;
}

/** Devices that are open; gpu.js has one device for all of them, which ends with the last. */
let opened = 0;

export class WebGpuDevice extends ResidentDevice {
  override readonly vec4 = 'buffers';
  /** Buffers of finished uploads, for further ones, by their bytes. */
  private readonly spare = new Map<number, GPUBuffer[]>();
  private lost: string | undefined;
  private readonly errors: string[] = [];
  private readonly onError = (event: Event) => {
    this.errors.push((event as GPUUncapturedErrorEvent).error.message);
  };

  private constructor(
    private readonly gpu: GPU,
    private readonly context: WebGpuContext,
  ) {
    super('webgpu', adapterOf(context.adapter));
    const { device } = context;
    // gpu.js only logs these, and goes on with zeros.
    device.onuncapturederror = null;
    device.addEventListener('uncapturederror', this.onError);
    device.lost.then(({ message, reason }) => {
      this.lost = `${reason}${message === '' ? '' : `: ${message}`}`;
    });
    opened++;
  }

  /** Rejects with a BackendError where there is no WebGPU, or no adapter. */
  static async open(): Promise<WebGpuDevice> {
    await provideWebGpu();
    const gpu = openInstance('webgpu');
    try {
      return new WebGpuDevice(gpu, await webGpuContexts().acquire());
    } catch (cause) {
      throw new BackendError('gpu: there is no WebGPU adapter', {
        cause,
        hint: 'A software adapter has to be allowed: VK_ICD_FILENAMES for Node, flags for browsers (docs/gpu.md).',
      });
    }
  }

  override checkOpen(): void {
    super.checkOpen();
    if (this.lost !== undefined)
      throw new BackendError(`gpu: the device was lost (${this.lost}) ${this.where}`);
  }

  override async settle(): Promise<void> {
    await this.context.device.queue.onSubmittedWorkDone();
    this.checkOpen();
    const [error] = this.errors.splice(0);
    if (error !== undefined) throw new BackendError(`gpu: ${firstLine(error)} ${this.where}`);
  }

  protected override async instance(source: GpuSource, sample: readonly unknown[]): Promise<Instance> {
    const { device } = this.context;
    const tables = (handles: readonly unknown[]) =>
      handles.map((handle, i) => this.table(handle as GPUBuffer, at(source.columns, i)));
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    let inner: WebGpuKernel;
    let failed: unknown;
    try {
      const { source: text, output } = threadsOf(source);
      const kernel = createKernel(this.gpu, { ...source, source: text }, { pipeline: true, output });
      inner = innerOf(kernel) as WebGpuKernel;
      await inner.build(...tables(sample));
    } catch (cause) {
      failed = cause;
    }
    const reported = [await device.popErrorScope(), await device.popErrorScope()].find(
      (error) => error !== null,
    );
    this.checkOpen();
    // What the device reports tells more than what gpu.js makes of it.
    if (reported != null)
      throw this.failure(source, 'cannot be made', new Error(reported.message, { cause: failed }));
    if (failed !== undefined) throw this.failure(source, 'cannot be made', failed);
    return {
      run: (handles) => {
        // The work is in the queue when this returns; the promise holds nothing but another handle.
        void inner.run(...tables(handles));
        return inner.outputBuffer;
      },
    };
  }

  protected override async upload(values: Float32Array): Promise<{ handle: unknown; free: () => void }> {
    const { device } = this.context;
    const bytes = values.byteLength;
    const spare = this.spare.get(bytes) ?? [];
    this.spare.set(bytes, spare);
    const buffer =
      spare.pop() ??
      device.createBuffer({ size: bytes, usage: usage.storage | usage.copyTo | usage.copyFrom });
    device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    return { handle: buffer, free: () => spare.push(buffer) };
  }

  protected override async download(handle: unknown, size: number): Promise<Float32Array> {
    this.checkOpen();
    const { device } = this.context;
    const bytes = 4 * size;
    const staging = device.createBuffer({ size: bytes, usage: usage.mapRead | usage.copyTo });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(handle as GPUBuffer, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(usage.mapRead, 0, bytes);
    } catch (cause) {
      this.checkOpen();
      throw new BackendError(`gpu: ${bytes} bytes cannot be read ${this.where}`, { cause });
    }
    const values = new Float32Array(staging.getMappedRange(0, bytes).slice(0));
    staging.unmap();
    staging.destroy();
    await this.settle();
    return values;
  }

  protected override sample(size: number): unknown {
    return { size };
  }

  protected override async destroy(): Promise<void> {
    this.context.device.removeEventListener('uncapturederror', this.onError);
    await this.gpu.destroy();
    for (const buffers of this.spare.values()) for (const buffer of buffers) buffer.destroy();
    if (--opened === 0) await webGpuContexts().destroy();
  }

  private table(buffer: GPUBuffer, columns: number): BufferHandle {
    const { context } = this;
    return { type: 'WebGPUBuffer', buffer, output: [columns, 1], componentCount: 1, context };
  }
}

/**
 * The extents of the threads as this mode takes them: one long row is one axis, which gpu.js folds at need, and more rows
 * than an axis takes are folded here.
 */
function threadsOf({ source, output: [columns, rows] }: GpuSource): { source: string; output: number[] } {
  if (rows === 1) return { source, output: [columns] };
  if (rows <= mostRows) return { source, output: [columns, rows] };
  const layers = Math.ceil(rows / mostRows);
  const height = Math.ceil(rows / layers);
  const body = source.replaceAll('this.thread.y', 'threadRow');
  const start = body.indexOf('{') + 1;
  const declared = `\n  const threadRow = this.thread.y + this.thread.z * ${height};`;
  return { source: body.slice(0, start) + declared + body.slice(start), output: [columns, height, layers] };
}

function adapterOf({ info }: GPUAdapter): string {
  const words = [info.description, info.vendor, info.architecture].filter((word) => word !== '');
  return words.length === 0 ? 'an adapter without a name' : words.join(', ');
}
