import ndarray, { type NdArray } from 'ndarray';
import { allocateHost, type Dtype, dtypeOf, type HostArray } from '../core/dtype.js';
import { BackendError, PlanError } from '../core/errors.js';
import { formatShape, type Shape, sameShape, sizeOf } from '../core/shape.js';
import { buildPlan, type PlanOptions } from '../plan/build.js';
import type { Plan } from '../plan/plan.js';
import { input } from '../tensor/leaves.js';
import { Leaf, type Tensor } from '../tensor/tensor.js';
import type { Backend, BackendReport, Fetches, Program, Resident, RunOptions } from './backend.js';
import { type BackendOptions, openBackend } from './choose.js';

/** The inputs of a step by name; default dtype float32. */
export type Signature = Readonly<Record<string, { readonly shape: Shape; readonly dtype?: Dtype }>>;

/** What a step computes. Every read inside it sees old values; updates take effect at its end. */
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
  run(feeds: { readonly [K in keyof S]: FeedValue }, options?: RunOptions): Promise<Record<Name, NdArray>>;
  /** Prepares the step without running it. */
  prepare(): Promise<void>;
  /** Algorithms and tiles chosen on this machine. */
  explain(): Promise<string>;
}

/**
 * One backend and everything that outlives a step: parameters, optimizer state, statistics, datasets. Nothing is ever
 * freed by hand; `close` (or `await using`) ends the engine with all it holds.
 */
export class Engine {
  private readonly residents = new Map<Leaf, Promise<Resident>>();
  private readonly compiled = new WeakMap<object, Map<string, unknown>>();
  private readonly reads = new WeakMap<Tensor, CompiledStep>();
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly backend: Backend) {}

  /** What really runs. */
  get report(): BackendReport {
    return this.backend.report;
  }

  /**
   * Traces a step for inputs of these shapes and plans it. Complains at once about what does not fit. The same function
   * with the same signature is planned once.
   */
  compile<const S extends Signature, Name extends string>(
    step: StepFunction<S, Name>,
    signature: S,
    options: PlanOptions = {},
  ): CompiledStep<S, Name> {
    this.checkOpen();
    const key = JSON.stringify([signature, options]);
    const versions = this.compiled.get(step) ?? new Map<string, unknown>();
    this.compiled.set(step, versions);
    const known = versions.get(key);
    if (known !== undefined) return known as CompiledStep<S, Name>;
    const inputs = Object.fromEntries(
      Object.entries(signature).map(([name, { shape, dtype }]) => [name, input(name, shape, dtype)]),
    );
    const { outputs = {}, updates = [] } = step(inputs as { [K in keyof S]: Leaf });
    const plan = buildPlan(
      { outputs: outputs as Record<string, Tensor>, updates },
      this.backend.limits,
      options,
    );
    const compiled = this.runnable<S, Name>(plan, inputs);
    versions.set(key, compiled);
    return compiled;
  }

  /** The value of a leaf, or of any tensor computed from leaves other than inputs. */
  async read(tensor: Tensor): Promise<NdArray> {
    this.checkOpen();
    if (tensor instanceof Leaf && tensor.kind !== 'input') {
      const resident = await this.resident(tensor);
      return ndarray(await this.enqueue(() => resident.read()), [...tensor.shape]);
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
    checkHost(leaf.name, value, leaf.dtype, leaf.size, leaf.shape);
    const resident = await this.resident(leaf);
    await this.enqueue(() => resident.write(value));
  }

  /** Ends the engine. Running steps finish first; later calls throw. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.last.catch(() => {});
    await this.backend.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private checkOpen(): void {
    if (this.closed) throw new BackendError('engine: it has been closed');
  }

  /** Runs one thing after another: programs of an engine share memory. */
  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work, work);
    this.last = result.catch(() => {});
    return result;
  }

  private resident(leaf: Leaf): Promise<Resident> {
    let resident = this.residents.get(leaf);
    if (resident === undefined) {
      resident = this.enqueue(() => this.backend.allocate(leaf, leaf.initial()));
      this.residents.set(leaf, resident);
    }
    return resident;
  }

  private async prepare(plan: Plan): Promise<Program> {
    const kept = plan.leaves.filter(({ leaf }) => leaf.kind !== 'input').map(({ leaf }) => leaf);
    const residents = new Map<Leaf, Resident>();
    for (const leaf of kept) residents.set(leaf, await this.resident(leaf));
    return this.enqueue(() => this.backend.prepare(plan, residents));
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
      this.checkOpen();
      program ??= this.prepare(plan);
      return program;
    };
    const used = new Set<Leaf>(plan.leaves.map(({ leaf }) => leaf));
    return {
      plan,
      prepare: async () => void (await prepared()),
      explain: async () => (await prepared()).explain(),
      run: async (feeds, options = {}) => {
        const values = hostFeeds(feeds as Readonly<Record<string, FeedValue>>, inputs, used, options.steps);
        const ready = await prepared();
        const fetched: Fetches = await this.enqueue(() => ready.run(values, options));
        return Object.fromEntries(
          plan.outputs.map(({ name, operand }) => [name, ndarray(fetched[name]!, [...operand.shape])]),
        ) as Record<Name, NdArray>;
      },
    };
  }
}

