/** The engines that tests in Node compare, and cases of the op table as tests on them. */
import { openBackend } from '../../src/engine/choose.js';
import { type CompiledStep, Engine } from '../../src/engine/engine.js';
import type { BackendOptions, Probes } from '../../src/engine/options.js';
import type { PlanOptions } from '../../src/plan/build.js';
import type { OpCase } from './cases.js';
import { prepareCase, reasonOf } from './runCase.js';
import type { Suite } from './suite.js';
import { provideTestWebGpu } from './webgpu.js';

export interface Candidate {
  readonly name: string;
  readonly options: BackendOptions;
  /** The engine, or why there is none. */
  readonly engine: Engine | string;
}

/** Every backend in every mode that this machine may have. The caller closes the engines. */
export async function openCandidates(extra: Probes = {}): Promise<Candidate[]> {
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
      const backend = await openBackend({ ...options, ...extra }).catch(reasonOf);
      const engine = typeof backend === 'string' ? backend : new Engine(backend);
      return { name, options, engine };
    }),
  );
}

/** A candidate with the steps that a test wants of it, or why it does not take a case. */
export interface Prepared extends Candidate {
  readonly steps: ReadonlyMap<OpCase, readonly CompiledStep[] | string>;
}

/** Compiles a step for each of `plans`, for all cases. */
export async function prepareCases(
  candidate: Candidate,
  cases: readonly OpCase[],
  plans: readonly PlanOptions[],
): Promise<Prepared> {
  const { engine } = candidate;
  if (typeof engine === 'string') return { ...candidate, steps: new Map() };
  const steps = await Promise.all(
    cases.map(async (opCase) => [opCase, await prepareCase(engine, opCase, plans)] as const),
  );
  return { ...candidate, steps: new Map(steps) };
}

/** Registers a test for each case of a candidate, and what it cannot do as unavailable. */
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
  for (const [opCase, compiled] of steps) {
    if (typeof compiled === 'string') test.unavailable(opCase.name, compiled);
    else test(opCase.name, () => run(opCase, compiled));
  }
}
