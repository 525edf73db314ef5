/** The tables of cases, run in a browser for test/browser/gpuContract.test.ts: all of one mode in one call of the page. */
import { openMode } from '../../src/backends/gpu/open.js';
import { openBackend } from '../../src/engine/choose.js';
import { type Engine, openEngine } from '../../src/engine/engine.js';
import { contract } from '../backends/contract/contract.js';
import { checkCase, reasonAgainst } from '../kernels/gpuCases.js';
import type { BrowserFunction } from '../support/browser/task.js';
import { type OpCase, opCases } from '../support/cases.js';
import { gradientCases } from '../support/gradientCases.js';
import { kernelCases } from '../support/kernelCases.js';
import { compareWithOracle, prepareCase } from '../support/runCase.js';

/** What became of a table. Plain data. */
export interface CasesResult {
  /** Of the device that really ran. */
  readonly mode: string | undefined;
  readonly adapter: string | undefined;
  readonly passed: readonly string[];
  /** Name and message of each. */
  readonly failures: readonly string[];
  /** Name and reason of each. */
  readonly skipped: readonly (readonly [name: string, reason: string])[];
}

interface Named {
  readonly name: string;
}

/** Runs all cases, one after another. `check` gives the reason why a case cannot run, or throws what is wrong with it. */
async function collect<Case extends Named>(
  cases: readonly Case[],
  check: (one: Case) => Promise<string | undefined>,
): Promise<Pick<CasesResult, 'passed' | 'failures' | 'skipped'>> {
  const passed: string[] = [];
  const failures: string[] = [];
  const skipped: (readonly [string, string])[] = [];
  for (const one of cases) {
    try {
      const reason = await check(one);
      if (reason === undefined) passed.push(one.name);
      else skipped.push([one.name, reason]);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
      failures.push(`${one.name}: ${error}${cause}`);
    }
  }
  return { passed, failures, skipped };
}

/** Every row of the contract of backends. */
export const runContract: BrowserFunction<string, CasesResult> = async (_quern, gpuMode) => {
  const open = () => openBackend({ backend: 'gpu', gpuMode });
  const backend = await open();
  try {
    const { mode, adapter } = backend.report;
    const rows = await collect(contract, async ({ check }) => {
      await check(backend, open);
      return undefined;
    });
    return { mode, adapter, ...rows };
  } finally {
    await backend.close();
  }
};

/** Every kernel case, against the reference's kernel. */
export const runKernelCases: BrowserFunction<'webgpu' | 'webgl2', CasesResult> = async (_quern, name) => {
  const device = await openMode(name);
  try {
    const { mode, adapter } = device;
    const rows = await collect(kernelCases, async (kernelCase) => {
      if (kernelCase.extreme) return 'drivers need not keep NaN and infinities';
      const reason = reasonAgainst(kernelCase);
      if (reason === undefined) await checkCase(device, kernelCase);
      return reason;
    });
    return { mode, adapter, ...rows };
  } finally {
    await device.close();
  }
};

export interface OpResults {
  readonly forward: CasesResult;
  readonly gradients: CasesResult;
}

/**
 * Every op of the table forward, and its gradients: against the plan of one kernel for each op on the reference backend. All
 * on one device, which keeps the kernels that they have in common.
 */
export const runOps: BrowserFunction<string, OpResults> = async (_quern, gpuMode) => {
  const engine: Engine = await openEngine({ backend: 'gpu', gpuMode });
  const oracle: Engine = await openEngine({ backend: 'reference' });
  try {
    const { mode, adapter } = engine.report;
    const run = async (cases: readonly OpCase[]): Promise<CasesResult> => {
      const rows = await collect(cases, async (opCase) => {
        const prepared = await prepareCase(engine, opCase);
        if (typeof prepared === 'string') return prepared;
        await compareWithOracle(prepared[0]!, oracle, opCase);
        return undefined;
      });
      return { mode, adapter, ...rows };
    };
    return { forward: await run(opCases), gradients: await run(gradientCases) };
  } finally {
    await engine.close();
    await oracle.close();
  }
};
