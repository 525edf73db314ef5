import * as assert from 'uvu/assert';
import { ShapeError, UsageError } from '../../src/core/errors.js';
import { residualBlock } from '../../src/nn/layers/residualBlock.js';
import { Model } from '../../src/nn/model.js';
import { describeLayer, restoreLayer } from '../../src/nn/registry.js';
import { summarize } from '../../src/nn/summary.js';
import { constant } from '../../src/tensor/leaves.js';
import { suite } from '../support/suite.js';
import { assertThrows, valuesOf, withEngine } from './support.js';

suite('residualBlock', (test) => {
  test('two convolutions without bias, normalized, and a projection where the size changes', () => {
    const same = summarize(new Model(residualBlock(16), [8, 8, 16]));
    // two filters of 3·3·16·16, two gammas and betas
    assert.is(same.parameters, 2 * 3 * 3 * 16 * 16 + 2 * 2 * 16);
    assert.is(same.states, 2 * 2 * 16);
    assert.is(same.multiplyAdds, 2 * 8 * 8 * 3 * 3 * 16 * 16);
    const down = new Model(residualBlock(32, { strides: 2 }), [7, 9, 16]);
    assert.equal(down.outputShape, [4, 5, 32]);
    const { parameters, multiplyAdds } = summarize(down);
    assert.is(parameters, 3 * 3 * 16 * 32 + 3 * 3 * 32 * 32 + 16 * 32 + 3 * 2 * 32);
    assert.is(multiplyAdds, 4 * 5 * (3 * 3 * 16 * 32 + 3 * 3 * 32 * 32 + 16 * 32));
    assert.equal(
      down.parameters.map(({ name }) => name),
      [
        'layers.0.projection.layers.0.filter',
        'layers.0.projection.layers.1.gamma',
        'layers.0.projection.layers.1.beta',
        'layers.0.body.layers.0.filter',
        'layers.0.body.layers.1.gamma',
        'layers.0.body.layers.1.beta',
        'layers.0.body.layers.3.filter',
        'layers.0.body.layers.4.gamma',
        'layers.0.body.layers.4.beta',
      ],
    );
  });

  test('it comes back from JSON, and norm reaches every normalization', () => {
    const block = residualBlock(4, {
      strides: [2, 1],
      kernelInitializer: 'heUniform',
      norm: { momentum: 0.9, epsilon: 1e-4 },
    });
    const text = JSON.stringify(describeLayer(block));
    assert.is(JSON.stringify(describeLayer(restoreLayer(JSON.parse(text)))), text);
    assert.is(text.match(/"momentum":0.9,"epsilon":0.0001/g)!.length, 3);
    assert.is(text.match(/"kernelInitializer":"heUniform"/g)!.length, 3);
  });

  test('startAsShortcut: the block gives relu of what it takes', async () => {
    const block = new Model(residualBlock(3, { startAsShortcut: true }), [4, 4, 3]);
    const pixels = Float32Array.from({ length: 96 }, (_, i) => ((i * 7) % 13) - 6);
    await withEngine({ backend: 'reference' }, async (engine) => {
      const y = await engine.read(block.apply(constant(pixels, [2, 4, 4, 3]), { training: true }).output);
      assert.equal(
        valuesOf(y),
        [...pixels].map((value) => Math.max(value, 0)),
      );
    });
  });

  test('more channels without a projection are refused with a way out, as are options out of range', () => {
    assertThrows(
      () => new Model(residualBlock(8), [4, 4, 3]),
      ShapeError,
      'layers.0: residual: the two sides differ in shape: [1, 4, 4, 3] and [1, 4, 4, 8]\n' +
        "  projection: conv2d(filters, 1, { strides }) changes the shortcut's shape.",
    );
    assert.equal(new Model(residualBlock(8, { projection: true }), [4, 4, 3]).outputShape, [4, 4, 8]);
    assertThrows(
      () => residualBlock(0),
      UsageError,
      'residualBlock: filters must be a whole number of at least 1: 0',
    );
    assertThrows(
      () => residualBlock(8, { strides: 0 }),
      ShapeError,
      'residualBlock: strides must be one or two integers ≥ 1: 0, 0',
    );
  });
});
