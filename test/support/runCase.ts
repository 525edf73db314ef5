/** Runs rows of the op case table on an engine, and opens the engines that tests compare. */
import type { NdArray } from 'ndarray';
import { BackendError } from '../../src/core/errors.js';
import { formatShape } from '../../src/core/shape.js';
import type { BackendOptions } from '../../src/engine/choose.js';
import { type CompiledStep, type Engine, openEngine, type Signature } from '../../src/engine/engine.js';
import type { PlanOptions } from '../../src/plan/build.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { exact } from './cases/define.js';
import { dataOf, type OpCase, type Values } from './cases.js';
import { compareArrays, type Tolerance } from './kernelCases/compare.js';
import type { Suite } from './suite.js';
import { provideTestWebGpu } from './webgpu.js';

/** The values of a result, row-major. */
export interface Result extends Values {
  readonly integers: boolean;
}

export function compileCase(
  engine: Engine,
  { inputs, build }: OpCase,
  options: PlanOptions = {},
): CompiledStep {
  const signature: Signature = Object.fromEntries(
    inputs.map(({ shape, dtype }, i) => [`x${i}`, { shape, dtype }]),
  );
  return engine.compile(
    (feeds) => {
      const y: Tensor = build(...inputs.map((_, i) => feeds[`x${i}`]!));
      return { outputs: { y } };
    },
    signature,
    options,
  );
}

export async function runStep(step: CompiledStep, opCase: OpCase): Promise<Result> {
  const feeds = Object.fromEntries(dataOf(opCase).map((data, i) => [`x${i}`, data]));
  const y: NdArray = (await step.run(feeds)).y!;
  return {
    shape: y.shape,
    data: y.data as ArrayLike<number>,
    integers: !(y.data instanceof Float32Array),
  };
}

export async function runCase(engine: Engine, opCase: OpCase, options?: PlanOptions): Promise<Result> {
  return runStep(compileCase(engine, opCase, options), opCase);
}

/** Throws unless shapes are equal and values within the tolerance; integers exactly. */
export function compareResults(actual: Result, expected: Values, tolerance: Tolerance): void {
  const shapes = [actual.shape, expected.shape].map(formatShape);
  if (shapes[0] !== shapes[1]) throw new Error(`the shape is ${shapes[0]} instead of ${shapes[1]}`);
  compareArrays(actual.data, expected.data, actual.integers ? exact : tolerance);
}

export interface Candidate {
  readonly name: string;
  readonly options: BackendOptions;
  /** The engine, or why there is none. */
  readonly engine: Engine | string;
}

/** Every backend in every mode that this machine may have. The caller closes the engines. */
export async function openCandidates(extra: BackendOptions = {}): Promise<Candidate[]> {
  const candidates: readonly (readonly [string, BackendOptions])[] = [
    ['reference', { backend: 'reference' }],
    ['wasm baseline', { backend: 'wasm', simd: 'baseline' }],
    ['wasm relaxed', { backend: 'wasm', simd: 'relaxed' }],
    ['gpu cpu', { backend: 'gpu', gpuMode: 'cpu' }],
    ['gpu webasm', { backend: 'gpu', gpuMode: 'webasm' }],
    ['gpu webgpu', { backend: 'gpu', gpuMode: 'webgpu' }],
  ];
  await provideTestWebGpu();
  return Promise.all(
    candidates.map(async ([name, options]) => {
      const engine = await openEngine({ ...options, ...extra }).catch(reasonOf);
      return { name, options, engine };
    }),
  );
}

/** The message of a BackendError; any other error is thrown on. */
export function reasonOf(error: unknown): string {
  if (error instanceof BackendError) return error.message.split('\n')[0]!;
  throw error;
}

/** A candidate with the steps that a test wants of it, or why it does not take a case. */
export interface Prepared extends Candidate {
  readonly steps: ReadonlyMap<OpCase, readonly CompiledStep[] | string>;
}

/** Compiles a step for each of `plans`, for all cases that the candidate can be asked. */
export async function prepareCases(
  candidate: Candidate,
  cases: readonly OpCase[],
  plans: readonly PlanOptions[],
): Promise<Prepared> {
  const { engine, options } = candidate;
  if (typeof engine === 'string') return { ...candidate, steps: new Map() };
  const asked = cases.filter(({ extreme }) => options.backend !== 'gpu' || !extreme);
  const steps = await Promise.all(
    asked.map(async (opCase) => {
      const compiled = plans.map((plan) => compileCase(engine, opCase, plan));
      const ready = Promise.all(compiled.map((step) => step.prepare()));
      return [opCase, await ready.then(() => compiled, reasonOf)] as const;
    }),
  );
  return { ...candidate, steps: new Map(steps) };
}

/** Registers a test for each case of a candidate, and what it cannot do as unavailable, once for each op. */
export function registerCases(
  test: Suite,
  { engine, steps }: Prepared,
  run: (opCase: OpCase, steps: readonly CompiledStep[]) => Promise<void>,
): void {
  if (typeof engine === 'string') {
    test.unavailable('all ops', engine);
    return;
  }
  test.after(() => engine.close());
  const refused = new Map<string, string>();
  for (const [opCase, compiled] of steps) {
    if (typeof compiled === 'string') refused.set(opCase.op, compiled);
    else test(opCase.name, () => run(opCase, compiled));
  }
  for (const [op, reason] of refused) test.unavailable(op, reason);
}
