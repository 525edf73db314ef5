/** gpu.js's modes webgl2, webgl and headlessgl: results are textures with one number in each texel. */
import type { GpuRead, GpuSource } from '../../../kernels/gpu.js';
import { BackendError } from '../../core/errors.js';
import { turn } from '../../engine/runSteps.js';
import {
  createKernel,
  fallbackOf,
  type GPU,
  type IKernelRunShortcut,
  type InnerKernel,
  innerOf,
  inputOf,
  openInstance,
} from './gpuJs.js';
import { headlessAdapterOf, whyNoHeadlessGl } from './headlessGl.js';
import { type Instance, ResidentDevice } from './kernelPool.js';
import type { DeviceMode } from './modes.js';

type GlMode = Exclude<DeviceMode, 'webgpu'>;

/** gpu.js's handle of a texture, as far as it is used here. */
interface TextureHandle {
  readonly size: ArrayLike<number>;
  readonly dimensions: readonly number[];
  /** RGBA of all texels. */
  renderRawOutput(): Float32Array;
}

interface GlKernel extends InnerKernel {
  readonly constructor: { readonly features: { readonly maxTextureSize: number } };
  canvas: unknown;
  texSize: Int32Array;
  readonly texture: TextureHandle;
  checkTextureSize(): void;
}

/**
 * `[width, height]` of the texture of `size` numbers: nearly square, the width a power of two, for it is divided by at
 * every read. All buffers of a size have the same one, so that a compiled kernel takes any of them.
 */
function textureSizeOf(size: number): [number, number] {
  const width = 2 ** Math.ceil(Math.log2(size) / 2);
  return [width, Math.ceil(size / width)];
}

export class GlDevice extends ResidentDevice {
  override readonly vec4 = 'textures';
  /** Stands in for the canvas, which gpu.js would make as large as the largest texture though nothing is drawn on it. */
  private readonly canvas = { width: 0, height: 0 };
  /** Kernels that upload values, by their size. */
  private readonly uploaders = new Map<number, GlInstance[]>();

  /** @param texture any texture of the context: what a kernel is built for has the same form */
  private constructor(
    mode: GlMode,
    private readonly gpu: GPU,
    private readonly context: WebGL2RenderingContext,
    private readonly texture: TextureHandle,
  ) {
    super(mode, mode === 'headlessgl' ? headlessAdapterOf(context) : adapterOf(context));
  }

  /** Rejects with a BackendError where there is no context that computes with float32. */
  static async open(mode: GlMode): Promise<GlDevice> {
    const gpu = openGlInstance(mode);
    const source = { source: 'function probe() { return 1; }', output: [1, 1], columns: [] } as const;
    try {
      const kernel = createKernel(gpu, source, { pipeline: true });
      const texture = kernel() as unknown as TextureHandle;
      const reason = fallbackOf(gpu, kernel);
      if (reason !== undefined) throw new Error(reason);
      return new GlDevice(mode, gpu, innerOf(kernel).context as WebGL2RenderingContext, texture);
    } catch (cause) {
      throw new BackendError(`gpu: gpu.js cannot compute in its mode ${mode}`, { cause });
    }
  }

  override checkOpen(): void {
    super.checkOpen();
    if (this.context.isContextLost()) throw new BackendError(`gpu: the context was lost ${this.where}`);
  }

  override async settle(): Promise<void> {
    const { context } = this;
    if (typeof context.fenceSync === 'function') await this.fence();
    else context.finish();
    this.checkOpen();
    const code = context.getError();
    if (code !== 0) throw new BackendError(`gpu: ${errorName(context, code)} ${this.where}`);
  }

  protected override async instance(source: GpuSource, sample: readonly unknown[]): Promise<Instance> {
    const tables = (handles: readonly unknown[]) =>
      handles.map((handle, i) =>
        this.table(handle as TextureHandle, source.columns[i]!, source.reads?.[i] ?? 'numbers'),
      );
    const kernel = this.make(source, tables(sample));
    return { run: (handles) => this.run(kernel, tables(handles)) };
  }

  protected override async upload(values: Float32Array): Promise<{ handle: unknown; free: () => void }> {
    const idle = this.uploaders.get(values.length) ?? [];
    this.uploaders.set(values.length, idle);
    const input = inputOf(values, values.length);
    const source = { ...uploadSource, output: [values.length, 1], columns: [values.length] } as const;
    const kernel = idle.pop() ?? this.make(source, [input]);
    return { handle: this.run(kernel, [input]), free: () => idle.push(kernel) };
  }

