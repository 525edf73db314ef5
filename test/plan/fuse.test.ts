import * as assert from 'uvu/assert';
import { PlanError } from '../../src/core/errors.js';
import { formatExpression } from '../../src/core/expression.js';
import type { Plan } from '../../src/plan/plan.js';
import { node } from '../../src/tensor/build.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant, input, parameter } from '../../src/tensor/leaves.js';
import type { Op } from '../../src/tensor/op.js';
import { conv2d } from '../../src/tensor/ops/conv2d.js';
import { gather } from '../../src/tensor/ops/gather.js';
import { gelu } from '../../src/tensor/ops/pointwise.js';
import { maxPool2d } from '../../src/tensor/ops/pool.js';
import { softmaxCrossEntropy } from '../../src/tensor/ops/softmax.js';
import { randomKey, randomUniform } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { throws } from '../support/messages.js';
import { kindsOf, planOf } from '../support/plans.js';
import { suite } from '../support/suite.js';

const x = input('x', [4, 6]);
const y = input('y', [4, 6]);
const row = input('row', [6]);
const column = input('column', [4, 1]);
const square = input('square', [6, 6]);

/** What the maps, prologues and epilogues of a plan compute, in order. */
function expressionsOf(plan: Plan): string[] {
  return plan.steps.flatMap((step) => {
    const { expressions = [], epilogue } = step.specification as {
      expressions?: readonly Parameters<typeof formatExpression>[0][];
      epilogue?: { expression: Parameters<typeof formatExpression>[0] };
    };
    const prologue = step.kind === 'reduce' ? [step.specification.prologue] : [];
    return [...prologue, ...expressions, ...(epilogue ? [epilogue.expression] : [])].map(formatExpression);
  });
}

function kinds(outputs: Record<string, Tensor>, limits = {}): string {
  return kindsOf(planOf({ outputs }, limits));
}

suite('plans: what is not computed', (test) => {
  test('a node that nobody uses', () => {
    x.multiply(2).exp();
    const [unused] = gradients(x.square().sum(), [x]);
    assert.ok(unused);
    assert.is(kinds({ a: x.add(1) }), 'map');
  });

  test('the same work twice', () => {
    assert.is(kinds({ a: x.matmul(square), b: x.matmul(square) }), 'matmul');
    assert.is(kinds({ a: x.transpose().exp().sum(0), b: x.transpose().exp().sum(0).negate() }), 'reduce map');
  });

  test('the same work with equal constants', () => {
    assert.is(kinds({ a: x.multiply(2).matmul(square), b: x.multiply(2).matmul(square) }), 'map matmul');
  });

  test('0 and −0 are no equal constants', () => {
    const signs = kindsOf(planOf({ outputs: { a: x.divide(0).sum(), b: x.divide(-0).sum() } }));
    assert.is(signs, 'reduce reduce');
  });

  test('work that differs in an attribute, an operand or a dtype is done twice', () => {
    assert.is(kinds({ a: x.sum(0), b: x.sum(1) }), 'reduce reduce');
    assert.is(kinds({ a: x.matmul(square), b: y.matmul(square) }), 'matmul matmul');
    const one = randomUniform([9], randomKey(1)).sum();
    const other = randomUniform([9], randomKey(2)).sum();
    assert.is(
      kinds({ a: one, b: other })
        .split(' ')
        .filter((kind) => kind === 'reduce').length,
      2,
    );
  });

  test('a factor of 1 and a sum with 0', () => {
    const plan = planOf({ outputs: { a: x.multiply(1).add(0).matmul(square) } });
    assert.is(kindsOf(plan), 'matmul');
    assert.is(plan.leaves.length, 2);
  });

  test('the gradient 1 of the loss itself', () => {
    const [gradient] = gradients(x.add(row).sum(), [x]);
    assert.is(kinds({ gradient: gradient! }), '');
    const [other] = gradients(softmaxCrossEntropy(x, input('labels', [4], 'int32')).sum(), [x]);
    assert.is(kinds({ other: other! }), 'softmaxCrossEntropy');
  });

  test('without optimizing all is done as it stands', () => {
    const outputs = { a: x.multiply(1).exp(), b: x.multiply(1).exp() };
    assert.is(kindsOf(planOf({ outputs }, {}, { optimize: false })), 'map map map map');
  });
});

