import * as assert from 'uvu/assert';
import { ShapeError, UsageError } from '../../src/core/errors.js';
import type { Engine } from '../../src/engine/engine.js';
import type { BackendOptions } from '../../src/engine/options.js';
import { relu } from '../../src/nn/layers/activations.js';
import { type BatchNormOptions, batchNorm } from '../../src/nn/layers/batchNorm.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { maxPool2d } from '../../src/nn/layers/pool.js';
import { residualBlock } from '../../src/nn/layers/residualBlock.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import type { PlanOptions } from '../../src/plan/build.js';
import { gradients } from '../../src/tensor/gradients.js';
import { input } from '../../src/tensor/leaves.js';
import type { Leaf, Tensor } from '../../src/tensor/tensor.js';
import { kindsOf, planOf } from '../support/plans.js';
import { suite } from '../support/suite.js';
import { assertClose, assertThrows, type Plain, readFixture, valuesOf, withEngine } from './support.js';

interface Step {
  readonly input: Plain;
  readonly upstream: Plain;
  readonly output: Plain;
  readonly inputGradient: Plain;
  readonly weightGradients: Readonly<Record<string, Plain>>;
  readonly movingMean: Plain;
  readonly movingVariance: Plain;
}

interface Case {
  readonly options: BatchNormOptions;
  readonly weights: Readonly<Record<string, Plain>>;
  readonly steps: readonly Step[];
  readonly inference: Plain;
}

const { about, cases } = readFixture<{ about: string; cases: Case[] }>('nn/fixtures/batchNorm.json');

const floats = ({ data }: Plain) => Float32Array.from(data);

/** Two training steps and an inference beside those of the fixture. */
async function compare(backend: BackendOptions, one: Case, tolerance: number): Promise<void> {
  const { shape } = one.steps[0]!.input;
  const model = new Model(batchNorm({ ...one.options, biasCorrection: false }), shape.slice(1));
  assert.equal(model.parameters.map(({ name }) => name).sort(), Object.keys(one.weights).sort());
  await withEngine(backend, async (engine) => {
    for (const leaf of model.parameters) await engine.write(leaf, floats(one.weights[leaf.name]!));
    const train = engine.compile(
      ({ x, upstream }) => {
        const { output, updates } = model.apply(x, { training: true });
        const made = gradients(output.multiply(upstream).sum(), [x, ...model.parameters]);
        const outputs: Record<string, Tensor> = { output, inputGradient: made[0]! };
        for (const [i, leaf] of model.parameters.entries()) outputs[leaf.name] = made[i + 1]!;
        return { outputs, updates };
      },
      { x: { shape }, upstream: { shape } },
    );
    for (const step of one.steps) {
      const results = await train.run({ x: floats(step.input), upstream: floats(step.upstream) });
      const { output, inputGradient, weightGradients } = step;
      for (const [name, plain] of Object.entries({ output, inputGradient, ...weightGradients })) {
        assertClose(name, valuesOf(results[name]!), plain.data, tolerance);
      }
      for (const leaf of model.states) {
        const expected = step[leaf.name as 'movingMean' | 'movingVariance'];
        assertClose(leaf.name, valuesOf(await engine.read(leaf)), expected.data, tolerance);
      }
    }
    const infer = engine.compile(({ x }) => ({ outputs: { y: model.apply(x).output } }), { x: { shape } });
    const { y } = await infer.run({ x: floats(one.steps[0]!.input) });
    assertClose('inference', valuesOf(y), one.inference.data, tolerance);
  });
}

suite(`batchNorm beside ${about}`, (test) => {
  for (const one of cases) {
    const title = `${JSON.stringify(one.options)} on [${one.steps[0]!.input.shape}]`;
    test(`reference: ${title}`, () => compare({ backend: 'reference', precision: 'float64' }, one, 1e-6));
    test(`wasm: ${title}`, () => compare({ backend: 'wasm' }, one, 4e-6));
  }
});

