import * as assert from 'uvu/assert';
import { type Engine, openEngine } from '../../src/engine/engine.js';
import type { BackendOptions, Probes } from '../../src/engine/options.js';
import type { Limits } from '../../src/plan/limits.js';
import { graphSignature, randomGraph } from '../support/graphs.js';
import { compareArrays, type Tolerance } from '../support/kernelCases/compare.js';
import { gpuLimits, openLimited, usualLimits } from '../support/plans.js';
import { reasonOf } from '../support/runCase.js';
import { suite } from '../support/suite.js';

/** Double precision on the reference backend: the order of roundings must not decide. */
const tight: BackendOptions & Probes = { backend: 'reference', precision: 'float64', poison: true };
const variants: readonly (readonly [string, Limits, BackendOptions & Probes, Tolerance])[] = [
  ['usual limits', usualLimits, tight, { absolute: 1e-6, relative: 1e-6 }],
  ['limits of a gpu', gpuLimits, tight, { absolute: 1e-6, relative: 1e-6 }],
  [
    'two inputs, two outputs',
    { ...usualLimits, inputs: 3, outputs: 2 },
    tight,
    { absolute: 1e-6, relative: 1e-6 },
  ],
  ['wasm', usualLimits, { backend: 'wasm', poison: true }, { absolute: 1e-5, relative: 1e-5 }],
];

/** Outputs and residents after three steps. */
async function traceOf(
  engine: Engine,
  seed: number,
  optimize: boolean,
): Promise<Map<string, ArrayLike<number>>> {
  const graph = randomGraph(seed);
  const compiled = engine.compile(graph.step, graphSignature, { optimize });
  const values = new Map<string, ArrayLike<number>>();
  for (let run = 0; run < 3; run++) {
    const x = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i + run));
    for (const [name, value] of Object.entries(await compiled.run({ x }))) {
      values.set(`${name} of run ${run}`, value.data as ArrayLike<number>);
    }
  }
  for (const leaf of graph.leaves) values.set(leaf.name, (await engine.read(leaf)).data as ArrayLike<number>);
  return values;
}

const opened = await Promise.all(
  variants.map(async ([name, limits, options, tolerance]) => ({
    name,
    tolerance,
    oracle: await openEngine(options).catch(reasonOf),
    engine: await openLimited(limits, options).catch(reasonOf),
  })),
);

for (const { name, tolerance, oracle, engine } of opened) {
  suite(`random steps, optimized against unoptimized: ${name}`, (test) => {
    if (typeof oracle === 'string' || typeof engine === 'string') {
      test.unavailable('all seeds', String(engine));
      return;
    }
    test.after(async () => {
      await Promise.all([oracle.close(), engine.close()]);
    });
    for (let seed = 0; seed < 40; seed++) {
      test(`seed ${seed}`, async () => {
        const expected = await traceOf(oracle, seed, false);
        const actual = await traceOf(engine, seed, true);
        assert.equal([...actual.keys()], [...expected.keys()]);
        for (const [value, numbers] of expected) {
          try {
            compareArrays(actual.get(value)!, numbers, tolerance);
          } catch (cause) {
            throw new Error(`${value}: ${(cause as Error).message}`, { cause });
          }
        }
      });
    }
  });
}
