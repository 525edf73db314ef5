/** The reference backend: plans run kernel by kernel in plain TypeScript. Slow, obvious, and the judge of the others. */
import type { HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import { numericsVersion } from '../../core/numerics.js';
import type { Backend, BackendReport, Limits, Program, Resident } from '../../engine/backend.js';
import type { Plan } from '../../plan/plan.js';
import type { Leaf } from '../../tensor/tensor.js';
import { ReferenceProgram } from './program.js';
import { ReferenceResident } from './resident.js';
import type { Precision } from './storage.js';

export interface ReferenceOptions {
  /**
   * How float32 tensors are stored; arithmetic is in double precision either way. 'float64' is for gradient checks by
   * differences: what enters and leaves is float32 all the same, so take the difference in the plan. Default 'float32'.
   */
  readonly precision?: Precision | undefined;
  /** Fills every slot with NaN (integers: bytes 0x7f) before its first and after its last use. Default false. */
  readonly poison?: boolean | undefined;
}

/** The state of a backend that residents and programs share. */
export interface ReferenceState {
  readonly precision: Precision;
  readonly poison: boolean;
  /** Throws a BackendError once the backend is closed. */
  checkOpen(): void;
}

class ReferenceBackend implements Backend, ReferenceState {
  readonly limits: Limits = {
    inputs: 64,
    outputs: 64,
    inPlace: true,
    fuseRandom: true,
    absorbs: true,
  };
  readonly report: BackendReport;
  private closed = false;

  constructor(
    readonly precision: Precision,
    readonly poison: boolean,
  ) {
    this.report = {
      backend: 'reference',
      threads: 1,
      numerics: `reference ${numericsVersion}, float64 arithmetic, ${precision} storage`,
    };
  }

  checkOpen(): void {
    if (this.closed) throw new BackendError('reference: the backend is closed');
  }

  async allocate(leaf: Leaf, initial: HostArray): Promise<Resident> {
    this.checkOpen();
    return new ReferenceResident(this, leaf, initial);
  }

  async prepare(plan: Plan, residents: ReadonlyMap<Leaf, Resident>): Promise<Program> {
    this.checkOpen();
    return new ReferenceProgram(this, plan, residents);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** Opens the reference backend. Always available. */
export async function openReference(options: ReferenceOptions = {}): Promise<Backend> {
  return new ReferenceBackend(options.precision ?? 'float32', options.poison ?? false);
}
