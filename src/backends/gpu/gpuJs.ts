/**
 * The parts of gpu.js beyond its published types (2.24.1) that this backend uses. Whatever leans on them is in this
 * file, glDevice.ts and webgpuDevice.ts, and nowhere else.
 */
import gpuJs, { type GPU, type IKernelRunShortcut, type Input } from '#gpu.js';
import type { GpuSource } from '../../../kernels/gpu.js';
import { BackendError } from '../../core/errors.js';
import type { GpuMode } from './modes.js';

export type { GPU, IKernelRunShortcut, Input } from '#gpu.js';

/** A kernel behind its shortcut. */
export interface InnerKernel {
  readonly constructor: unknown;
  readonly context: unknown;
  readonly fallbackReason?: string | null;
  build(...inputs: unknown[]): Promise<void> | undefined;
  run(...inputs: unknown[]): unknown;
}

/** gpu.js's one WebGPU device, shared by all of its instances. */
export interface WebGpuContext {
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
  readonly isLost: boolean;
}

interface WebGpuContexts {
  acquire(): Promise<WebGpuContext>;
  destroy(): Promise<void>;
}

export const webGpuContexts = (): WebGpuContexts =>
  (gpuJs as unknown as { WebGPUContext: WebGpuContexts }).WebGPUContext;

/** Opens an instance. Throws a BackendError where gpu.js refuses the mode. */
export function openInstance(mode: GpuMode): GPU {
  try {
    return new gpuJs.GPU({ mode });
  } catch (cause) {
    throw new BackendError(`gpu: gpu.js refuses its mode ${mode}`, { cause });
  }
}

/** Values of the host as gpu.js takes them: rows of `columns`. It has no tables without elements, so one zero is. */
export function inputOf(buffer: Float32Array, columns: number): Input {
  const values = buffer.length === 0 ? new Float32Array(1) : buffer;
  return new gpuJs.Input(values as ArrayLike<number> as number[], [columns, values.length / columns]);
}

interface KernelSettings {
  /** Leaves results on the device. Default false. */
  readonly pipeline?: boolean;
  /** Extents of the output where they are not those of the source. */
  readonly output?: readonly number[];
}

/** A kernel that is not built yet. Precision and tactic default to what the device prefers, so both are said. */
export function createKernel(
  gpu: GPU,
  { source, output }: GpuSource,
  settings: KernelSettings = {},
): IKernelRunShortcut {
  return gpu.createKernel(source, {
    pipeline: settings.pipeline ?? false,
    output: [...(settings.output ?? output)],
    precision: 'single',
    tactic: 'precision',
  });
}

export function innerOf(kernel: IKernelRunShortcut): InnerKernel {
  return kernel.kernel as unknown as InnerKernel;
}

/** gpu.js swaps a kernel that a mode cannot run for one of its mode cpu, with no more than a line on the console. */
export function fallbackOf(gpu: GPU, kernel: IKernelRunShortcut): string | undefined {
  const inner = innerOf(kernel);
  if (inner.constructor === (gpu.Kernel as unknown)) return undefined;
  return inner.fallbackReason ?? 'no reason is given';
}
