import * as assert from 'uvu/assert';
import { ShapeError, UsageError } from '../../src/core/errors.js';
import { formatShape } from '../../src/core/shape.js';
import type { BackendOptions } from '../../src/engine/options.js';
import type { Json } from '../../src/nn/layer.js';
import { leakyRelu, softmax } from '../../src/nn/layers/activations.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { depthwiseConv2d } from '../../src/nn/layers/depthwiseConv2d.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { layerNorm } from '../../src/nn/layers/layerNorm.js';
import { averagePool2d, globalAveragePool2d, maxPool2d } from '../../src/nn/layers/pool.js';
import { residual } from '../../src/nn/layers/residual.js';
import { separableConv2d } from '../../src/nn/layers/separableConv2d.js';
import { Model } from '../../src/nn/model.js';
import { restoreLayer } from '../../src/nn/registry.js';
import { sequential } from '../../src/nn/sequential.js';
import { gradients } from '../../src/tensor/gradients.js';
import { input } from '../../src/tensor/leaves.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { suite } from '../support/suite.js';
import { assertClose, assertThrows, type Plain, readFixture, valuesOf, withEngine } from './support.js';

interface Case {
  readonly layer: { readonly kind: string; readonly options: { readonly [name: string]: Json } };
  readonly input: Plain;
  readonly weights: Readonly<Record<string, Plain>>;
  readonly upstream: Plain;
  readonly output: Plain;
  readonly inputGradient: Plain;
  readonly weightGradients: Readonly<Record<string, Plain>>;
}

const { about, cases } = readFixture<{ about: string; cases: Case[] }>('nn/fixtures/layers.json');

/** The layer's output and gradients beside those of the fixture. */
async function compare(backend: BackendOptions, one: Case, tolerance: number): Promise<void> {
  const model = new Model(restoreLayer(one.layer), one.input.shape.slice(1));
  assert.equal(model.outputShape, one.output.shape.slice(1));
  assert.equal(model.parameters.map(({ name }) => name).sort(), Object.keys(one.weights).sort());
  await withEngine(backend, async (engine) => {
    for (const leaf of model.parameters) {
      assert.equal(leaf.shape, one.weights[leaf.name]!.shape);
      await engine.write(leaf, Float32Array.from(one.weights[leaf.name]!.data));
    }
    const step = engine.compile(
      ({ x, upstream }) => {
        const { output } = model.apply(x);
        const made = gradients(output.multiply(upstream).sum(), [x, ...model.parameters]);
        const outputs: Record<string, Tensor> = { output, inputGradient: made[0]! };
        for (const [i, leaf] of model.parameters.entries()) outputs[leaf.name] = made[i + 1]!;
        return { outputs };
      },
      { x: { shape: one.input.shape }, upstream: { shape: one.upstream.shape } },
    );
    const results = await step.run({
      x: Float32Array.from(one.input.data),
      upstream: Float32Array.from(one.upstream.data),
    });
    const expected = { output: one.output, inputGradient: one.inputGradient, ...one.weightGradients };
    for (const [name, { shape, data }] of Object.entries(expected)) {
      assert.equal(results[name]!.shape, shape);
      assertClose(name, valuesOf(results[name]!), data, tolerance);
    }
  });
}

suite(`layers beside ${about}`, (test) => {
  for (const one of cases) {
    const title = `${one.layer.kind} ${JSON.stringify(one.layer.options)} on ${formatShape(one.input.shape)}`;
    // gelu rests on an erf that is within 1.5e-7; weights are fed as float32, so the rest differs by its rounding
    const tolerance = one.layer.kind === 'gelu' ? 2e-6 : 1e-6;
    test(`reference: ${title}`, () =>
      compare({ backend: 'reference', precision: 'float64' }, one, tolerance));
    test(`wasm: ${title}`, () => compare({ backend: 'wasm' }, one, 4e-6));
  }
});