suite('plans: lowering', (test) => {
  test('an op that calls itself a leaf', () => {
    const odd: Op<null> = { name: 'odd', lower: () => ({ type: 'leaf' }) };
    throws(
      () => planOf({ outputs: { a: node(odd, [x], null, { shape: [4, 6], dtype: 'float32' }) } }),
      PlanError,
      'odd: only a Leaf lowers to a leaf',
    );
  });

  test('a view that strides cannot express is copied once', () => {
    const turned = x.transpose();
    const outputs = { a: turned.reshape([24]), b: turned.reshape([8, 3]), c: turned.reshape([3, 8]) };
    assert.is(kinds(outputs), 'map');
    assert.is(kindsOf(planOf({ outputs: { a: turned.reshape([6, 2, 2]) } })), '');
  });

  test('a kernel that wants its operands without gaps gets a copy, one that does not gets a view', () => {
    const indices = input('indices', [2], 'int32');
    assert.is(kinds({ a: gather(x.transpose(), indices) }), 'map gather');
    assert.is(kinds({ a: x.transpose().matmul(y) }), 'matmul');
    assert.is(kinds({ a: x.slice([0], [4], [2]).sum(0) }), 'reduce');
  });
});

suite('plans: maps', (test) => {
  test('through a change of shape', () => {
    assert.is(kinds({ a: x.exp().reshape([24]).add(1).reshape([2, 12]).tanh() }), 'map');
  });

  test('not through a transposition, which no longer reads element for element', () => {
    assert.is(kinds({ a: x.exp().transpose().add(1) }), 'map map');
  });

  test('not through broadcasting, which would do the work again and again', () => {
    assert.is(kinds({ a: row.exp().add(x) }), 'map map');
  });

  test('a result that is also an output is written by the same map', () => {
    const a = x.exp();
    const plan = planOf({ outputs: { a, b: a.add(1) } });
    assert.is(kindsOf(plan), 'map');
    assert.is(plan.steps[0]!.outputs.length, 2);
    assert.is(kinds({ a, b: a.add(1) }, { outputs: 1 }), 'map map');
  });

  test('no more operands than the backend takes', () => {
    const sum = [x, y, input('z', [4, 6]), input('w', [4, 6])].reduce<Tensor>(
      (total, part) => total.add(part),
      row,
    );
    assert.is(kinds({ sum }), 'map');
    for (const inputs of [2, 3, 4]) {
      const plan = planOf({ outputs: { sum } }, { inputs });
      assert.ok(plan.steps.every((step) => step.inputs.length <= inputs));
      assert.ok(plan.steps.length > 1);
    }
  });

  test('numbers that wrapped around as uint8 stay wrapped', () => {
    assert.is(kinds({ a: x.cast('uint8').cast('float32') }), 'map map');
    const wrapped = constant(300)
      .cast('uint8')
      .broadcastTo([4])
      .cast('float32')
      .multiply(row.slice([0], [4]));
    assert.is(kinds({ wrapped }), 'map map');
  });

  test('a chain of squares does not grow without end', () => {
    let value: Tensor = x;
    for (let i = 0; i < 40; i++) value = value.multiply(value);
    const plan = planOf({ outputs: { value } });
    assert.ok(plan.steps.length > 1 && plan.steps.length < 20, `${plan.steps.length} steps`);
    assert.ok(expressionsOf(plan).every((text) => text.length < 10_000));
  });

  test('random numbers stay alone where the backend cannot mix them', () => {
    const noise = randomUniform([4, 6], randomKey(1));
    assert.is(kinds({ a: x.multiply(noise).tanh() }), 'map');
    assert.is(kinds({ a: x.multiply(noise).tanh() }, { fuseRandom: false }), 'map map');
    assert.is(kinds({ a: x.matmul(square).multiply(noise) }, { fuseRandom: false }), 'map matmul');
    assert.is(kinds({ a: x.multiply(noise).sum() }, { fuseRandom: false }), 'map reduce');
  });

  test('no cycle: a map does not take in what its other operand depends on', () => {
    const a = x.exp();
    assert.is(kinds({ b: a.divide(a.sum(-1, true)) }), 'map reduce map');
  });
});

