import * as assert from 'uvu/assert';
import { openEngine } from '../../src/engine/engine.js';
import * as assembleOps from '../../src/tensor/ops/assemble.js';
import * as conv2dOps from '../../src/tensor/ops/conv2d.js';
import * as depthwiseOps from '../../src/tensor/ops/depthwise.js';
import * as gatherOps from '../../src/tensor/ops/gather.js';
import * as matmulOps from '../../src/tensor/ops/matmul.js';
import * as normalizeOps from '../../src/tensor/ops/normalize.js';
import * as pointwiseOps from '../../src/tensor/ops/pointwise.js';
import * as poolOps from '../../src/tensor/ops/pool.js';
import * as quantileOps from '../../src/tensor/ops/quantile.js';
import * as reduceOps from '../../src/tensor/ops/reduce.js';
import * as softmaxOps from '../../src/tensor/ops/softmax.js';
import * as viewOps from '../../src/tensor/ops/views.js';
import * as withGradientOps from '../../src/tensor/ops/withGradient.js';
import * as randomOps from '../../src/tensor/random.js';
import { expectedOf, opCases } from '../support/cases.js';
import { compareResults, runCase } from '../support/runCase.js';
import { suite } from '../support/suite.js';

/** Functions that are no ops: they make keys and ops, or are a part of other ops' gradients with tests of their own. */
const helpers = ['definePointwise', 'randomKey', 'subKey', 'scatterSlices', 'channelMoments'];

const engine = await openEngine({ backend: 'reference' });

suite('ops forward, against their definitions', (test) => {
  test.after(() => engine.close());

  test('every op has a row', () => {
    const modules: readonly object[] = [
      ...[assembleOps, conv2dOps, gatherOps, matmulOps, pointwiseOps, poolOps, quantileOps, reduceOps],
      ...[softmaxOps, viewOps, randomOps, normalizeOps, depthwiseOps, withGradientOps],
    ];
    const exported = modules.flatMap((module) =>
      Object.entries(module).flatMap(([name, value]) => (typeof value === 'function' ? [name] : [])),
    );
    const covered = new Set(opCases.map(({ op }) => op));
    assert.equal(
      exported.filter((name) => !covered.has(name) && !helpers.includes(name)),
      [],
    );
  });

  test('names are unique', () => {
    assert.is(new Set(opCases.map(({ name }) => name)).size, opCases.length);
  });

  for (const opCase of opCases) {
    test(opCase.name, async () => {
      compareResults(await runCase(engine, opCase), expectedOf(opCase), opCase.tolerance);
    });
  }
});