function checkHost(name: string, value: HostArray, dtype: Dtype, size: number, shape: Shape): void {
  if (dtypeOf(value) !== dtype) {
    throw new PlanError(`${name}: takes ${dtype}, not ${dtypeOf(value) ?? typeof value}`);
  }
  if (value.length !== size) {
    throw new PlanError(
      `${name}: ${value.length} elements do not fill ${formatShape(shape)} (${value.length} and ${size})`,
    );
  }
}

/** Feeds as typed arrays, checked by name, dtype and size. Inputs that the plan does not use are left out. */
function hostFeeds(
  feeds: Readonly<Record<string, FeedValue>>,
  inputs: Readonly<Record<string, Leaf>>,
  used: ReadonlySet<Leaf>,
  steps: number | undefined,
): Record<string, HostArray> {
  for (const name of Object.keys(feeds)) {
    if (inputs[name] === undefined) {
      throw new PlanError(
        `run: there is no input '${name}': ${Object.keys(inputs).join(', ') || 'the step has none'}`,
      );
    }
  }
  if (steps !== undefined && (!Number.isInteger(steps) || steps < 1)) {
    throw new PlanError(`run: steps must be an integer ≥ 1, not ${steps}`);
  }
  const values: Record<string, HostArray> = {};
  for (const [name, leaf] of Object.entries(inputs)) {
    const value = feeds[name];
    if (value === undefined) throw new PlanError(`run: input '${name}' is not fed`);
    const shape = steps === undefined ? leaf.shape : [steps, ...leaf.shape];
    const shapes = steps === 1 ? [shape, leaf.shape] : [shape];
    const given = typeof value === 'object' && 'data' in value ? value.shape : shape;
    if (!shapes.some((taken) => sameShape(given, taken))) {
      throw new PlanError(
        `run: input '${name}' has another shape: ${formatShape(given)} and ${formatShape(shape)}`,
      );
    }
    const host = toHost(value, leaf.dtype);
    checkHost(`run: input '${name}'`, host, leaf.dtype, sizeOf(shape), shape);
    if (used.has(leaf)) values[name] = host;
  }
  return values;
}

function toHost(value: FeedValue, dtype: Dtype): HostArray {
  if (typeof value === 'number') return allocateHost(dtype, 1).fill(value);
  if (!('data' in value)) return value;
  const host = allocateHost(dtype, value.size);
  const target = ndarray(host, value.shape);
  const index = new Array<number>(value.dimension).fill(0);
  for (let i = 0; i < host.length; i++) {
    let rest = i;
    for (let axis = value.dimension - 1; axis >= 0; axis--) {
      index[axis] = rest % value.shape[axis]!;
      rest = Math.floor(rest / value.shape[axis]!);
    }
    target.set(...index, value.get(...index));
  }
  return host;
}

/** Opens an engine. Default: wasm. `engine.report` says what it got. */
export async function openEngine(options: BackendOptions = {}): Promise<Engine> {
  return new Engine(await openBackend(options));
}
