/** Every bench by name; they load when they run. */
import { UsageError } from '../src/core/errors.js';
import type { Bench } from './support/bench.js';

const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  matmul: () => import('./matmul.js'),
  convolution: () => import('./convolution.js'),
  pooling: () => import('./pooling.js'),
  layers: () => import('./layers.js'),
  profile: () => import('./profile.js'),
  step: () => import('./step.js'),
  epoch: () => import('./epoch.js'),
  native: () => import('./native.js'),
  busy: () => import('./busy.js'),
  augmentation: () => import('./augmentation.js'),
  startup: () => import('./startup.js'),
  subnormal: () => import('./subnormal.js'),
  zeros: () => import('./zeros.js'),
  memory: () => import('./memory.js'),
  speedrun: () => import('./speedrun.js'),
};

/** Those that `--backend all` has, by the names of theirs that measure one backend. */
const backendBenches: typeof benches = {
  'matmul-backends': () => import('./backends/matmul.js'),
  'convolution-backends': () => import('./backends/convolution.js'),
};

export const benchNames: readonly string[] = Object.keys(benches);

/** @throws UsageError for an unknown name */
export async function loadBench(name: string): Promise<Bench> {
  const table = Object.hasOwn(backendBenches, name) ? backendBenches : benches;
  if (!Object.hasOwn(table, name)) {
    throw new UsageError(`unknown bench '${name}': there are ${benchNames.join(', ')}`);
  }
  return (await table[name]!()).bench;
}

/**
 * The benches that measure every backend: of those names, or all of them.
 *
 * @throws UsageError for a name that has none
 */
export function backendBenchNames(names: readonly string[]): readonly string[] {
  const known = Object.keys(backendBenches);
  if (names.length === 0) return known;
  return names.map((name) => {
    const found = known.find((one) => one === name || one === `${name}-backends`);
    if (found !== undefined) return found;
    const all = known.map((one) => one.replace('-backends', '')).join(' and ');
    throw new UsageError(`bench: --backend all is for ${all}, not for '${name}'`);
  });
}
