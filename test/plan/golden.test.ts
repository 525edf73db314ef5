import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { buildPlan } from '../../src/plan/build.js';
import type { Limits } from '../../src/plan/limits.js';
import { cnnStep, mlpStep } from '../support/steps.js';
import { suite } from '../support/suite.js';

/**
 * The plans of the two seed models, as printed. A pass that changes them on purpose writes them anew:
 *
 *     QUERN_GOLDEN=write node dist/test/plan/golden.test.js
 *
 * and the difference is reviewed line by line.
 */
const write = process.env.QUERN_GOLDEN === 'write';

/** Those of wasm, and those of a gpu.js kernel: one output of its own, no work in place, random numbers from the host. */
const wasm: Limits = { inputs: 16, outputs: 8, inPlace: true, fuseRandom: true, routes: true };
const gpu: Limits = { inputs: 7, outputs: 1, inPlace: false, fuseRandom: false };

const plans = [
  ['mlp', () => buildPlan(mlpStep(128), wasm)],
  ['mlp-ragged', () => buildPlan(mlpStep(96), wasm)],
  ['mlp-gpu', () => buildPlan(mlpStep(128), gpu)],
  ['mlp-unoptimised', () => buildPlan(mlpStep(128), wasm, { optimise: false })],
  ['cnn', () => buildPlan(cnnStep(128), wasm)],
] as const;

function goldenFile(name: string): string {
  return fileURLToPath(new URL(`../../../test/plan/golden/${name}.txt`, import.meta.url));
}

suite('golden plans', (test) => {
  for (const [name, plan] of plans) {
    test(name, () => {
      const text = `${plan().toString()}\n`;
      if (write) writeFileSync(goldenFile(name), text);
      assert.fixture(text, readFileSync(goldenFile(name), 'utf8'));
    });
  }

  test('the same step gives the same plan', () => {
    assert.is(buildPlan(cnnStep(8), wasm).toString(), buildPlan(cnnStep(8), wasm).toString());
  });
});
