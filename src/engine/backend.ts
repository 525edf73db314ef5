/** The contract between the engine and what runs plans. */
import type { HostArray } from '../core/dtype.js';
import type { Limits } from '../plan/limits.js';
import type { Plan } from '../plan/plan.js';
import type { Leaf } from '../tensor/tensor.js';

export type { Limits } from '../plan/limits.js';

/** Tells what really runs. Printed with results and stored with runs. */
export interface BackendReport {
  /** 'reference', 'wasm' or 'gpu'. */
  readonly backend: string;
  readonly threads: number;
  /** Everything that decides the bits of results: SIMD level and version of the rules, mode and adapter on a gpu. */
  readonly numerics: string;
  /** For gpu: the mode of gpu.js that runs. */
  readonly mode?: string;
  readonly adapter?: string;
  /** For wasm: whether kernels are machine code, and of which width; else why not. It changes speed, never bits. */
  readonly native?: string;
  /** Where kernels are machine code: how many, and which, are WebAssembly beside them, if any is. */
  readonly notNative?: string;
  /** Experiments of the JavaScript engine that were asked for; they change speed, never bits. */
  readonly experimental?: string;
  /** For wasm: 'measured' where kernels are computed in the fastest of several ways; it changes speed, never bits. */
  readonly tuning?: string;
  /** Why something less than what was asked for runs. */
  readonly fallback?: string;
}

/** The value of one leaf for as long as the engine lives. */
export interface Resident {
  read(): Promise<HostArray>;
  write(value: HostArray): Promise<void>;
  release(): void;
}

/** Values by input name; with `steps` > 1 each has a leading axis of that extent. They are read while the run goes on. */
export type Feeds = Readonly<Record<string, HostArray>>;

/** Row-major values by output name, owned by the caller. */
export type Fetches = Record<string, HostArray>;

export interface RunOptions {
  /** How many times the plan runs, each on its own slice of the feeds. Default 1. Outputs are those of the last. */
  readonly steps?: number;
  /**
   * Ends the run before the next step: what was done stays, `run` rejects with the signal's reason. After the last step
   * it changes nothing.
   */
  readonly signal?: AbortSignal;
  /** Called after every step with the number of steps finished. */
  readonly onProgress?: (finished: number) => void;
}

export interface Program {
  run(feeds: Feeds, options?: RunOptions): Promise<Fetches>;
  /** Algorithms and tiles chosen on this machine, a line per step. */
  explain(): string;
}

/** Calls must not overlap, but for `close`, which makes a run that goes on reject: the engine queues them. */
export interface Backend {
  readonly limits: Limits;
  readonly report: BackendReport;
  /** Makes a resident whose value is a copy of `initial`. */
  allocate(leaf: Leaf, initial: HostArray): Promise<Resident>;
  /** `residents` holds every leaf of the plan but its inputs. */
  prepare(plan: Plan, residents: ReadonlyMap<Leaf, Resident>): Promise<Program>;
  close(): Promise<void>;
}
