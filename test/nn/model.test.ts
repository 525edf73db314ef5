import * as assert from 'uvu/assert';
import { PlanError, ShapeError, UsageError } from '../../src/core/errors.js';
import { type Context, type Layer, layer } from '../../src/nn/layer.js';
import { relu } from '../../src/nn/layers/activations.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { maxPool2d } from '../../src/nn/layers/pool.js';
import { residual } from '../../src/nn/layers/residual.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant, input } from '../../src/tensor/leaves.js';
import { add, sqrt } from '../../src/tensor/ops/pointwise.js';
import { suite } from '../support/suite.js';
import { assertClose, assertThrows, valuesOf, withEngine } from './support.js';

const names = (leaves: readonly { name: string }[]) => leaves.map(({ name }) => name);

/** x normalized by the batch's mean in training, by the running mean otherwise: x `[batch, features]`. */
const center = (momentum: number): Layer =>
  layer('center', { momentum }, (x, context) => {
    const running = context.state('mean', [x.shape[1]!], 0);
    if (!context.training) return x.subtract(running);
    const mean = x.mean(0);
    context.update(running, running.multiply(momentum).add(mean.multiply(1 - momentum)));
    return x.subtract(mean);
  });

/**
 * Batch normalization (Ioffe and Szegedy 2015) of x `[batch, features]`, with nothing but what the public context has:
 * it shows that the core needs no change for it.
 */
const batchNormalization = (momentum = 0.9, epsilon = 1e-3): Layer =>
  layer('batchNormalization', { momentum, epsilon }, (x, context: Context) => {
    const features = [x.shape[1]!];
    const scale = context.parameter('scale', features, 1);
    const offset = context.parameter('offset', features, 0);
    const runningMean = context.state('mean', features, 0);
    const runningVariance = context.state('variance', features, 1);
    let [mean, variance] = [add(runningMean, 0), add(runningVariance, 0)];
    if (context.training) {
      mean = x.mean(0);
      variance = x.subtract(mean).square().mean(0);
      context.update(runningMean, runningMean.multiply(momentum).add(mean.multiply(1 - momentum)));
      context.update(
        runningVariance,
        runningVariance.multiply(momentum).add(variance.multiply(1 - momentum)),
      );
    }
    return x
      .subtract(mean)
      .divide(sqrt(variance.add(epsilon)))
      .multiply(scale)
      .add(offset);
  });

