import type { NdArray } from 'ndarray';
import { checkFunction, checkOptionNames, wrongKind } from '../core/check.js';
import { allocateHost, bytesOf, checkHolds, type Dtype, dtypeOf, type HostArray } from '../core/dtype.js';
import { BackendError, PlanError, UsageError } from '../core/errors.js';
import { at } from '../core/lists.js';
import { formatShape, type Shape, sameShape } from '../core/shape.js';
import { viewOf } from '../core/view.js';
import { buildPlan, type PlanOptions } from '../plan/build.js';
import type { Plan } from '../plan/plan.js';
import { checkTensor } from '../tensor/build.js';
import { input } from '../tensor/leaves.js';
import { Leaf, type Tensor } from '../tensor/tensor.js';
import type { Backend, BackendReport, Program, Resident, RunOptions } from './backend.js';
import { openBackend } from './choose.js';
import { checkFeeds, checkValue } from './feeds.js';
import type { BackendOptions, GpuOptions, Probes, ReferenceOptions, WasmOptions } from './options.js';
import { checkStepResult } from './stepResult.js';

/** Where a backend names no limit of its own. */
const usualBytes = 2 ** 32;
const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);

/** The inputs of a step by name; default dtype float32. */
export type Signature = Readonly<Record<string, { readonly shape: Shape; readonly dtype?: Dtype }>>;

/** The results of a step. Every read inside it sees old values; updates take effect at its end. */
export interface StepResult<Name extends string = string> {
  readonly outputs?: Readonly<Record<Name, Tensor>>;
  readonly updates?: readonly (readonly [Leaf, Tensor])[];
}

export type StepFunction<S extends Signature, Name extends string> = (
  inputs: {
    readonly [K in keyof S]: Leaf;
  },
) => StepResult<Name>;

/** A value for an input: a number for a scalar, a typed array (row-major), or an ndarray. */
export type FeedValue = number | HostArray | NdArray;

/** A step that has been planned; the backend prepares it at the first run. */
export interface CompiledStep<S extends Signature = Signature, Name extends string = string> {
  readonly plan: Plan;
  /**
   * Runs the step and gives the outputs as ndarrays (a scalar has no axes: `.get()`). With `options.steps` every feed
   * has a leading axis of that extent and the outputs are those of the last step. Runs of one engine queue up.
   */
  run(
    feeds: { readonly [K in keyof S]: FeedValue },
    options?: RunOptions,
  ): Promise<Record<Name, NdArray<HostArray>>>;
  /** Prepares the step without running it. */
  prepare(): Promise<void>;
  /** Algorithms and tiles chosen on this machine. */
  explain(): Promise<string>;
}

/**
 * One backend and everything that outlives a step: parameters, optimizer state, statistics, datasets. Nothing is ever
 * freed by hand: what nobody refers to any more goes when garbage is collected, the values of leaves and compiled steps;
 * `close` (or `await using`) ends the engine with all it holds.
 */