suite('batchNorm', (test) => {
  test('its options have the defaults of Keras, but for the correction', () => {
    assert.equal(batchNorm().options, {
      momentum: 0.99,
      epsilon: 1e-3,
      center: true,
      scale: true,
      betaInitializer: 'zeros',
      gammaInitializer: 'ones',
      biasCorrection: true,
    });
    const model = new Model(batchNorm(), [4, 4, 3]);
    const initial = (leaves: readonly Leaf[]) =>
      leaves.map((leaf) => `${leaf.name} ${leaf.initial().join()}`).join('; ');
    assert.is(initial(model.parameters), 'gamma 1,1,1; beta 0,0,0');
    assert.is(initial(model.states), 'movingMean 0,0,0; movingVariance 1,1,1');
  });

  test('running statistics are means of what was seen, weighted by age, from the first step on', async () => {
    // three batches of one channel, two elements each: means 2, 5, −1, variances 1, 4, 9
    const batches = [
      [1, 3],
      [3, 7],
      [-4, 2],
    ];
    const m = 0.9;
    for (const backend of ['reference', 'wasm'] as const) {
      await withEngine({ backend }, async (engine) => {
        const model = new Model(batchNorm({ momentum: m }), [1]);
        assert.equal(
          [...model.states, ...model.trainingStates].map(({ name }) => name),
          ['movingMean', 'movingVariance', 'movingWeight'],
        );
        const step = engine.compile(({ x }) => ({ updates: model.apply(x, { training: true }).updates }), {
          x: { shape: [2, 1] },
        });
        const seen = { mean: [] as number[], variance: [] as number[] };
        for (const [low, high] of batches as [number, number][]) {
          await step.run({ x: Float32Array.of(low, high) });
          seen.mean.push((low + high) / 2);
          seen.variance.push(((high - low) / 2) ** 2);
          const expected = ({ length }: number[], values: number[]) => {
            const shares = values.map((_, i) => m ** (length - 1 - i));
            const total = shares.reduce((a, b) => a + b);
            return values.reduce((sum, value, i) => sum + (value * shares[i]!) / total, 0);
          };
          const [mean, variance] = [expected(seen.mean, seen.mean), expected(seen.variance, seen.variance)];
          assertClose('mean', valuesOf(await engine.read(model.states[0]!)), [mean], 1e-6);
          assertClose('variance', valuesOf(await engine.read(model.states[1]!)), [variance], 2e-6);
        }
      });
    }
  });

  test('a momentum of 1 leaves the statistics as they are', async () => {
    await withEngine({ backend: 'wasm' }, async (engine) => {
      const model = new Model(batchNorm({ momentum: 1 }), [1]);
      const step = engine.compile(({ x }) => ({ updates: model.apply(x, { training: true }).updates }), {
        x: { shape: [2, 1] },
      });
      await step.run({ x: Float32Array.of(5, 9) });
      assert.equal(valuesOf(await engine.read(model.states[0]!)), [0]);
      assert.equal(valuesOf(await engine.read(model.states[1]!)), [1]);
    });
  });

  test('options out of range and inputs without channels are refused', () => {
    const refused = (options: BatchNormOptions, message: string) =>
      assertThrows(() => batchNorm(options), UsageError, `batchNorm: ${message}`);
    refused({ momentum: 1.5 }, 'momentum must be a number from 0 to 1: 1.5');
    refused({ momentum: Number.NaN }, 'momentum must be a number from 0 to 1: NaN');
    refused({ epsilon: 0 }, 'epsilon must be a number above 0: 0');
    refused(
      { gammaInitializer: 'one' as 'ones' },
      "gammaInitializer: there is no initializer 'one': zeros, ones, glorotUniform, glorotNormal, heUniform, heNormal\n" +
        '  Initializers with options are functions: uniform(-1, 1).',
    );
    assertThrows(
      () => new Model(sequential([batchNorm()]), []),
      ShapeError,
      'layers.0: batchNorm: needs [batch, …, channels]: [1] (input) (1 axes)',
    );
  });
});

/** A training step of a network with every pattern that the planner knows of batch normalization. */
const network = () =>
  sequential([
    conv2d(8, 3, { padding: 'same', useBias: false }),
    batchNorm(),
    relu(),
    maxPool2d(2),
    residualBlock(8),
    residualBlock(12, { strides: 2 }),
    flatten(),
    dense(5),
    batchNorm({ momentum: 0.9 }),
  ]);

const pixels = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 50 - 1);

/** Gradients and new statistics of one step on a batch of 6, all in one array. */
async function trainOnce(engine: Engine, options: PlanOptions = {}): Promise<number[]> {
  const model = new Model(network(), [12, 12, 2], 3);
  const step = engine.compile(
    ({ x }) => {
      const { output, updates } = model.apply(x, { training: true });
      const made = gradients(output.square().multiply(output).sum(), model.parameters);
      return { outputs: Object.fromEntries(made.map((gradient, i) => [String(i), gradient])), updates };
    },
    { x: { shape: [6, 12, 12, 2] } },
    options,
  );
  const results = await step.run({ x: pixels(6 * 12 * 12 * 2) });
  const values = Object.values(results).flatMap(valuesOf);
  for (const leaf of model.states) values.push(...valuesOf(await engine.read(leaf)));
  return values;
}

