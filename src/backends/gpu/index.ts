/**
 * The gpu backend: plans run as kernels of gpu.js. So far a thin slice of it, in the two modes of gpu.js that run on the
 * CPU and are there everywhere, for the kinds of `kernels/gpu.ts`.
 */
import type { HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import type { Backend, BackendReport, Limits, Program, Resident } from '../../engine/backend.js';
import type { Plan } from '../../plan/plan.js';
import type { Leaf } from '../../tensor/tensor.js';
import { GpuDevice, type GpuMode, gpuModes } from './device.js';
import { GpuProgram } from './program.js';
import { GpuResident } from './resident.js';

export type { GpuMode } from './device.js';

export interface GpuOptions {
  /** The mode of gpu.js: 'cpu' or 'webasm'. Default 'webasm'. */
  readonly gpuMode?: string | undefined;
}

/** What decides the bits: how each mode computes between reading float32 and storing float32, and our texts' version. */
const numerics: Readonly<Record<GpuMode, string>> = {
  cpu: 'gpu.js cpu 1: float64 arithmetic, float32 storage',
  webasm: 'gpu.js webasm 1: float32 arithmetic and storage',
};

class GpuBackend implements Backend {
  /**
   * A gpu.js kernel owns its one output. A kernel of its webgpu mode has eight storage buffers, seven of them inputs;
   * the same limit in every mode gives the same plans.
   */
  readonly limits: Limits = { inputs: 7, outputs: 1, inPlace: false, fuseRandom: false };
  readonly report: BackendReport;

  constructor(private readonly device: GpuDevice) {
    const { mode } = device;
    this.report = {
      backend: 'gpu',
      mode,
      threads: 1,
      numerics: numerics[mode],
      fallback: `gpu.js's mode ${mode} runs on the CPU: nothing is resident on a device`,
    };
  }

  async allocate(leaf: Leaf, initial: HostArray): Promise<Resident> {
    this.device.checkOpen();
    return new GpuResident(this.device, leaf, initial);
  }

  async prepare(plan: Plan, residents: ReadonlyMap<Leaf, Resident>): Promise<Program> {
    this.device.checkOpen();
    return new GpuProgram(this.device, plan, residents);
  }

  close(): Promise<void> {
    return this.device.close();
  }
}

/** Opens the gpu backend. Throws a BackendError for a mode that cannot be opened, and never opens another one instead. */
export async function openGpu(options: GpuOptions = {}): Promise<Backend> {
  const mode = options.gpuMode ?? 'webasm';
  const known = gpuModes.find((name) => name === mode);
  if (known === undefined) {
    throw new BackendError(`gpu: the mode '${mode}' cannot be opened: only ${gpuModes.join(' and ')} can`, {
      hint: 'Both are modes of gpu.js that run on the CPU; its modes for hardware are not supported yet.',
    });
  }
  return new GpuBackend(new GpuDevice(known));
}