suite('layers', (test) => {
  test('options have defaults, and are plain data', () => {
    assert.equal(dense(10).options, {
      units: 10,
      useBias: true,
      kernelInitializer: 'glorotUniform',
      biasInitializer: 'zeros',
    });
    assert.equal(conv2d(32, 3).options, {
      filters: 32,
      kernelSize: [3, 3],
      strides: [1, 1],
      padding: 'valid',
      useBias: true,
      kernelInitializer: 'glorotUniform',
      biasInitializer: 'zeros',
    });
    assert.equal(depthwiseConv2d(3).options, {
      kernelSize: [3, 3],
      depthMultiplier: 1,
      strides: [1, 1],
      padding: 'valid',
      useBias: true,
      kernelInitializer: 'glorotUniform',
      biasInitializer: 'zeros',
    });
    assert.equal(separableConv2d(8, [3, 5]).options, {
      filters: 8,
      kernelSize: [3, 5],
      depthMultiplier: 1,
      strides: [1, 1],
      padding: 'valid',
      useBias: true,
      depthwiseInitializer: 'glorotUniform',
      pointwiseInitializer: 'glorotUniform',
      biasInitializer: 'zeros',
    });
    assert.equal(layerNorm().options, {
      epsilon: 1e-3,
      center: true,
      scale: true,
      betaInitializer: 'zeros',
      gammaInitializer: 'ones',
    });
    assert.equal(maxPool2d().options, { window: [2, 2], strides: [2, 2], padding: 'valid' });
    assert.equal(averagePool2d([2, 3], { strides: 1 }).options, {
      window: [2, 3],
      strides: [1, 1],
      padding: 'valid',
    });
    assert.equal(leakyRelu().options, { slope: 0.3 });
    assert.equal(softmax().options, { axis: -1 });
  });

  test('padding may be given in pixels', () => {
    const padding = { top: 2, bottom: 0, left: 1, right: 1 };
    assert.equal(new Model(conv2d(4, 3, { padding }), [6, 6, 1]).outputShape, [6, 6, 4]);
    assert.equal(conv2d(4, 3, { padding }).options.padding, padding);
  });

  test('options out of range are refused where the layer is made', () => {
    assertThrows(() => dense(0), UsageError, 'dense: units must be a whole number of at least 1: 0');
    assertThrows(() => dense(2.5), UsageError, 'dense: units must be a whole number of at least 1: 2.5');
    assertThrows(() => conv2d(-1, 3), UsageError, 'conv2d: filters must be a whole number of at least 1: -1');
    assertThrows(
      () => conv2d(8, [3, 0]),
      ShapeError,
      'conv2d: kernelSize must be one or two integers ≥ 1: 3, 0',
    );
    assertThrows(
      () => conv2d(8, 3, { padding: 'SAME' as 'same' }),
      UsageError,
      `conv2d: padding must be 'valid', 'same' or integers ≥ 0 for top, bottom, left and right: "SAME"`,
    );
    assertThrows(
      () => maxPool2d(2, { padding: { top: -1, bottom: 0, left: 0, right: 0 } }),
      UsageError,
      `maxPool2d: padding must be 'valid', 'same' or integers ≥ 0 for top, bottom, left and right: {"top":-1,"bottom":0,"left":0,"right":0}`,
    );
    assertThrows(
      () => depthwiseConv2d(3, { depthMultiplier: 0 }),
      UsageError,
      'depthwiseConv2d: depthMultiplier must be a whole number of at least 1: 0',
    );
    assertThrows(
      () => separableConv2d(1.5, 3),
      UsageError,
      'separableConv2d: filters must be a whole number of at least 1: 1.5',
    );
    assertThrows(
      () => separableConv2d(8, 3, { depthMultiplier: -1 }),
      UsageError,
      'separableConv2d: depthMultiplier must be a whole number of at least 1: -1',
    );
    assertThrows(
      () => layerNorm({ epsilon: -1 }),
      UsageError,
      'layerNorm: epsilon must be a number above 0: -1',
    );
    assertThrows(() => maxPool2d(0), ShapeError, 'maxPool2d: window must be one or two integers ≥ 1: 0, 0');
    assertThrows(() => leakyRelu(Number.NaN), UsageError, 'leakyRelu: slope must be a number: NaN');
  });

  test('what is no layer is refused', () => {
    assertThrows(
      () => sequential([flatten(), maxPool2d as never]),
      UsageError,
      'sequential: layers.1 is not a layer, but maxPool2d\n  Call it: maxPool2d().',
    );
    assertThrows(() => residual(null as never), UsageError, 'residual: body is not a layer, but null');
    assertThrows(
      () => new Model('dense' as never, [3]),
      UsageError,
      'Model: what it is made of is not a layer, but string',
    );
  });

  test('an input that a layer does not take is refused with the layer’s path', () => {
    assertThrows(
      () => new Model(sequential([conv2d(8, 3)]), [28, 28]),
      ShapeError,
      'layers.0: conv2d: needs images [batch, height, width, channels]: [1, 28, 28] (input) (3 axes)\n' +
        '  A gray image has one channel: [height, width, 1].',
    );
    for (const convolution of [depthwiseConv2d(3), separableConv2d(8, 3)]) {
      assertThrows(
        () => new Model(sequential([convolution]), [28, 28]),
        ShapeError,
        `layers.0: ${convolution.kind}: needs images [batch, height, width, channels]: [1, 28, 28] (input) (3 axes)\n` +
          '  A gray image has one channel: [height, width, 1].',
      );
    }
    assertThrows(
      () => new Model(sequential([layerNorm()]), []),
      ShapeError,
      'layers.0: layerNorm: needs [batch, …, features]: [1] (input) (1 axes)',
    );
    assertThrows(
      () => new Model(sequential([dense(8)]), []),
      ShapeError,
      'layers.0: dense: needs [batch, …, in]: [1] (input) (1 axes)\n' +
        '  flatten() makes [batch, in] of any example, a single number too.',
    );
    assertThrows(
      () => new Model(sequential([flatten(), sequential([globalAveragePool2d()])]), [4, 4, 1]),
      ShapeError,
      'layers.1.layers.0: globalAveragePool2d: needs images of four axes: [1, 16] (2)',
    );
    assertThrows(
      () => new Model(sequential([maxPool2d(2), maxPool2d(3)]), [4, 4, 1]),
      ShapeError,
      'layers.1: maxPool2d: the window does not fit the image: 3x3 on 2x2\n' +
        "  padding: 'same' keeps the size of the image.",
    );
  });

  test('flatten makes two axes of any number', () => {
    assert.equal(new Model(flatten(), []).outputShape, [1]);
    assert.equal(new Model(flatten(), [7]).outputShape, [7]);
    assert.equal(new Model(flatten(), [4, 0, 2]).apply(input('x', [0, 4, 0, 2])).output.shape, [0, 0]);
  });
});