export class Engine {
  /** A resident knows nothing of its leaf: once nobody refers to the leaf any more, both go. */
  private readonly residents = new WeakMap<Leaf, Promise<Resident>>();
  private readonly abandoned = new FinalizationRegistry<Promise<Resident>>((resident) => {
    if (!this.closed) void this.enqueue(async () => (await resident).release()).catch(() => {});
  });
  private readonly compiled = new WeakMap<object, Map<string, unknown>>();
  private readonly reads = new WeakMap<Tensor, CompiledStep>();
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly backend: Backend) {}

  /** Reports what really runs. */
  get report(): BackendReport {
    return this.backend.report;
  }

  /**
   * Traces a step for inputs of these shapes and plans it. Complains at once about what does not fit. The same function
   * with the same signature is planned once. What is traced stays as long as the function or the compiled step is referred
   * to, constants and program included: compile outside loops.
   */
  compile<const S extends Signature, Name extends string>(
    step: StepFunction<S, Name>,
    signature: S,
    options: PlanOptions = {},
  ): CompiledStep<S, Name> {
    checkOptionNames('compile', options, { optimize: true });
    checkFunction('compile: step', step);
    if (typeof signature !== 'object' || signature === null) {
      const hint = 'For each input its shape: { images: { shape: [128, 784] } }; {} where there is none.';
      throw wrongKind('compile: signature', 'an object', signature, hint);
    }
    this.checkOpen();
    const key = JSON.stringify([signature, options]);
    const versions = this.compiled.get(step) ?? new Map<string, unknown>();
    this.compiled.set(step, versions);
    const known = versions.get(key);
    if (known !== undefined) return known as CompiledStep<S, Name>;
    const inputs = Object.fromEntries(
      Object.entries(signature).map(([name, type]) => [name, input(name, type?.shape, type?.dtype)]),
    );
    const traced = checkStepResult(step(inputs as { [K in keyof S]: Leaf }));
    const plan = buildPlan(traced, this.backend.limits, options);
    const compiled = this.runnable<S, Name>(plan, inputs);
    versions.set(key, compiled);
    return compiled;
  }

  /**
   * The value of a leaf, or of any tensor computed from leaves other than inputs. Constants and compiled kernels of what
   * is traced stay as long as the tensor, so build it outside loops and read it again.
   */
  async read(tensor: Tensor): Promise<NdArray<HostArray>> {
    this.checkOpen();
    checkTensor('read', tensor);
    if (tensor instanceof Leaf && tensor.kind !== 'input') {
      const value = await this.enqueue(async () => (await this.resident(tensor)).read());
      return viewOf(value, tensor.shape);
    }
    let step = this.reads.get(tensor);
    if (step === undefined) {
      const plan = buildPlan({ outputs: { value: tensor }, updates: [] }, this.backend.limits);
      step = this.runnable(plan, {});
      this.reads.set(tensor, step);
    }
    return (await step.run({})).value!;
  }

  /** Replaces the value of a parameter or state: row-major, of the leaf's dtype and size. */
  async write(leaf: Leaf, value: HostArray): Promise<void> {
    this.checkOpen();
    if (!(leaf instanceof Leaf)) throw wrongKind('write: leaf', 'a parameter or a state', leaf);
    checkValue(leaf.name, value, leaf.dtype, leaf.shape);
    await this.enqueue(async () => (await this.resident(leaf)).write(value));
  }

  /** Ends the engine. Running steps finish first; later calls throw. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.enqueue(() => this.backend.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private checkOpen(): void {
    if (this.closed) throw new BackendError('engine: it has been closed');
  }

  /**
   * Does one thing after another, in the order of the calls: programs of an engine share memory. Everything public goes
   * through here, once; nothing private does.
   */
  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work, work);
    this.last = result.catch(() => {});
    return result;
  }

  /** Sees that leaves and the arena of a plan have room, before values are drawn that would take minutes and all memory. */
  private checkRoom(leaves: readonly Leaf[], arena: number): void {
    const bytes = ({ dtype, size }: Leaf) => bytesOf[dtype] * size;
    const most = this.backend.limits.bytes ?? usualBytes;
    const wanted = leaves.reduce((sum, leaf) => sum + bytes(leaf), arena);
    const [largest] = [...leaves].sort((one, other) => bytes(other) - bytes(one));
    if (wanted <= most || largest === undefined) return;
    throw new BackendError(
      `engine: out of memory: ${mebibytes(wanted)} MiB are wanted, ${mebibytes(bytes(largest))} of them by ${largest}, ${mebibytes(most)} MiB is the most`,
      { hint: 'Fewer units or filters need less, a smaller batch too.' },
    );
  }

  private resident(leaf: Leaf): Promise<Resident> {
    let resident = this.residents.get(leaf);
    if (resident === undefined) {
      this.checkRoom([leaf], 0);
      resident = this.backend.allocate(leaf, leaf.initial());
      this.residents.set(leaf, resident);
      this.abandoned.register(leaf, resident);
      // what failed (for want of memory, say) is tried again the next time
      resident.catch(() => this.residents.delete(leaf));
    }
    return resident;
  }

  private async prepare(plan: Plan): Promise<Program> {
    const kept = plan.leaves.filter(({ leaf }) => leaf.kind !== 'input').map(({ leaf }) => leaf);
    this.checkRoom(kept, plan.memory.peakBytes);
    const residents = new Map<Leaf, Resident>();
    for (const leaf of kept) residents.set(leaf, await this.resident(leaf));
    return this.backend.prepare(plan, residents);
  }

  private runnable<S extends Signature, Name extends string>(
    plan: Plan,
    inputs: Readonly<Record<string, Leaf>>,
  ): CompiledStep<S, Name> {
    for (const { leaf } of plan.leaves) {
      if (leaf.kind === 'input' && inputs[leaf.name] !== leaf) {
        throw new PlanError(`compile: ${leaf} is not an input of this step`, {
          hint: 'A step computes with the inputs that it is called with; read takes no inputs at all.',
        });
      }
    }
    let program: Promise<Program> | undefined;
    const prepared = () => {
      program ??= this.prepare(plan).catch((error) => {
        program = undefined;
        throw error;
      });
      return program;
    };
    const whenReady = async <T>(work: (program: Program) => T | Promise<T>): Promise<T> => {
      this.checkOpen();
      return this.enqueue(async () => work(await prepared()));
    };
    const used = new Set<Leaf>(plan.leaves.map(({ leaf }) => leaf));
    return {
      plan,
      prepare: () => whenReady(() => {}),
      explain: () => whenReady((program) => program.explain()),
      run: async (feeds, options = {}) => {
        const values = hostFeeds(feeds as Readonly<Record<string, FeedValue>>, inputs, used, options.steps);
        const fetched = await whenReady((program) => program.run(values, options));
        return Object.fromEntries(
          plan.outputs.map(({ name, operand }) => [name, viewOf(fetched[name]!, operand.shape)]),
        ) as Record<Name, NdArray<HostArray>>;
      },
    };
  }
}