suite('model', (test) => {
  test('parameters are there at once, named by path, in the order of their use', () => {
    const model = new Model(
      sequential([conv2d(4, 3), relu(), maxPool2d(2), flatten(), sequential([dense(8), relu()]), dense(3)]),
      [8, 8, 1],
    );
    assert.equal(names(model.parameters), [
      'layers.0.filter',
      'layers.0.bias',
      'layers.4.layers.0.kernel',
      'layers.4.layers.0.bias',
      'layers.5.kernel',
      'layers.5.bias',
    ]);
    assert.equal(model.parameters.map(({ shape }) => shape)[0], [3, 3, 1, 4]);
    assert.equal(model.outputShape, [3]);
    assert.equal(names(model.states), []);
  });

  test('every application uses the same leaves', () => {
    const model = new Model(dense(3), [4]);
    const before = model.parameters;
    model.apply(input('a', [5, 4]));
    model.apply(input('b', [7, 4]), { training: true });
    assert.ok(model.parameters.every((leaf, i) => leaf === before[i]));
  });

  test('one description makes models of their own; seed and path decide the initial values', () => {
    const layers = sequential([dense(6), dense(6)]);
    const [a, b, c] = [new Model(layers, [6], 1), new Model(layers, [6], 1), new Model(layers, [6], 2)];
    const kernel = (model: Model, i: number) => [...model.parameters[2 * i]!.initial()];
    assert.equal(kernel(a!, 0), kernel(b!, 0));
    assert.not.equal(kernel(a!, 0), kernel(a!, 1));
    assert.not.equal(kernel(a!, 0), kernel(c!, 0));
    assert.not(a!.parameters[0] === b!.parameters[0]);
  });

  test('a batch of another shape is refused', () => {
    const model = new Model(flatten(), [28, 28, 1]);
    assertThrows(
      () => model.apply(input('images', [32, 784])),
      ShapeError,
      'model: takes [28, 28, 1] for each example of a batch, not [32, 784] (images)',
    );
    assertThrows(
      () => model.apply(constant(1)),
      ShapeError,
      'model: takes [28, 28, 1] for each example of a batch, not []',
    );
  });

  test('a part that is applied twice shares its parameters', () => {
    const shared = dense(4);
    const twice = layer(
      'twice',
      {},
      (x, context) => context.apply('body', shared, context.apply('body', shared, x)),
      { body: shared },
    );
    assert.equal(names(new Model(twice, [4]).parameters), ['body.kernel', 'body.bias']);
    assertThrows(
      () => new Model(twice, [5]),
      PlanError,
      'body.kernel: asked for as parameter [4, 4] and before as parameter [5, 4]\n' +
        '  A layer that is applied twice takes inputs of one shape; its values have names of their own.',
    );
  });

  test('one name for a parameter and a state is refused', () => {
    const confused = layer('confused', {}, (x, context) =>
      x.add(context.parameter('value', [], 0)).add(context.state('value', [], 0)),
    );
    assertThrows(
      () => new Model(sequential([confused]), [2]),
      PlanError,
      'layers.0.value: asked for as state [] and before as parameter []\n' +
        '  A layer that is applied twice takes inputs of one shape; its values have names of their own.',
    );
  });

  test('updates are for training, and for states of the model', () => {
    const always = layer('always', {}, (x, context) => {
      context.update(context.state('count', [], 0), constant(1));
      return x;
    });
    assertThrows(
      () => new Model(sequential([always]), [2]),
      PlanError,
      "layers.0.count: only a training step updates a layer's state",
    );
    const foreign = new Model(center(0.5), [2]).states[0]!;
    const thief = layer('thief', {}, (x, context) => {
      if (context.training) context.update(foreign, constant(new Float32Array(2)));
      return x;
    });
    assertThrows(
      () => new Model(sequential([thief]), [2]),
      UsageError,
      'layers.0: mean: is no state of this model',
    );
  });

  test('an error of a layer of one’s own keeps its class and gets its path once', () => {
    const broken = layer('broken', {}, (x) => x.reshape([7]));
    assertThrows(
      () => new Model(sequential([relu(), residual(sequential([broken]))]), [4]),
      ShapeError,
      'layers.1.body.layers.0: reshape: [1, 4] does not fill [7] (4 and 7 elements)',
    );
    const faulty = layer('faulty', {}, () => {
      throw new TypeError('not ours');
    });
    assert.throws(
      () => new Model(sequential([faulty]), [4]),
      (error: Error) => error.message === 'not ours',
    );
  });

  test('random streams differ by purpose, path and seed', () => {
    const keys: number[] = [];
    const draw = layer('draw', {}, (x, context) => {
      if (context.training) keys.push(context.random().key, context.random('noise').key);
      return x;
    });
    new Model(sequential([draw, draw]), [1], 1);
    new Model(sequential([draw]), [1], 2);
    assert.is(new Set(keys).size, 6);
  });

  test('observe is told of every layer, parts before the whole', () => {
    const model = new Model(sequential([dense(3), relu()]), [2]);
    const seen: [string, string, readonly number[]][] = [];
    model.apply(input('x', [5, 2]), {
      observe: ({ path, layer: { kind }, output }) => seen.push([path, kind, output.shape]),
    });
    assert.equal(seen, [
      ['layers.0', 'dense', [5, 3]],
      ['layers.1', 'relu', [5, 3]],
      ['', 'sequential', [5, 3]],
    ]);
  });

  test('residual adds its input, or a projection of it', async () => {
    const double = layer('double', {}, (x) => x.multiply(2));
    const block = new Model(residual(double), [3]);
    const projected = new Model(residual(dense(2), { projection: dense(2, { useBias: false }) }), [3]);
    assert.equal(names(projected.parameters), ['projection.kernel', 'body.kernel', 'body.bias']);
    assert.equal(projected.outputShape, [2]);
    await withEngine({ backend: 'reference' }, async (engine) => {
      const x = constant(Float32Array.of(1, -2, 3), [1, 3]);
      assert.equal(valuesOf(await engine.read(block.apply(x).output)), [3, -6, 9]);
      await engine.write(projected.parameters[0]!, Float32Array.of(1, 0, 0, 1, 0, 0));
      await engine.write(projected.parameters[1]!, Float32Array.of(0, 0, 0, 0, 10, 20));
      assert.equal(valuesOf(await engine.read(projected.apply(x).output)), [31, 58]);
    });
    assertThrows(
      () => new Model(sequential([residual(dense(2))]), [3]),
      ShapeError,
      'layers.0: residual: the two sides differ in shape: [1, 3] and [1, 2]\n' +
        "  projection: conv2d(filters, 1, { strides }) changes the shortcut's shape.",
    );
  });
});

