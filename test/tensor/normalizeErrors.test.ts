import * as assert from 'uvu/assert';
import { ShapeError } from '../../src/core/errors.js';
import { input } from '../../src/tensor/leaves.js';
import { depthwiseConv2d } from '../../src/tensor/ops/depthwise.js';
import { batchNormalize, layerNormalize } from '../../src/tensor/ops/normalize.js';
import { throws } from '../support/messages.js';
import { suite } from '../support/suite.js';

const images = input('images', [2, 5, 4, 3]);
const x = input('x', [2, 3]);
const counts = input('counts', [2, 3], 'int32');

suite('errors of normalization and depthwise convolution', (test) => {
  test('depthwise convolution and normalization', () => {
    const filter = (shape: readonly number[]) => input('filter', shape);
    throws(
      () => depthwiseConv2d(x, filter([3, 3, 3, 1])),
      ShapeError,
      'depthwiseConv2d: needs four axes on both sides: [2, 3] (x) with filter [3, 3, 3, 1] (filter) (2 and 4)\n' +
        '  Images are [batch, height, width, channels], filters [height, width, in, multiplier].',
    );
    throws(
      () => depthwiseConv2d(images, filter([3, 3, 4, 1])),
      ShapeError,
      'depthwiseConv2d: channels differ: [2, 5, 4, 3] (images) with filter [3, 3, 4, 1] (filter) (3 and 4)',
    );
    throws(
      () => depthwiseConv2d(images, filter([3, 5, 3, 1])),
      ShapeError,
      'depthwiseConv2d: the window does not fit the image: 3x5 on 5x4\n' +
        "  padding: 'same' keeps the size of the image.",
    );
    throws(
      () => depthwiseConv2d(images, filter([3, 3, 3, 1]), { strides: 0 }),
      ShapeError,
      'depthwiseConv2d: strides must be one or two integers ≥ 1: 0, 0',
    );
    const integers = /: takes float32, not int32: /;
    assert.throws(() => depthwiseConv2d(input('x', [1, 3, 3, 1], 'int32'), filter([1, 1, 1, 1])), integers);
    assert.throws(() => batchNormalize(counts, 1, 0, { epsilon: 1 }), integers);
    assert.throws(() => layerNormalize(counts, { epsilon: 1 }), integers);
    const scalar = input('scalar', []);
    const needs = 'needs [batch, …, channels]: [] (scalar) (0 axes)';
    throws(() => batchNormalize(scalar, 1, 0, { epsilon: 1 }), ShapeError, `batchNormalize: ${needs}`);
    throws(() => layerNormalize(scalar, { epsilon: 1 }), ShapeError, `layerNormalize: ${needs}`);
  });
});
