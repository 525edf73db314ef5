/** Every bench by name; they load when they run. */
import { UsageError } from '../src/core/errors.js';
import type { Bench } from './support/bench.js';

const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  matmul: () => import('./matmul.js'),
  convolution: () => import('./convolution.js'),
  pooling: () => import('./pooling.js'),
  profile: () => import('./profile.js'),
  step: () => import('./step.js'),
  startup: () => import('./startup.js'),
  memory: () => import('./memory.js'),
};

export const benchNames: readonly string[] = Object.keys(benches);

/** @throws UsageError for an unknown name */
export async function loadBench(name: string): Promise<Bench> {
  if (!Object.hasOwn(benches, name)) {
    throw new UsageError(`unknown bench '${name}': there are ${benchNames.join(', ')}`);
  }
  return (await benches[name]!()).bench;
}
