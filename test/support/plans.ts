/** Plans for tests: usual limits, and engines that plan under other limits than their backend's. */
import type { Backend } from '../../src/engine/backend.js';
import { openBackend } from '../../src/engine/choose.js';
import { Engine } from '../../src/engine/engine.js';
import type { BackendOptions, Probes } from '../../src/engine/options.js';
import { buildPlan, type PlanOptions } from '../../src/plan/build.js';
import type { Limits } from '../../src/plan/limits.js';
import type { Traced } from '../../src/plan/lower.js';
import type { Plan } from '../../src/plan/plan.js';

export const usualLimits: Limits = {
  inputs: 16,
  outputs: 8,
  inPlace: true,
  fuseRandom: true,
  absorbs: true,
  bytes: 2 ** 32,
};

/** Those of a gpu.js kernel: one output of its own, no work in place, random numbers from the host. */
export const gpuLimits: Limits = { inputs: 7, outputs: 1, inPlace: false, fuseRandom: false };

export function planOf(
  traced: Partial<Traced>,
  limits: Partial<Limits> = {},
  options: PlanOptions = {},
): Plan {
  return buildPlan({ outputs: {}, updates: [], ...traced }, { ...usualLimits, ...limits }, options);
}

/** The kinds of the steps, in order: `matmul map`. */
export function kindsOf(plan: Plan): string {
  return plan.steps.map(({ kind }) => kind).join(' ');
}

/** An engine whose plans respect `limits`. */
export async function openLimited(limits: Limits, options: BackendOptions & Probes): Promise<Engine> {
  const backend = await openBackend(options);
  const limited: Backend = {
    limits,
    report: backend.report,
    allocate: (leaf, initial) => backend.allocate(leaf, initial),
    prepare: (plan, residents) => backend.prepare(plan, residents),
    close: () => backend.close(),
  };
  return new Engine(limited);
}