suite('plans: siblings', (test) => {
  const images = input('images', [2, 4, 4, 3]);
  const loss = maxPool2d(images).square().sum();

  test('values and indices of a pool are one pass', () => {
    const [gradient] = gradients(loss, [images]);
    assert.is(kinds({ loss, gradient: gradient! }), 'maxPool reduce map maxPoolGradient');
    assert.is(
      kinds({ loss, gradient: gradient! }, { outputs: 1 })
        .split(' ')
        .filter((kind) => kind === 'maxPool').length,
      2,
    );
  });

  test('pools of different windows are not', () => {
    assert.is(kinds({ a: maxPool2d(images, 2), b: maxPool2d(images, 4) }), 'maxPool maxPool');
  });
});

suite('plans: gradients that take the entries of a max pool', (test) => {
  const images = input('images', [2, 8, 8, 3]);
  const filter = parameter('filter', [3, 3, 3, 4], 0.1);
  const bias = parameter('bias', [4], 0);
  /** The kinds behind the loss, for the gradients in `wrt`. */
  function gradientKinds(loss: Tensor, wrt: Tensor[], limits = {}): string {
    return kinds(Object.fromEntries(gradients(loss, wrt).map((gradient, i) => [`g${i}`, gradient])), limits);
  }
  const pooled = maxPool2d(conv2d(images, filter).add(bias).relu()).square().sum();

  test('but where the backend has no such kernels: then the bias alone', () => {
    assert.is(
      gradientKinds(pooled, [filter, bias], { absorbs: false }),
      'conv2d maxPool map maxPoolGradient reduce conv2dFilterGradient',
    );
  });

  test('not where windows begin so close that there is nothing to gain', () => {
    const close = maxPool2d(conv2d(images, filter), 2, { strides: [2, 1] })
      .square()
      .sum();
    assert.is(gradientKinds(close, [filter]), 'conv2d maxPool map maxPoolGradient conv2dFilterGradient');
  });

  test('a sum over pixels that is linear in it', () => {
    const [gradient] = gradients(maxPool2d(images).square().sum(), [images]);
    const channels = input('channels', [3]);
    const other = input('other', images.shape);
    assert.is(kinds({ a: gradient!.sum([0, 1, 2]) }), 'maxPool reduce');
    assert.is(kinds({ a: gradient!.multiply(channels).sum([1, 2]) }), 'maxPool reduce');
    const taken = planOf({ outputs: { a: gradient!.multiply(other.subtract(channels)).sum([0, 1, 2]) } });
    assert.is(kindsOf(taken), 'maxPool maxPoolTake reduce');
    assert.is(expressionsOf(taken).at(-1), 'multiply(multiply(x0, 2), subtract(x1, x2))');
  });

  test('not a sum of another kind, over other axes or at random', () => {
    const [gradient] = gradients(maxPool2d(images).square().sum(), [images]);
    const noise = randomUniform(images.shape, randomKey(1));
    for (const a of [
      gradient!.square().sum([0, 1, 2]),
      gradient!.add(1).sum([0, 1, 2]),
      gradient!.sum([0, 1]),
      gradient!.max([0, 1, 2]),
      gradient!.multiply(noise).sum([0, 1, 2]),
    ]) {
      assert.match(kinds({ a }), 'maxPoolGradient');
    }
  });

  test('a gate of what was pooled, of a relu say; not one of anything else', () => {
    const ofRelu = gradients(maxPool2d(images.relu()).square().sum(), [images]);
    const gated = planOf({ outputs: { a: ofRelu[0]! } });
    assert.is(kindsOf(gated), 'map maxPool map maxPoolGradient');
    assert.equal(expressionsOf(gated), ['relu(x0)', 'where(greater(x0, 0), multiply(x0, 2), 0)']);
    const ofMaximum = gradients(maxPool2d(images.maximum(0)).square().sum(), [images]);
    const behind = expressionsOf(planOf({ outputs: { a: ofMaximum[0]! } })).at(-1);
    assert.is(behind, 'where(greaterEqual(x1, 0), x0, 0)');
  });

  test('not where something else changes the gradient on its way', () => {
    const between = maxPool2d(conv2d(images, filter).tanh()).square().sum();
    assert.is(gradientKinds(between, [filter]), 'conv2d maxPool map maxPoolGradient conv2dFilterGradient');
  });
});

