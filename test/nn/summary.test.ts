import * as assert from 'uvu/assert';
import { layer } from '../../src/nn/layer.js';
import { relu } from '../../src/nn/layers/activations.js';
import { batchNorm } from '../../src/nn/layers/batchNorm.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { depthwiseConv2d } from '../../src/nn/layers/depthwiseConv2d.js';
import { dropout } from '../../src/nn/layers/dropout.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { layerNorm } from '../../src/nn/layers/layerNorm.js';
import { globalAveragePool2d, maxPool2d } from '../../src/nn/layers/pool.js';
import { residual } from '../../src/nn/layers/residual.js';
import { separableConv2d } from '../../src/nn/layers/separableConv2d.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import { summarize, summaryTable } from '../../src/nn/summary.js';
import { matmul } from '../../src/tensor/ops/matmul.js';
import { suite } from '../support/suite.js';

const mlp = sequential([dense(128), relu(), dense(128), relu(), dense(10)]);
const cnn = sequential([
  conv2d(32, 3),
  relu(),
  maxPool2d(2),
  conv2d(64, 3),
  relu(),
  maxPool2d(2),
  dropout(0.25),
  flatten(),
  dense(128),
  relu(),
  dropout(0.5),
  dense(10),
]);

suite('summary', (test) => {
  test('the first seed: 784-128-128-10 has 118,282 parameters', () => {
    const summary = summarize(new Model(mlp, [784]));
    assert.is(summary.parameters, 118_282);
    assert.is(summary.states, 0);
    // every weight of a dense layer is used once
    assert.is(summary.multiplyAdds, 784 * 128 + 128 * 128 + 128 * 10);
    assert.is(
      summaryTable(summary),
      [
        'layer     kind   output  parameters  multiply-adds',
        '--------------------------------------------------',
        'input            [784]',
        'layers.0  dense  [128]      100,480        100,352',
        'layers.1  relu   [128]            0              0',
        'layers.2  dense  [128]       16,512         16,384',
        'layers.3  relu   [128]            0              0',
        'layers.4  dense  [10]         1,290          1,280',
        '--------------------------------------------------',
        'total                       118,282        118,016',
      ].join('\n'),
    );
  });

  test('the second seed: 32 and 64 filters, valid, have 225,034 parameters', () => {
    const summary = summarize(new Model(cnn, [28, 28, 1]));
    assert.is(summary.parameters, 225_034);
    assert.equal(
      summary.layers.map(({ path, kind, outputShape, parameters, multiplyAdds }) =>
        [path, kind, outputShape.join('x'), parameters, multiplyAdds].join(' '),
      ),
      [
        'layers.0 conv2d 26x26x32 320 194688', // 26² · 32 outputs of 3² · 1 products
        'layers.1 relu 26x26x32 0 0',
        'layers.2 maxPool2d 13x13x32 0 0',
        'layers.3 conv2d 11x11x64 18496 2230272', // 11² · 64 of 3² · 32
        'layers.4 relu 11x11x64 0 0',
        'layers.5 maxPool2d 5x5x64 0 0',
        'layers.6 dropout 5x5x64 0 0',
        'layers.7 flatten 1600 0 0',
        'layers.8 dense 128 204928 204800',
        'layers.9 relu 128 0 0',
        'layers.10 dropout 128 0 0',
        'layers.11 dense 10 1290 1280',
      ],
    );
    assert.is(summary.multiplyAdds, 194_688 + 2_230_272 + 204_800 + 1280);
  });

  test('parts have lines, wholes only where they hold or compute something themselves', () => {
    const shared = dense(4);
    const whole = layer(
      'whole',
      {},
      (x, context) => {
        const once = context.apply('part', shared, x);
        const twice = context.apply('part', shared, once);
        return matmul(twice, context.parameter('mixing', [4, 4], 1)).add(context.state('offset', [4], 0));
      },
      { part: shared },
    );
    const summary = summarize(new Model(sequential([residual(whole), relu()]), [4]));
    assert.equal(summary.layers, [
      {
        path: 'layers.0.body.part',
        kind: 'dense',
        outputShape: [4],
        parameters: 20,
        states: 0,
        multiplyAdds: 32,
      },
      { path: 'layers.0.body', kind: 'whole', outputShape: [4], parameters: 16, states: 4, multiplyAdds: 16 },
      { path: 'layers.1', kind: 'relu', outputShape: [4], parameters: 0, states: 0, multiplyAdds: 0 },
    ]);
    assert.is(summary.multiplyAdds, 48);
    assert.ok(summaryTable(summary).endsWith('\nand 4 numbers that are not trained'));
  });

  test('separable and depthwise convolutions, and layers that are not counted', () => {
    const summary = summarize(
      new Model(
        sequential([
          separableConv2d(64, 3, { padding: 'same', useBias: false }),
          batchNorm(),
          depthwiseConv2d([3, 5], { strides: 2, depthMultiplier: 2 }),
          layerNorm(),
          globalAveragePool2d(),
        ]),
        [28, 28, 32],
      ),
    );
    const rows = summary.layers.map(({ kind, outputShape, parameters, states, multiplyAdds }) =>
      [kind, outputShape.join('x'), parameters, states, multiplyAdds].join(' '),
    );
    assert.equal(rows, [
      // 28² pixels: 3² products for each of 32 channels, then 32 for each of 64 filters; 3²·32 + 32·64 weights
      'separableConv2d 28x28x64 2336 0 1831424',
      'batchNorm 28x28x64 128 128 0',
      // 13 · 12 pixels, 128 channels of 15 products; 15·64·2 weights and 128 biases
      'depthwiseConv2d 13x12x128 2048 0 299520',
      'layerNorm 13x12x128 256 0 0',
      'globalAveragePool2d 128 0 0 0',
    ]);
    assert.is(summary.states, 128);
  });

  test('a model of a single layer', () => {
    const summary = summarize(new Model(dense(3), [2]));
    assert.equal(summary.layers, [
      { path: '', kind: 'dense', outputShape: [3], parameters: 9, states: 0, multiplyAdds: 6 },
    ]);
    assert.match(summaryTable(summary), /^model {2}dense {2}\[3\]/m);
  });
});
