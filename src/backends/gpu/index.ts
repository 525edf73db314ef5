/** The gpu backend: plans run as kernels of gpu.js. */
import type { HostArray } from '../../core/dtype.js';
import { numericsVersion } from '../../core/numerics.js';
import type { Backend, BackendReport, Limits, Program, Resident } from '../../engine/backend.js';
import type { Plan } from '../../plan/plan.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { GpuDevice } from './device.js';
import type { GpuMode } from './modes.js';
import { openDevice } from './open.js';
import { GpuProgram } from './program.js';
import { GpuResident } from './resident.js';

export type { GpuMode } from './modes.js';

export interface GpuOptions {
  /**
   * The mode of gpu.js: 'webgpu', 'webgl2', 'webgl', 'headlessgl', 'webasm' or 'cpu'. Default: the first that computes
   * on hardware; where there is none, the first at all, and the report's `fallback` says so.
   */
  readonly gpuMode?: string | undefined;
}

/** The part of `numerics` that decides bits: how each mode computes between reading float32 and storing float32. */
const arithmetic: Readonly<Record<GpuMode, string>> = {
  webgpu: 'float32 arithmetic and storage',
  webgl2: 'float32 arithmetic and storage',
  webgl: 'float32 arithmetic and storage',
  headlessgl: 'float32 arithmetic and storage',
  webasm: 'float32 arithmetic and storage',
  cpu: 'float64 arithmetic, float32 storage',
};

/** A device as a backend. */
export class GpuBackend implements Backend {
  /**
   * A gpu.js kernel owns its one output. A kernel of its webgpu mode has eight storage buffers, seven of them inputs;
   * the same limit in every mode gives the same plans.
   */
  readonly limits: Limits = { inputs: 7, outputs: 1, inPlace: false, fuseRandom: false };
  readonly report: BackendReport;

  constructor(
    private readonly device: GpuDevice,
    fallback?: string,
  ) {
    const { mode, adapter } = device;
    const on = adapter === undefined ? '' : ` on ${adapter}`;
    this.report = {
      backend: 'gpu',
      mode,
      threads: 1,
      numerics: `gpu.js ${mode} ${numericsVersion}: ${arithmetic[mode]}${on}`,
      ...(adapter !== undefined && { adapter }),
      ...(fallback !== undefined && { fallback }),
    };
  }

  async allocate(leaf: Leaf, initial: HostArray): Promise<Resident> {
    this.device.checkOpen();
    return new GpuResident(this.device, leaf, initial);
  }

  async prepare(plan: Plan, residents: ReadonlyMap<Leaf, Resident>): Promise<Program> {
    this.device.checkOpen();
    return GpuProgram.prepare(this.device, plan, residents);
  }

  close(): Promise<void> {
    return this.device.close();
  }
}

/**
 * Opens the gpu backend. Rejects with a BackendError for a mode that cannot be opened: one that is asked for by name is
 * never replaced by another.
 */
export async function openGpu(options: GpuOptions = {}): Promise<Backend> {
  const { device, fallback } = await openDevice(options.gpuMode);
  return new GpuBackend(device, fallback);
}