  protected override async download(handle: unknown, size: number): Promise<Float32Array> {
    this.checkOpen();
    const texels = (handle as TextureHandle).renderRawOutput();
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) values[i] = texels[4 * i]!;
    await this.settle();
    return values;
  }

  protected override sample(size: number, read: GpuRead): unknown {
    return { ...this.texture, size: Int32Array.from(textureSizeOf(read === 'numbers' ? size : size / 4)) };
  }

  protected override destroy(): Promise<void> {
    return this.gpu.destroy();
  }

  private make(source: GpuSource, inputs: readonly unknown[]): GlInstance {
    const [width, height] = textureSizeOf(source.output[0] * source.output[1]);
    let kernel: IKernelRunShortcut;
    try {
      kernel = createKernel(this.gpu, source, { pipeline: true });
      const inner = innerOf(kernel) as GlKernel;
      const most = inner.constructor.features.maxTextureSize;
      if (width > most || height > most) {
        throw new Error(`it needs a texture of ${width} by ${height}, and ${most} is the largest`);
      }
      inner.canvas = this.canvas;
      // gpu.js makes the texture as wide as the output has columns; it asks this before it uses its choice.
      inner.checkTextureSize = function (this: GlKernel) {
        this.texSize = Int32Array.of(width, height);
      };
      inner.build(...inputs);
    } catch (cause) {
      throw this.failure(source, 'cannot be made', cause);
    }
    const reason = fallbackOf(this.gpu, kernel);
    if (reason !== undefined) throw this.failure(source, `fell back to another mode (${reason})`);
    return { kernel, source, checked: false };
  }

  private run(instance: GlInstance, inputs: readonly unknown[]): unknown {
    const texture = instance.kernel(...(inputs as never[]));
    if (!instance.checked) {
      // What a kernel does not get on its first run (memory, above all) it never gets.
      const code = this.context.getError();
      if (code !== 0) throw this.failure(instance.source, `fails with ${errorName(this.context, code)}`);
      instance.checked = true;
    }
    return texture;
  }

  /**
   * The texture as a table of rows of `columns`. gpu.js counts the users of a texture in its handles and asks that those
   * of an argument are always of one class, so this is none that it has made, and always of the same class.
   */
  private table(texture: TextureHandle, columns: number, read: GpuRead): TextureHandle {
    const handle = Object.create(Object.getPrototypeOf(this.texture));
    return Object.assign(handle, texture, { dimensions: [columns, 1, 1], type: readTypes[read] });
  }

  /** Resolves when the device has come to this point; asks again by and by, for browsers forbid to wait. */
  private async fence(): Promise<void> {
    const { context } = this;
    const sync = context.fenceSync(context.SYNC_GPU_COMMANDS_COMPLETE, 0)!;
    context.flush();
    while (context.getSyncParameter(sync, context.SYNC_STATUS) !== context.SIGNALED) {
      if (context.isContextLost()) break;
      await turn();
    }
    context.deleteSync(sync);
  }
}

/** gpu.js's names of textures, by what a read gives. */
const readTypes: Readonly<Record<GpuRead, string>> = {
  numbers: 'ArrayTexture(1)',
  packed: 'MemoryOptimizedNumberTexture',
  texels: 'ArrayTexture(4)',
};

interface GlInstance {
  readonly kernel: IKernelRunShortcut;
  readonly source: GpuSource;
  checked: boolean;
}

const uploadSource = { source: 'function upload(x0) { return x0[this.thread.y][this.thread.x]; }' };

function openGlInstance(mode: GlMode): GPU {
  try {
    return openInstance(mode);
  } catch (refusal) {
    if (mode === 'headlessgl') throw whyNoHeadlessGl();
    const { document, OffscreenCanvas } = globalThis as { document?: unknown; OffscreenCanvas?: unknown };
    if (document === undefined && OffscreenCanvas === undefined) {
      throw new BackendError(`gpu: ${mode} runs in browsers: there is no canvas here`);
    }
    throw refusal;
  }
}

/** Returns the driver's own name. */
function adapterOf(context: WebGLRenderingContext): string {
  const info = context.getExtension('WEBGL_debug_renderer_info');
  return String(context.getParameter(info === null ? context.RENDERER : info.UNMASKED_RENDERER_WEBGL));
}

function errorName(context: WebGLRenderingContext, code: number): string {
  const names = [
    'INVALID_ENUM',
    'INVALID_VALUE',
    'INVALID_OPERATION',
    'OUT_OF_MEMORY',
    'CONTEXT_LOST_WEBGL',
  ] as const;
  return names.find((name) => context[name] === code) ?? `error ${code}`;
}