suite('batchNorm in a network', (test) => {
  test('the optimized plan trains as the plan of one kernel per node', async () => {
    const step = (backend: BackendOptions, optimize: boolean) =>
      withEngine(backend, (engine) => trainOnce(engine, { optimize }));
    const oracle = await step({ backend: 'reference', precision: 'float64' }, false);
    assertClose('reference', await step({ backend: 'reference', precision: 'float64' }, true), oracle, 1e-9);
    const scale = Math.max(...oracle.map(Math.abs));
    const relative = (values: readonly number[]) => values.map((value) => value / scale);
    assertClose('wasm', relative(await step({ backend: 'wasm' }, true)), relative(oracle), 1e-5);
    assertClose('wasm, plain', relative(await step({ backend: 'wasm' }, false)), relative(oracle), 1e-5);
  });

  test('the number of threads does not change a bit', async () => {
    const one = await withEngine({ backend: 'wasm', threads: 1 }, (engine) => trainOnce(engine));
    for (const threads of [2, 3]) {
      assert.equal(await withEngine({ backend: 'wasm', threads }, (engine) => trainOnce(engine)), one);
    }
  });
});

suite('batchNorm outside training', (test) => {
  const x = input('x', [8, 8, 8, 3]);

  test('is done by the convolution before it, with relu, pool and shortcut: no pass over images is left', () => {
    const plain = new Model(
      sequential([conv2d(8, 3, { useBias: false }), batchNorm(), relu(), maxPool2d(2), conv2d(4, 3), relu()]),
      [8, 8, 3],
    );
    const plan = planOf({ outputs: { y: plain.apply(x).output } });
    // the map works out a factor and an offset for each of the 8 channels
    assert.is(kindsOf(plan), 'map conv2d conv2d');
    assert.equal(plan.steps[0]!.outputs[0]!.shape, [8]);
    const block = new Model(residualBlock(3), [8, 8, 3]);
    const blockPlan = planOf({ outputs: { y: block.apply(x).output } });
    assert.is(kindsOf(blockPlan), 'map conv2d map conv2d');
    const images = blockPlan.steps.filter(({ outputs }) => outputs[0]!.shape.length > 1);
    assert.equal(
      images.map(({ kind }) => kind),
      ['conv2d', 'conv2d'],
    );
    const classifier = new Model(sequential([dense(6, { useBias: false }), batchNorm(), relu()]), [5]);
    const denseX = input('x', [7, 5]);
    assert.is(kindsOf(planOf({ outputs: { y: classifier.apply(denseX).output } })), 'map matmul');
  });

  test('is what folding it into filter and bias gives', async () => {
    const channels = 6;
    const normalized = new Model(sequential([conv2d(channels, 3), batchNorm({ epsilon: 0.01 })]), [8, 8, 3]);
    const folded = new Model(conv2d(channels, 3), [8, 8, 3]);
    const numbers = (shift: number, low: number, high: number) =>
      Float32Array.from({ length: channels }, (_, i) => low + ((i * 5 + shift) % 7) * ((high - low) / 7));
    const [gamma, beta, mean, variance] = [
      numbers(1, -1, 2),
      numbers(2, -1, 1),
      numbers(3, -2, 2),
      numbers(4, 0.1, 3),
    ];
    await withEngine({ backend: 'wasm' }, async (engine) => {
      const [filter, bias, ...learned] = normalized.parameters;
      await engine.write(bias!, numbers(5, -1, 1));
      await engine.write(learned[0]!, gamma);
      await engine.write(learned[1]!, beta);
      await engine.write(normalized.states[0]!, mean);
      await engine.write(normalized.states[1]!, variance);
      const factor = Array.from(gamma, (g, c) => g / Math.sqrt(variance[c]! + 0.01));
      const weights = valuesOf(await engine.read(filter!));
      const offsets = valuesOf(await engine.read(bias!));
      await engine.write(
        folded.parameters[0]!,
        Float32Array.from(weights, (w, i) => w * factor[i % channels]!),
      );
      await engine.write(
        folded.parameters[1]!,
        Float32Array.from(offsets, (b, c) => (b - mean[c]!) * factor[c]! + beta[c]!),
      );
      const step = engine.compile(
        ({ x: images }) => ({
          outputs: { normalized: normalized.apply(images).output, folded: folded.apply(images).output },
        }),
        { x: { shape: [8, 8, 8, 3] } },
      );
      const results = await step.run({ x: pixels(8 * 8 * 8 * 3) });
      assertClose('output', valuesOf(results.normalized), valuesOf(results.folded), 1e-5);
    });
  });
});
