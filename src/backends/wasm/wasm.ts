/** The wasm backend: every kernel of a plan is a generated WebAssembly function over one memory. */

import { checkInteger } from '../../core/check.js';
import type { HostArray } from '../../core/dtype.js';
import { BackendError, UsageError } from '../../core/errors.js';
import { processors } from '../../core/machine.js';
import { numericsVersion } from '../../core/numerics.js';
import type { Backend, BackendReport, Limits, Program, Resident } from '../../engine/backend.js';
import type { KernelClock, Probes, WasmOptions } from '../../engine/options.js';
import { callOf } from '../../plan/call.js';
import type { Plan } from '../../plan/plan.js';
import { stepBytes } from '../../plan/print.js';
import type { Leaf } from '../../tensor/tensor.js';
import { detectSimdLevel, numericsOf, type SimdLevel } from '../../writers/wasm/simdLevel.js';
import { KernelCache } from './kernels.js';
import { mostBytes, Region, type WasmMemory } from './memory.js';
import { chooseNative, type NativeChoice } from './native/choose.js';
import type { Native } from './native/native.js';
import { Pool } from './pool.js';
import { type Held, WasmProgram } from './program.js';
import { WasmResident } from './resident.js';
import { enableRevectorize } from './revectorize.js';
import { Tuner } from './tuning.js';
import { type KeptTunings, readTunings } from './tuningFile.js';

/** Those of `openEngine`, and what tests and measurements ask for besides. */
export interface WasmBackendOptions extends Omit<WasmOptions, 'backend'>, Probes {
  /**
   * For tests and measurements: work is not cut into pieces that move fewer bytes than this. By default 32768, which a
   * worker moves in a microsecond or two, a few times what it costs to share a piece; 1 shares everything.
   */
  readonly pieceBytes?: number | undefined;
}

/** The state of a backend that residents and programs share. */
export interface WasmState {
  readonly memory: WasmMemory;
  /** Holds the slots of the plan that runs: as large as the largest plan. */
  readonly arena: Region;
  readonly scratch: Region;
  readonly poison: boolean;
  readonly pieceBytes: number;
  readonly kernelClock: KernelClock | undefined;
  /** Worker threads, the one that owns the engine included. */
  readonly workers: number;
  /** The other workers, if there are any. */
  readonly pool: Pool | undefined;
  /** Where kernels are machine code. */
  readonly native: Native | undefined;
  /** Throws a BackendError once the backend is closed. */
  checkOpen(): void;
}

/** Options with what they are by default. */
interface Settled extends Pick<WasmBackendOptions, 'workerUrl' | 'kernelClock'> {
  readonly simd: SimdLevel;
  readonly workers: number;
  readonly poison: boolean;
  readonly pieceBytes: number;
  /** The version of V8 that joins vectors, where it does. */
  readonly joinedBy: string | undefined;
  readonly tuning: KeptTunings | undefined;
  readonly memory: WasmMemory;
  readonly native: NativeChoice;
}

class WasmBackend implements Backend, WasmState {
  readonly limits: Limits = {
    inputs: 16,
    outputs: 8,
    inPlace: true,
    fuseRandom: true,
    absorbs: true,
    bytes: mostBytes,
  };
  private readonly opened: BackendReport;
  readonly memory: WasmMemory;
  readonly arena: Region;
  readonly scratch: Region;
  readonly pool: Pool | undefined;
  readonly workers: number;
  readonly poison: boolean;
  readonly pieceBytes: number;
  readonly kernelClock: KernelClock | undefined;
  readonly native: Native | undefined;
  private readonly kernels: KernelCache;
  private readonly tuner: Tuner | undefined;
  private readonly abandoned = new FinalizationRegistry<Held>(({ blocks, lists, number }) => {
    for (const { address, bytes } of lists === undefined ? blocks : [...blocks, lists])
      this.memory.release(address, bytes);
    if (number !== undefined) this.pool?.forget({ program: number });
  });
  private closed = false;

