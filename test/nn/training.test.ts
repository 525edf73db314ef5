import * as assert from 'uvu/assert';
import { randomKey, randomUniform } from '../../src/core/random.js';
import type { BackendName } from '../../src/engine/options.js';
import type { Layer } from '../../src/nn/layer.js';
import { gelu, relu } from '../../src/nn/layers/activations.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { dropout } from '../../src/nn/layers/dropout.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { averagePool2d, globalAveragePool2d, maxPool2d } from '../../src/nn/layers/pool.js';
import { residual } from '../../src/nn/layers/residual.js';
import { accuracy, crossEntropy } from '../../src/nn/losses.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import { adam } from '../../src/optimizers/adam.js';
import { clipByNorm } from '../../src/optimizers/clipping.js';
import type { Optimizer } from '../../src/optimizers/optimizer.js';
import { sgd } from '../../src/optimizers/sgd.js';
import { gradients } from '../../src/tensor/gradients.js';
import { state } from '../../src/tensor/leaves.js';
import { add } from '../../src/tensor/ops/pointwise.js';
import { suite } from '../support/suite.js';
import { valuesOf, withEngine } from './support.js';

const batch = 32;
const size = 12;
const key = randomKey(11, 'overfit');
/** Noise with labels that have nothing to do with it: all that a model can do is learn them by heart. */
const images = Float32Array.from({ length: batch * size * size }, (_, i) => randomUniform(i, key, 0));
const labels = Int32Array.from({ length: batch }, (_, i) => i % 10);

interface Outcome {
  /** Loss and accuracy of the trained model, outside training. */
  readonly loss: number;
  readonly right: number;
  readonly weights: number[][];
}

async function train(
  backend: BackendName,
  layers: Layer,
  optimizer: Optimizer,
  steps: number,
): Promise<Outcome> {
  const model = new Model(layers, [size, size, 1], 5);
  const { parameters } = model;
  const built = optimizer.build(parameters);
  const count = state('steps', [], 0, 'int32');
  const signature = {
    x: { shape: [batch, size, size, 1] },
    y: { shape: [batch], dtype: 'int32' },
    rate: { shape: [] },
  } as const;
  return withEngine({ backend }, async (engine) => {
    const step = engine.compile(({ x, y, rate }) => {
      const next = add(count, 1);
      const { output, updates } = model.apply(x, { training: true, step: next });
      const clipped = clipByNorm(gradients(crossEntropy(output, y), parameters), 5);
      return { updates: [...updates, ...built.updates(clipped, rate, next), [count, next]] };
    }, signature);
    const evaluation = engine.compile(
      ({ x, y }) => {
        const { output } = model.apply(x);
        return { outputs: { loss: crossEntropy(output, y), right: accuracy(output, y) } };
      },
      { x: signature.x, y: signature.y },
    );
    for (let i = 0; i < steps; i++) await step.run({ x: images, y: labels, rate: optimizer.learningRate });
    const { loss, right } = await evaluation.run({ x: images, y: labels });
    const weights: number[][] = [];
    for (const leaf of parameters) weights.push(valuesOf(await engine.read(leaf)));
    return { loss: loss.get(), right: right.get(), weights };
  });
}

const cnn = sequential([
  conv2d(8, 3),
  relu(),
  maxPool2d(2),
  dropout(0.1),
  flatten(),
  dense(48),
  relu(),
  dense(10),
]);

const blocks = sequential([
  conv2d(8, 3, { strides: 2, padding: 'same', kernelInitializer: 'heNormal' }),
  residual(sequential([conv2d(8, 3, { padding: 'same' }), gelu(), conv2d(8, 3, { padding: 'same' })])),
  averagePool2d(2),
  residual(sequential([relu(), conv2d(32, 3, { padding: 'same' })]), { projection: conv2d(32, 1) }),
  relu(),
  globalAveragePool2d(),
  dense(10),
]);

suite('overfitting 32 images', (test) => {
  for (const backend of ['reference', 'wasm'] as const) {
    test(`${backend}: a convolutional network with dropout, adam`, async () => {
      const { loss, right } = await train(backend, cnn, adam({ learningRate: 0.01 }), 60);
      assert.ok(loss < 0.01, `loss ${loss}`);
      assert.is(right, 1);
    });
  }

  test('wasm: residual blocks, adam', async () => {
    const { loss, right } = await train('wasm', blocks, adam({ learningRate: 0.01 }), 400);
    assert.ok(loss < 0.01, `loss ${loss}`);
    assert.is(right, 1);
  });

  test('wasm: a perceptron, nesterov momentum', async () => {
    const mlp = sequential([flatten(), dense(64), relu(), dense(10)]);
    const { loss } = await train(
      'wasm',
      mlp,
      sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
      200,
    );
    assert.ok(loss < 0.01, `loss ${loss}`);
  });

  test('the same seed gives the same bytes', async () => {
    const once = await train('wasm', cnn, adam(), 5);
    assert.equal((await train('wasm', cnn, adam(), 5)).weights, once.weights);
  });
});
