import * as assert from 'uvu/assert';
import { ModelError, UsageError } from '../../src/core/errors.js';
import { constantValue, truncatedNormal } from '../../src/nn/initializers.js';
import { type Json, layer } from '../../src/nn/layer.js';
import { gelu, leakyRelu, relu, sigmoid, softmax, softplus, tanh } from '../../src/nn/layers/activations.js';
import { batchNorm } from '../../src/nn/layers/batchNorm.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { depthwiseConv2d } from '../../src/nn/layers/depthwiseConv2d.js';
import { dropout } from '../../src/nn/layers/dropout.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { layerNorm } from '../../src/nn/layers/layerNorm.js';
import { averagePool2d, globalAveragePool2d, maxPool2d } from '../../src/nn/layers/pool.js';
import { residual } from '../../src/nn/layers/residual.js';
import { separableConv2d } from '../../src/nn/layers/separableConv2d.js';
import { Model } from '../../src/nn/model.js';
import { describeLayer, registerLayer, restoreLayer } from '../../src/nn/registry.js';
import { sequential } from '../../src/nn/sequential.js';
import { suite } from '../support/suite.js';
import { assertThrows } from './support.js';

const everything = sequential([
  conv2d(8, [3, 5], { strides: 2, padding: 'same', useBias: false, kernelInitializer: 'heUniform' }),
  conv2d(8, 1, { padding: { top: 1, bottom: 0, left: 2, right: 1 } }),
  relu(),
  residual(sequential([conv2d(8, 3, { padding: 'same' }), gelu()])),
  residual(conv2d(4, 3, { padding: 'same' }), { projection: conv2d(4, 1) }),
  depthwiseConv2d([3, 1], { depthMultiplier: 2, padding: 'same', kernelInitializer: 'heNormal' }),
  batchNorm({ momentum: 0.9, center: false, gammaInitializer: constantValue(0.5) }),
  separableConv2d(4, 3, { padding: 'same', useBias: false, pointwiseInitializer: 'heUniform' }),
  layerNorm({ epsilon: 0.01, scale: false }),
  leakyRelu(0.1),
  maxPool2d(2, { strides: 1, padding: 'same' }),
  averagePool2d([1, 2]),
  sequential([flatten(), dropout(0.25)]),
  dense(6, { kernelInitializer: truncatedNormal(0, 0.1), biasInitializer: 'ones' }),
  sigmoid(),
  tanh(),
  softplus(),
  softmax(1),
]);

suite('layers as data', (test) => {
  test('every kind comes back from JSON, options and parts alike', () => {
    const text = JSON.stringify(describeLayer(everything));
    const restored = restoreLayer(JSON.parse(text));
    assert.is(JSON.stringify(describeLayer(restored)), text);
    const [before, after] = [new Model(everything, [12, 12, 1], 4), new Model(restored, [12, 12, 1], 4)];
    assert.equal(after.outputShape, before.outputShape);
    assert.equal(
      after.parameters.map(({ name, shape }) => ({ name, shape })),
      before.parameters.map(({ name, shape }) => ({ name, shape })),
    );
    assert.equal(
      after.parameters.map((leaf) => leaf.initial()),
      before.parameters.map((leaf) => leaf.initial()),
    );
    const pooled = restoreLayer(describeLayer(globalAveragePool2d()));
    assert.is(pooled.kind, 'globalAveragePool2d');
  });

  test('what is empty is left out', () => {
    assert.equal(describeLayer(relu()), { kind: 'relu' });
    assert.equal(describeLayer(sequential([dropout(0.5)])), {
      kind: 'sequential',
      parts: { 'layers.0': { kind: 'dropout', options: { rate: 0.5 } } },
    });
    assert.equal(describeLayer(restoreLayer({ kind: 'sequential' })), { kind: 'sequential' });
  });

  test('more than ten layers keep their order, whatever the order in the file', () => {
    const many = sequential(Array.from({ length: 12 }, (_, i) => dense(i + 1)));
    const { kind, parts } = describeLayer(many) as { kind: string; parts: Record<string, Json> };
    const shuffled = Object.fromEntries(Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1)));
    assert.equal(describeLayer(restoreLayer({ kind, parts: shuffled })), describeLayer(many));
  });

  test('a layer of one’s own', () => {
    const swish = (beta: number) =>
      layer('test.swish', { beta }, (x) => x.multiply(x.multiply(beta).sigmoid()));
    const make = ({ beta }: { readonly [name: string]: Json }) => swish(beta as number);
    const described = describeLayer(sequential([swish(1.5)]));
    assertThrows(
      () => restoreLayer(described),
      ModelError,
      "restoreLayer: layers.0 is of the unknown kind 'test.swish'\n" +
        "  A layer of your own is made known by registerLayer('test.swish', factory).",
    );
    registerLayer('test.swish', make);
    registerLayer('test.swish', make);
    assert.equal(describeLayer(restoreLayer(described)), described);
    assertThrows(
      () => registerLayer('test.swish', () => relu()),
      UsageError,
      "registerLayer: 'test.swish' is taken",
    );
    assertThrows(() => registerLayer('dense', () => relu()), UsageError, "registerLayer: 'dense' is taken");
  });

  test('the hint of a layer that is refused stays a hint', () => {
    registerLayer('test.hinted', () => {
      throw new UsageError('hinted: it is wrong', { hint: 'Do it right.' });
    });
    try {
      restoreLayer({ kind: 'test.hinted' });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ModelError);
      assert.is((error as ModelError).hint, 'Do it right.');
      assert.is(
        (error as ModelError).message,
        'restoreLayer: the model: hinted: it is wrong\n  Do it right.',
      );
    }
  });

  test('a description that lies is refused by path', () => {
    const refused = (description: unknown, message: string) =>
      assertThrows(() => restoreLayer(description as Json), ModelError, `restoreLayer: ${message}`);
    refused(null, 'the model must be an object');
    refused([relu()], 'the model must be an object');
    refused({}, 'the model names no kind of layer');
    refused({ kind: 'relu', options: 3 }, 'the options of the model must be an object');
    refused({ kind: 'sequential', parts: [] }, 'the parts of the model must be an object');
    refused(
      { kind: 'toString' },
      "the model is of the unknown kind 'toString'\n" +
        "  A layer of your own is made known by registerLayer('toString', factory).",
    );
    const inside = (part: Json) => ({ kind: 'sequential', parts: { 'layers.0': part } });
    refused(
      inside({ kind: 'dense' }),
      'layers.0: dense: units must be a whole number of at least 1: undefined',
    );
    refused(
      inside({ kind: 'dense', options: { units: 4, unit: 3 } }),
      "layers.0: dense: there is no option 'unit'\n  There are useBias, kernelInitializer, biasInitializer.",
    );
    refused(
      inside({ kind: 'maxPool2d', options: { window: 2 } }),
      "layers.0: maxPool2d does not take the option 'window' as it is in the file",
    );
    refused(
      inside({ kind: 'dropout', options: { rate: 2 } }),
      'layers.0: dropout: rate must be at least 0 and below 1: 2',
    );
    refused(
      { kind: 'sequential', parts: { 'layers.1': { kind: 'relu' } } },
      'the model: sequential: layers.0 is not a layer, but undefined',
    );
    refused({ kind: 'residual' }, 'the model: residual: body is not a layer, but undefined');
    refused(
      { kind: 'residual', parts: { body: { kind: 'relu' }, shortcut: { kind: 'relu' } } },
      "the model: residual has no part 'shortcut'",
    );
  });
});
