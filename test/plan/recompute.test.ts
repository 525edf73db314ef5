import * as assert from 'uvu/assert';
import type { Plan } from '../../src/plan/plan.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant, input } from '../../src/tensor/leaves.js';
import { batchNormalize } from '../../src/tensor/ops/normalize.js';
import { relu } from '../../src/tensor/ops/pointwise.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { gpuLimits, kindsOf, planOf } from '../support/plans.js';
import { suite } from '../support/suite.js';

const x = input('x', [64, 8, 8, 16]);
const w = input('w', [16, 16]);

function kinds(outputs: Record<string, Tensor>, limits = {}): string {
  return kindsOf(planOf({ outputs }, limits));
}

/** Elements that the plan's steps write in arrays as large as x. */
function imagesWritten({ steps, slots }: Plan): number {
  return steps
    .flatMap(({ outputs }) => outputs)
    .filter(({ slot }) => slots[slot]!.size === x.size && slots[slot]!.leaf === undefined).length;
}

suite('plans: cheap maps are computed again', (test) => {
  const centered = x.subtract(x.mean([0, 1, 2]));

  test('in reductions and maps that read them', () => {
    assert.is(kinds({ a: centered.square().sum([0, 1, 2]), b: centered.exp() }), 'reduce reduce map');
    const plan = planOf({ outputs: { a: centered.square().sum([0, 1, 2]), b: centered.exp() } });
    assert.is(imagesWritten(plan), 1);
  });

  test('not where a reader needs them in memory, or they are a result', () => {
    const product = centered.matmul(w);
    assert.is(kinds({ product, b: centered.exp().sum() }), 'reduce map matmul reduce');
    assert.is(
      kinds({ centered, a: centered.square().sum(), b: centered.exp().sum() }),
      'reduce map reduce reduce',
    );
  });

  test('not where they are long or slow, or all they read would be read for them alone', () => {
    const twice = (map: Tensor) => ({ a: map.sum([0, 1, 2]), b: map.square().sum([0, 1, 2]) });
    const rows = x.mean([0, 1, 2]);
    assert.is(kinds(twice(x.subtract(rows).multiply(rows).add(rows))), 'reduce map reduce reduce');
    assert.is(kinds(twice(x.subtract(rows).exp())), 'reduce map reduce reduce');
    // two large operands
    assert.is(kinds(twice(x.multiply(input('y', x.shape)))), 'map reduce reduce');
    // the product is nobody else's: as its epilogue the map costs nothing
    assert.is(kinds(twice(relu(x.matmul(w)))), 'matmul reduce reduce');
  });

  test('not beyond the inputs that a kernel may have', () => {
    const many = Array.from({ length: 5 }, (_, i) => input(`y${i}`, x.shape));
    const sum = many.reduce((a: Tensor, b) => a.add(b), input('y', x.shape));
    const outputs = { a: centered.multiply(sum), b: centered.square().sum([0, 1, 2]) };
    assert.is(kinds(outputs), 'reduce map reduce');
    assert.is(kinds(outputs, gpuLimits), 'reduce map map reduce');
  });

  test('a batch normalization and its gradients write the result and the gradient, and nothing between', () => {
    const [gamma, beta] = [input('gamma', [16]), input('beta', [16])];
    const y = batchNormalize(x, gamma, beta, { epsilon: 1e-3 });
    const loss = y.multiply(constant(new Float32Array(x.size).fill(0.5), x.shape)).sum();
    const [dx, dgamma] = gradients(loss, [x, gamma]);
    assert.is(imagesWritten(planOf({ outputs: { y } })), 1);
    assert.is(imagesWritten(planOf({ outputs: { y, dx: dx!, dgamma: dgamma! } })), 2);
  });
});