suite('plans: epilogues and prologues', (test) => {
  const product = x.matmul(square);

  test('a residual sum, a single element, and the result more than once', () => {
    const plan = planOf({ outputs: { a: product.add(x).multiply(constant(3)).multiply(product) } });
    assert.equal(expressionsOf(plan), ['multiply(multiply(add(x0, x1), 3), x0)']);
  });

  test('behind a convolution, through a change of shape', () => {
    const images = input('images', [2, 4, 4, 3]);
    const flat = conv2d(images, input('filter', [3, 3, 3, 2])).reshape([2, 8]);
    assert.is(kinds({ a: flat.add(input('bias', [8])) }), 'conv2d map');
    assert.is(kinds({ a: flat.add(1).relu() }), 'conv2d');
  });

  test('uint8 numbers that wrapped around stay wrapped', () => {
    const table = input('table', [9, 5], 'uint8');
    const wrapped = gather(table, input('indices', [3], 'int32'))
      .cast('int32')
      .multiply(3)
      .cast('uint8');
    assert.is(kinds({ a: wrapped.cast('float32') }), 'gather map');
  });

  test('a column does not fit, nor a transposed operand', () => {
    assert.is(kinds({ a: product.add(column) }), 'matmul map');
    assert.is(kinds({ a: product.add(input('t', [6, 4]).transpose()) }), 'matmul map');
    assert.is(kinds({ a: square.matmul(square).transpose().add(1) }), 'matmul map');
  });

  test('not a result that is used twice or kept', () => {
    assert.is(kinds({ a: product.exp(), b: product.sum() }), 'matmul map reduce');
    assert.is(kinds({ a: product, b: product.exp() }), 'matmul map');
  });

  test('an activation behind a bias whose sum the gradient needs', () => {
    const w = parameter('w', [6, 6], 0.1);
    const loss = gelu(x.matmul(w).add(row)).sum();
    const [gradient] = gradients(loss, [w]);
    const plan = planOf({ outputs: { loss, gradient: gradient! } });
    assert.is(plan.steps[0]!.kind, 'matmul');
    assert.equal(expressionsOf(plan)[0], 'add(x0, x1)');
  });

  test('no more operands than the backend takes', () => {
    assert.is(kinds({ a: product.add(x).multiply(y) }, { inputs: 3 }), 'matmul map');
    assert.is(kinds({ a: product.add(x).multiply(y) }, { inputs: 4 }), 'matmul');
    assert.is(kinds({ a: x.multiply(y).multiply(row).sum() }, { inputs: 2 }), 'map reduce');
  });

  test('not where its result has another use, nor through a broadcast', () => {
    const a = x.exp();
    assert.is(kinds({ a, b: a.sum() }), 'map reduce');
    assert.is(kinds({ a: row.exp().broadcastTo([4, 6]).sum(0) }), 'map reduce');
  });

  test('not a map without operands, which has no shape to give', () => {
    assert.is(kinds({ a: constant(2).multiply(3).broadcastTo([5]).sum() }), 'map reduce');
  });
});