suite('a layer with a running mean', (test) => {
  const batches = [Float32Array.of(1, 10, 3, 30), Float32Array.of(5, 50, 7, 70)];

  test('moves in training steps and is used outside them', async () => {
    const model = new Model(center(0.5), [2]);
    assert.equal(names(model.states), ['mean']);
    await withEngine({ backend: 'reference' }, async (engine) => {
      const train = engine.compile(
        ({ x }) => {
          const { output, updates } = model.apply(x, { training: true });
          return { outputs: { output }, updates };
        },
        { x: { shape: [2, 2] } },
      );
      const first = await train.run({ x: batches[0]! });
      // means 2 and 20; running mean 0 → 1, 10
      assert.equal(valuesOf(first.output), [-1, -10, 1, 10]);
      assert.equal(valuesOf(await engine.read(model.states[0]!)), [1, 10]);
      await train.run({ x: batches[1]! });
      // means 6 and 60; running mean 1 → 3.5, 35
      assert.equal(valuesOf(await engine.read(model.states[0]!)), [3.5, 35]);
      const { output, updates } = model.apply(constant(batches[0]!, [2, 2]));
      assert.equal(updates, []);
      assert.equal(valuesOf(await engine.read(output)), [-2.5, -25, -0.5, -5]);
    });
  });

  test('batch normalization: statistics, output and gradients', async () => {
    const model = new Model(sequential([batchNormalization(), dense(1)]), [2]);
    assert.equal(names(model.states), ['layers.0.mean', 'layers.0.variance']);
    await withEngine({ backend: 'reference', precision: 'float64' }, async (engine) => {
      const step = engine.compile(
        ({ x }) => {
          let normalized = x as unknown as ReturnType<typeof add>;
          const { output, updates } = model.apply(x, {
            training: true,
            observe: ({ path, output: seen }) => {
              if (path === 'layers.0') normalized = seen;
            },
          });
          const [scale] = gradients(output.sum(), [model.parameters[0]!]);
          return { outputs: { normalized, scale: scale! }, updates };
        },
        { x: { shape: [4, 2] } },
      );
      const { normalized, scale } = await step.run({ x: Float32Array.of(1, 4, 2, 4, 3, 8, 4, 8) });
      // means 2.5 and 6, variances 1.25 and 4
      const [a, b] = [1 / Math.sqrt(1.251), 1 / Math.sqrt(4.001)];
      const expected = [-1.5 * a, -2 * b, -0.5 * a, -2 * b, 0.5 * a, 2 * b, 1.5 * a, 2 * b];
      assertClose('normalized', valuesOf(normalized), expected, 1e-7);
      // a sum over a centered batch does not depend on its scale
      assertClose('gradient of the scale', valuesOf(scale), [0, 0], 1e-7);
      const [mean, variance] = model.states;
      assertClose('mean', valuesOf(await engine.read(mean!)), [0.25, 0.6], 1e-7);
      assertClose('variance', valuesOf(await engine.read(variance!)), [1.025, 1.3], 1e-7);
    });
  });
});
