/** The public surface, as the programs of its users have it. */
import * as assert from 'uvu/assert';
import * as library from '../src/index.js';
import {
  adam,
  checkGradients,
  conv2d,
  crossEntropy,
  dense,
  dropout,
  fit,
  flatten,
  glorotUniform,
  gradients,
  layer,
  leaves,
  loadDataset,
  matmul,
  maxPool2d,
  openEngine,
  ops,
  parameter,
  relu,
  sequential,
} from '../src/index.js';
import { suite } from './support/suite.js';

const inBoth: ReadonlySet<string> = new Set(['parameter', 'glorotUniform', 'matmul']);

/** In the order of the alphabet, as modules list what they export. */
const groups = {
  datasets: [
    ...[
      'batches',
      'centerDigit',
      'limit',
      'oneHotLabels',
      'permutation',
      'perturb',
      'select',
      'severities',
      'split',
    ],
    ...['splitByWriter', 'take'],
  ],
  expressions: ['call', 'constantOf'],
  initializers: [
    ...['constantValue', 'glorotNormal', 'heNormal', 'heUniform', 'ones', 'truncatedNormal', 'uniform'],
    'zeros',
  ],
  leaves: ['constant', 'input', 'state'],
  metrics: ['accuracy', 'mcnemar', 'measurePredictions', 'measureRobustness', 'rightOnes'],
  random: ['key', 'normal', 'subKey', 'uniform'],
  recipes: ['fitOptionsOf', 'settingsOf', 'table', 'withSettings'],
} as const;

suite('quern', (test) => {
  test('a training in ten lines', async () => {
    const model = sequential([
      conv2d(4, 3),
      relu(),
      maxPool2d(2),
      conv2d(4, 3),
      relu(),
      maxPool2d(2),
      dropout(0.25),
      flatten(),
      dense(16),
      relu(),
      dropout(0.5),
      dense(10),
    ]);
    const { train, test: testSet } = await loadDataset('fixture');
    await using engine = await openEngine({ backend: 'reference' });
    const options = { epochs: 1, batchSize: 128, validation: 0.1, seed: 1 };
    const run = await fit(engine, model, train, { optimizer: adam(), ...options });
    const { accuracy, loss, interval, count } = await run.evaluate(testSet);
    assert.is(count, 64);
    assert.ok(loss > 0 && accuracy >= interval[0] && accuracy <= interval[1]);
    assert.is(run.history.length, 1);
  });

  test('a step of your own', async () => {
    await using engine = await openEngine({ backend: 'reference' });
    const weights = parameter('weights', [784, 10], glorotUniform());
    const step = engine.compile(
      ({ images, labels }) => {
        const loss = crossEntropy(matmul(images, weights), labels);
        const [gradient] = gradients(loss, [weights]);
        return { outputs: { loss }, updates: [[weights, weights.subtract(gradient!.multiply(0.1))]] };
      },
      { images: { shape: [128, 784] }, labels: { shape: [128], dtype: 'int32' } },
    );
    const { train } = await loadDataset('fixture');
    const images = Float32Array.from(train.images.subarray(0, 128 * 784), (pixel) => pixel / 255);
    const labels = Int32Array.from(train.labels.subarray(0, 128));
    const losses: number[] = [];
    for (let i = 0; i < 5; i++) losses.push((await step.run({ images, labels })).loss.get());
    assert.ok(losses[4]! < losses[0]!, losses.join(', '));
  });

  test('layers own the plain names, ops are in ops', async () => {
    assert.is(relu().kind, 'relu');
    const x = parameter('x', [2, 3], 1);
    assert.equal(ops.relu(x).shape, [2, 3]);
    const swish = layer('swish', {}, (input) => input.multiply(ops.sigmoid(input)));
    assert.is(sequential([swish]).parts['layers.0'], swish);
    const check = await checkGradients(
      (input) => input.multiply(ops.sigmoid(input)),
      [{ data: [-1, 0.5, 2], shape: [3] }],
    );
    assert.ok(check.relativeError < 1e-5);
  });

  test('words that say nothing by themselves stand in groups', () => {
    const flat = new Map<string, unknown>(Object.entries(library));
    for (const [group, members] of Object.entries(groups)) {
      const inside = Object.keys(flat.get(group) as object).filter((name) => !inBoth.has(name));
      assert.equal(inside, [...members], group);
      assert.equal(
        members.filter((name) => flat.has(name)),
        [],
        group,
      );
    }
  });

  test('what the first programs need stands in both', () => {
    assert.is(library.parameter, library.leaves.parameter);
    assert.is(library.glorotUniform, library.initializers.glorotUniform);
    assert.is(library.matmul, library.ops.matmul);
    assert.equal(leaves.state('steps', [], 0, 'int32').shape, []);
  });
});