  constructor(settled: Settled) {
    const { simd, workers, poison, pieceBytes, workerUrl, joinedBy, tuning, kernelClock } = settled;
    const { native, report } = settled.native;
    this.native = native;
    this.workers = workers;
    this.poison = poison;
    this.pieceBytes = pieceBytes;
    this.kernelClock = kernelClock;
    this.memory = settled.memory;
    const { shared } = this.memory;
    this.arena = new Region(this.memory);
    this.scratch = new Region(this.memory);
    this.pool = workers > 1 ? new Pool(this.memory, workers, workerUrl, native?.path) : undefined;
    const options = { simd, shared, wide: joinedBy !== undefined };
    this.tuner = tuning && new Tuner(this.memory, options, tuning.tunings, tuning.file);
    const forget = (kernel: number) => this.pool?.forget({ kernel });
    this.kernels = new KernelCache(this.memory.memory, options, { tuner: this.tuner, native, forget });
    this.opened = {
      backend: 'wasm',
      threads: workers,
      numerics: `wasm ${numericsVersion}, 128-bit ${native === undefined ? numericsOf(simd, this.memory) : 'fma'}`,
      ...(report === undefined ? {} : { native: report }),
      ...(joinedBy === undefined ? {} : { experimental: `revectorize, V8 ${joinedBy}` }),
      ...(tuning === undefined
        ? {}
        : { tuning: tuning.note === undefined ? 'measured' : `measured; ${tuning.note}` }),
    };
  }

  get report(): BackendReport {
    const notNative = this.kernels.besideNative;
    return notNative === undefined ? this.opened : { ...this.opened, notNative };
  }

  checkOpen(): void {
    if (this.closed) throw new BackendError('wasm: the backend is closed');
  }

  async allocate(leaf: Leaf, initial: HostArray): Promise<Resident> {
    this.checkOpen();
    return new WasmResident(this, leaf, initial);
  }

  async prepare(plan: Plan, residents: ReadonlyMap<Leaf, Resident>): Promise<Program> {
    this.checkOpen();
    // a step worth sharing: workers start while kernels are compiled
    if (plan.steps.some((step) => stepBytes(step, plan.slots) >= 2 * this.pieceBytes)) this.pool?.start();
    const kernels = await Promise.all(
      plan.steps.map((step) => this.kernels.get(step.kind, callOf(step, plan.slots) as never)),
    );
    const program = new WasmProgram(this, plan, kernels, residents);
    this.abandoned.register(program, program.held);
    return program;
  }

  async close(): Promise<void> {
    if (!this.closed) this.native?.close();
    this.closed = true;
    this.pool?.close();
  }
}

/** More would only divide the work of small kernels further. */
const mostThreads = 64;

/** More than this many processors are used only on demand: kernels of small models have no more pieces. */
const mostDefaultThreads = 8;

/** The number of threads that is used unless another is asked for. */
export function defaultThreads(): number {
  return typeof SharedArrayBuffer === 'undefined' ? 1 : Math.min(processors(), mostDefaultThreads);
}

/** Opens the backend, or throws a BackendError that says what the JavaScript engine lacks. */
export async function openWasm(options: WasmBackendOptions = {}): Promise<Backend> {
  const { threads = defaultThreads(), poison = false, pieceBytes = 32768 } = options;
  checkInteger('wasm: threads', threads, 1, mostThreads);
  // poisoning looks at every step, so it needs one worker
  const workers = poison ? 1 : threads;
  if (workers > 1 && typeof SharedArrayBuffer === 'undefined') {
    throw new BackendError(
      `wasm: ${workers} threads need a SharedArrayBuffer, which this page does not have`,
      { hint: 'Serve it with cross-origin isolation, or use one thread.' },
    );
  }
  const best = detectSimdLevel();
  if (options.simd === 'relaxed' && best === 'baseline') {
    throw new BackendError('wasm: relaxed SIMD was asked for and this JavaScript engine does not have it');
  }
  const { simd = best, workerUrl, revectorize = false, tuning = 'fixed' } = options;
  if (tuning !== 'fixed' && tuning !== 'measured') {
    throw new UsageError(`wasm: tuning must be fixed or measured: ${String(tuning)}`);
  }
  const joinedBy = revectorize ? await enableRevectorize(numericsOf(best), { simd }) : undefined;
  const measured = tuning === 'measured' ? await readTunings(options.tuningFile) : undefined;
  const { kernelClock } = options;
  const { memory, native } = await chooseNative(options, { simd, workers });
  return new WasmBackend({
    ...{ simd, workers, poison, pieceBytes, workerUrl, joinedBy, kernelClock, memory, native },
    tuning: measured,
  });
}
