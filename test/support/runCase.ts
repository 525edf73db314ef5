/** Runs rows of the op case table on an engine. Needs nothing of Node, so that browsers run them too. */
import type { NdArray } from 'ndarray';
import { exactIntegers } from '../../kernels/toolkit/gpu/kernel.js';
import type { HostArray } from '../../src/core/dtype.js';
import { BackendError } from '../../src/core/errors.js';
import { formatShape } from '../../src/core/shape.js';
import type { CompiledStep, Engine, Signature } from '../../src/engine/engine.js';
import type { PlanOptions } from '../../src/plan/build.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { exact } from './cases/define.js';
import { dataOf, type OpCase, type Values } from './cases.js';
import { compareArrays, type Tolerance } from './kernelCases/compare.js';

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

/** The message of a BackendError; any other error is thrown on. */
export function reasonOf(error: unknown): string {
  if (error instanceof BackendError) return error.message.split('\n')[0]!;
  throw error;
}

/** Why a case is not asked of an engine, if it is not. */
function reasonAgainst({ report }: Engine, opCase: OpCase): string | undefined {
  if (report.backend !== 'gpu' || !opCase.extreme) return undefined;
  const beyond = (data: HostArray) =>
    data instanceof Int32Array && data.some((value) => Math.abs(value) > exactIntegers);
  if (dataOf(opCase).some(beyond)) return 'int32 beyond 2^24, which a float32 does not hold';
  return report.adapter === undefined ? undefined : 'drivers need not keep NaN and infinities';
}

/** The case compiled with each of `plans`, or why the engine is not asked for it or refuses it. */
export async function prepareCase(
  engine: Engine,
  opCase: OpCase,
  plans: readonly PlanOptions[] = [{}],
): Promise<CompiledStep[] | string> {
  const reason = reasonAgainst(engine, opCase);
  if (reason !== undefined) return reason;
  const compiled = plans.map((plan) => compileCase(engine, opCase, plan));
  const ready = Promise.all(compiled.map((step) => step.prepare()));
  return ready.then(() => compiled, reasonOf);
}

const answers = new WeakMap<OpCase, { readonly oracle: Engine; readonly result: Promise<Result> }>();

/** What the plan of one kernel for each op gives on the oracle: asked once, however many are compared with it. */
function answerOf(oracle: Engine, opCase: OpCase): Promise<Result> {
  const known = answers.get(opCase);
  if (known?.oracle === oracle) return known.result;
  const result = runCase(oracle, opCase, { optimize: false });
  answers.set(opCase, { oracle, result });
  return result;
}

/** Throws unless the step gives what the oracle says. */
export async function compareWithOracle(step: CompiledStep, oracle: Engine, opCase: OpCase): Promise<void> {
  compareResults(await runStep(step, opCase), await answerOf(oracle, opCase), opCase.tolerance);
}
