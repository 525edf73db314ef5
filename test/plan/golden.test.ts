import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { openBackend } from '../../src/engine/choose.js';
import { buildPlan } from '../../src/plan/build.js';
import { gpuLimits, usualLimits } from '../support/plans.js';
import { reasonOf } from '../support/runCase.js';
import { cnnStep, mlpStep } from '../support/steps.js';
import { suite } from '../support/suite.js';

/**
 * Plans of steps like those of the two seed models (test/support/steps.ts), as printed; the recipes differ in details. A pass that changes them on purpose writes them anew:
 *
 *     QUERN_GOLDEN=write node dist/test/plan/golden.test.js
 *
 * and the difference is reviewed line by line.
 */
const write = process.env.QUERN_GOLDEN === 'write';

const plans = [
  ['mlp', () => buildPlan(mlpStep(128), usualLimits)],
  ['mlp-ragged', () => buildPlan(mlpStep(96), usualLimits)],
  ['mlp-gpu', () => buildPlan(mlpStep(128), gpuLimits)],
  ['mlp-unoptimized', () => buildPlan(mlpStep(128), usualLimits, { optimize: false })],
  ['cnn', () => buildPlan(cnnStep(128), usualLimits)],
] as const;

function goldenFile(name: string): string {
  return fileURLToPath(new URL(`../../../test/plan/golden/${name}.txt`, import.meta.url));
}

const limited = await Promise.all([
  openBackend({ backend: 'wasm' }).catch(reasonOf),
  openBackend({ backend: 'gpu', gpuMode: 'cpu' }).catch(reasonOf),
]);

suite('golden plans of seed-like steps', (test) => {
  [usualLimits, gpuLimits].forEach((limits, i) => {
    const backend = limited[i]!;
    const name = `their limits are those of ${['wasm', 'gpu'][i]}`;
    if (typeof backend === 'string') test.unavailable(name, backend);
    else {
      test(name, async () => {
        await backend.close();
        assert.equal(backend.limits, limits);
      });
    }
  });

  for (const [name, plan] of plans) {
    test(name, () => {
      const text = `${plan().toString()}\n`;
      if (write) writeFileSync(goldenFile(name), text);
      assert.fixture(text, readFileSync(goldenFile(name), 'utf8'));
    });
  }

  test('the same step gives the same plan', () => {
    assert.is(buildPlan(cnnStep(8), usualLimits).toString(), buildPlan(cnnStep(8), usualLimits).toString());
  });
});