/** Feeds as typed arrays, checked by name, dtype and size. Inputs that the plan does not use are left out. */
function hostFeeds(
  feeds: Readonly<Record<string, FeedValue>>,
  inputs: Readonly<Record<string, Leaf>>,
  used: ReadonlySet<Leaf>,
  steps: number | undefined,
): Record<string, HostArray> {
  if (typeof feeds !== 'object' || feeds === null) {
    throw wrongKind('run: feeds', 'an object', feeds, 'A value for each input: run({ images, labels }).');
  }
  const values: Record<string, HostArray> = {};
  for (const [name, value] of Object.entries(feeds)) {
    const leaf = inputs[name];
    values[name] =
      leaf === undefined || value === undefined ? (value as HostArray) : toHost(value, leaf, steps);
  }
  checkFeeds(Object.values(inputs), values, steps);
  return Object.fromEntries(Object.entries(values).filter(([name]) => used.has(inputs[name]!)));
}

/** A feed as a row-major typed array. Its size is not checked here, the shape of an ndarray is. */
function toHost(value: FeedValue, { name, dtype, shape }: Leaf, steps: number | undefined): HostArray {
  if (typeof value === 'number') {
    checkHolds(`run: input '${name}'`, value, dtype);
    return allocateHost(dtype, 1).fill(value);
  }
  // what is no array either is refused with the other feeds
  if (typeof value !== 'object' || value === null || !('data' in value && 'shape' in value)) return value;
  const taken = steps === undefined ? shape : [steps, ...shape];
  if (!sameShape(value.shape, taken) && !(steps === 1 && sameShape(value.shape, shape))) {
    throw new PlanError(
      `run: input '${name}' has another shape: ${formatShape(value.shape)} and ${formatShape(taken)}`,
    );
  }
  const host = allocateHost(dtypeOf(value.data) ?? dtype, value.size);
  const position = value.shape.map(() => 0);
  for (let i = 0; i < host.length; i++) {
    const element: number = value.get(...position);
    if (dtypeOf(value.data) === undefined) checkHolds(`run: input '${name}'`, element, dtype);
    host[i] = element;
    for (let axis = position.length - 1; axis >= 0; axis--) {
      if (++position[axis]! < at(value.shape, axis)) break;
      position[axis] = 0;
    }
  }
  return host;
}

type Taken = WasmOptions | GpuOptions | ReferenceOptions;

/** The options of each backend, for the compiler to compare. */
const optionNames: {
  readonly [Name in Taken['backend']]: Readonly<
    Record<keyof Extract<Taken, { backend: Name }> | keyof Probes, true>
  >;
} = {
  wasm: {
    backend: true,
    threads: true,
    simd: true,
    native: true,
    nativeFile: true,
    revectorize: true,
    tuning: true,
    tuningFile: true,
    workerUrl: true,
    poison: true,
    kernelClock: true,
  },
  gpu: { backend: true, gpuMode: true, poison: true, kernelClock: true },
  reference: { backend: true, precision: true, poison: true, kernelClock: true },
};

/** Throws a UsageError for an option that no backend has, or another one than is opened. */
function checkBackendOptions(options: BackendOptions): void {
  checkOptionNames<object>('openEngine', options, Object.assign({}, ...Object.values(optionNames)), {
    mode: 'gpuMode',
    workers: 'threads',
    device: 'backend',
  });
  const { backend: asked = 'auto' } = options;
  const backend = asked === 'auto' ? 'wasm' : asked;
  if (!Object.hasOwn(optionNames, backend)) return;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(optionNames[backend], name)) continue;
    const owners = Object.entries(optionNames).filter(([, names]) => Object.hasOwn(names, name));
    throw new UsageError(`openEngine: '${name}' is no option of the backend that is asked for: ${asked}`, {
      hint: `It belongs to { backend: '${owners.map(([owner]) => owner).join("' or '")}' }.`,
    });
  }
}

/** Opens an engine. Default: wasm. `engine.report` says what it got. */
export async function openEngine(options: BackendOptions = {}): Promise<Engine> {
  checkBackendOptions(options);
  return new Engine(await openBackend(options));
}
