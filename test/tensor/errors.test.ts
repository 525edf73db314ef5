import { DtypeError, GradientError, PlanError, ShapeError } from '../../src/core/errors.js';
import { call, input as operand } from '../../src/core/expression.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant, input, parameter, state } from '../../src/tensor/leaves.js';
import { concatenate, pad } from '../../src/tensor/ops/assemble.js';
import { conv2d } from '../../src/tensor/ops/conv2d.js';
import { gather, oneHot } from '../../src/tensor/ops/gather.js';
import { matmul } from '../../src/tensor/ops/matmul.js';
import { add, cast, definePointwise, exp, leakyRelu, where } from '../../src/tensor/ops/pointwise.js';
import { averagePool2d, globalAveragePool2d, maxPool2d } from '../../src/tensor/ops/pool.js';
import { argMax, max, mean, sum } from '../../src/tensor/ops/reduce.js';
import { softmaxCrossEntropy } from '../../src/tensor/ops/softmax.js';
import {
  broadcastTo,
  expandDims,
  reshape,
  slice,
  squeeze,
  sumTo,
  transpose,
} from '../../src/tensor/ops/views.js';
import { randomKey, randomUniform } from '../../src/tensor/random.js';
import { throws } from '../support/messages.js';
import { suite } from '../support/suite.js';

const weights = parameter('layers.0.weights', [784, 10], 0);
const images = input('images', [2, 5, 4, 3]);
const x = input('x', [2, 3]);
const counts = input('counts', [2, 3], 'int32');
const pixels = input('pixels', [2, 3], 'uint8');

suite('errors of ops', (test) => {
  test('pointwise: shapes, dtypes', () => {
    throws(
      () => add(x, weights),
      ShapeError,
      'add: shapes do not broadcast: [2, 3] and [784, 10] (2 and 784)\n' +
        '  Shapes align at the last axis; extents must be equal, or one of them 1.',
    );
    throws(
      () => add(x, counts),
      DtypeError,
      'add: dtypes differ: float32 and int32\n  cast(x, dtype) converts.',
    );
    throws(
      () => add(pixels, 1),
      DtypeError,
      "add: takes float32 or int32, not uint8: [2, 3] (pixels)\n  cast(x, 'float32') converts.",
    );
    throws(() => exp(counts), DtypeError, 'exp: does not take (int32)');
    throws(() => leakyRelu(counts), DtypeError, 'multiply: does not take (int32, float32)');
    throws(
      () => where(counts, x, x),
      DtypeError,
      "where: takes float32, not int32: [2, 3] (counts)\n  cast(x, 'float32') converts.",
    );
    throws(
      () => where(x, x, counts),
      DtypeError,
      'where: dtypes differ: float32 and int32\n  cast(x, dtype) converts.',
    );
    throws(
      () => call('where', operand(0, 'int32'), operand(1), operand(2)),
      DtypeError,
      'where: does not take (int32, float32, float32)',
    );
  });

  test('matmul', () => {
    throws(
      () => matmul(input('images', [128, 28, 28]), weights),
      ShapeError,
      'matmul: inner extents differ: [128, 28, 28] (images) · [784, 10] (layers.0.weights) (28 and 784)',
    );
    throws(
      () => matmul(input('vector', [3]), weights),
      ShapeError,
      'matmul: both sides need two axes or more: [3] (vector) · [784, 10] (layers.0.weights) (1 and 2)\n' +
        '  expandDims makes a row or a column of a vector.',
    );
    throws(
      () => matmul(counts, weights),
      DtypeError,
      "matmul: takes float32, not int32: [2, 3] (counts)\n  cast(x, 'float32') converts.",
    );
    throws(
      () => matmul(input('a', [2, 4, 3]), input('b', [5, 3, 2])),
      ShapeError,
      'matmul: shapes do not broadcast: [2] and [5] (2 and 5)\n' +
        '  Shapes align at the last axis; extents must be equal, or one of them 1.',
    );
  });

  test('views', () => {
    throws(
      () => reshape(x, [4, 2]),
      ShapeError,
      'reshape: [2, 3] (x) does not fill [4, 2] (6 and 8 elements)',
    );
    throws(
      () => reshape(x, [-1, -1]),
      ShapeError,
      'reshape: [2, 3] (x) does not fill [-1, -1] (6 and 1 elements)\n  Only one extent may be −1.',
    );
    throws(
      () => reshape(x, [-1, 4]),
      ShapeError,
      'reshape: [2, 3] (x) does not fill [-1, 4] (6 and 4 elements)',
    );
    throws(() => transpose(x, [0, 2]), ShapeError, 'transpose: axis 2 lies outside [2, 3] (2 axes)');
    throws(
      () => transpose(x, [0, 0]),
      ShapeError,
      'transpose: [0, 0] does not name every axis of [2, 3] (x) once (2 and 2)',
    );
    throws(
      () => slice(x, [0, 2], [2, 4]),
      ShapeError,
      'slice: [0, 2] to [2, 4] by [1, 1] does not lie in [2, 3] (x)',
    );
    throws(
      () => slice(x, [0, 0, 0]),
      ShapeError,
      'slice: [0, 0, 0] to [] by [1, 1] does not lie in [2, 3] (x)',
    );
    throws(
      () => slice(x, [0], [2], [0]),
      ShapeError,
      'slice: [0] to [2] by [0, 1] does not lie in [2, 3] (x)',
    );
    throws(
      () => broadcastTo(x, [1, 3]),
      ShapeError,
      'broadcastTo: [2, 3] (x) does not stretch to [1, 3]\n  Only axes of extent 1 stretch.',
    );
    throws(
      () => broadcastTo(x, [2, 4]),
      ShapeError,
      'broadcastTo: shapes do not broadcast: [2, 3] and [2, 4] (3 and 4)\n' +
        '  Shapes align at the last axis; extents must be equal, or one of them 1.',
    );
    throws(() => expandDims(x, 3), ShapeError, 'expandDims: axis 3 lies outside [2, 3, 1] (3 axes)');
    throws(() => squeeze(x, 0), ShapeError, 'squeeze: axis 0 of [2, 3] (x) has extent 2, not 1');
    throws(() => sumTo(x, [2, 2, 3]), ShapeError, 'sumTo: [2, 3] (x) is no broadcast of [2, 2, 3]');
    throws(
      () => sumTo(x, [4, 3]),
      ShapeError,
      'sumTo: shapes do not broadcast: [4, 3] and [2, 3] (4 and 2)\n' +
        '  Shapes align at the last axis; extents must be equal, or one of them 1.',
    );
  });

  test('reductions', () => {
    throws(() => sum(x, 2), ShapeError, 'sum: axis 2 lies outside [2, 3] (2 axes)');
    throws(() => sum(x, 0.5), ShapeError, 'sum: axis 0.5 lies outside [2, 3] (2 axes)');
    throws(() => sum(x, [1, -1]), ShapeError, 'sum: an axis is named twice: [1, 1] of [2, 3]');
    throws(
      () => sum(pixels),
      DtypeError,
      "sum: takes float32 or int32, not uint8: [2, 3] (pixels)\n  cast(x, 'float32') converts.",
    );
    throws(
      () => mean(counts),
      DtypeError,
      "mean: takes float32, not int32: [2, 3] (counts)\n  cast(x, 'float32') converts.",
    );
    const empty = input('empty', [0, 3]);
    throws(() => max(empty, 0), ShapeError, 'max: nothing to choose from: [0, 3] (empty) over axes 0');
    throws(() => argMax(empty), ShapeError, 'argMax: nothing to choose from: [0, 3] (empty) over axes 0, 1');
  });

  test('softmaxCrossEntropy', () => {
    throws(
      () => softmaxCrossEntropy(input('z', [3]), input('y', [3], 'int32')),
      ShapeError,
      'softmaxCrossEntropy: logits must be [batch, classes]: [3] (z) (1 axes)',
    );
    throws(
      () => softmaxCrossEntropy(x, input('y', [2])),
      DtypeError,
      'softmaxCrossEntropy: class numbers must be int32 or uint8, not float32: [2] (y)',
    );
    throws(
      () => softmaxCrossEntropy(x, input('y', [3], 'int32')),
      ShapeError,
      'softmaxCrossEntropy: logits [2, 3] (x) and labels [3] (y) do not belong together\n' +
        '  Labels are class numbers [batch], or float32 [batch, classes].',
    );
    throws(
      () => softmaxCrossEntropy(counts, input('y', [2], 'int32')),
      DtypeError,
      "softmaxCrossEntropy: takes float32, not int32: [2, 3] (counts)\n  cast(x, 'float32') converts.",
    );
  });

  test('assembling and gathering', () => {
    throws(
      () => pad(x, [[1, 1]]),
      ShapeError,
      'pad: needs a pair of integers ≥ 0 for each axis: [2, 3] (x) with 1 pairs [1, 1]',
    );
    throws(
      () =>
        pad(x, [
          [1, -1],
          [0, 0],
        ]),
      ShapeError,
      'pad: needs a pair of integers ≥ 0 for each axis: [2, 3] (x) with 2 pairs [1, -1] [0, 0]',
    );
    throws(() => concatenate([]), ShapeError, 'concatenate: needs at least one tensor');
    throws(() => concatenate([x, counts]), DtypeError, 'concatenate: dtypes differ: float32 and int32');
    throws(
      () => concatenate([x, input('y', [2, 4])]),
      ShapeError,
      'concatenate: shapes differ outside axis 0: [2, 3] (x) and [2, 4] (y)',
    );
    throws(
      () => gather(x, x),
      DtypeError,
      "gather: takes int32 or uint8, not float32: [2, 3] (x)\n  cast(x, 'int32') converts.",
    );
    throws(() => gather(x, counts, 2), ShapeError, 'gather: axis 2 lies outside [2, 3] (2 axes)');
    throws(() => oneHot(counts, 0), ShapeError, 'oneHot: depth must be an integer ≥ 1: 0: [2, 3] (counts)');
    throws(
      () => oneHot(x, 3),
      DtypeError,
      "oneHot: takes int32 or uint8, not float32: [2, 3] (x)\n  cast(x, 'int32') converts.",
    );
  });

  test('images', () => {
    const filter = parameter('layers.2.filter', [3, 3, 3, 8], 0);
    throws(
      () => conv2d(x, filter),
      ShapeError,
      'conv2d: needs four axes on both sides: [2, 3] (x) with filter [3, 3, 3, 8] (layers.2.filter) (2 and 4)\n' +
        '  Images are [batch, height, width, channels], filters [height, width, in, out].',
    );
    throws(
      () => conv2d(images, input('f', [3, 3, 1, 8])),
      ShapeError,
      'conv2d: channels differ: [2, 5, 4, 3] (images) with filter [3, 3, 1, 8] (f) (3 and 1)',
    );
    throws(
      () => conv2d(images, input('f', [6, 3, 3, 8])),
      ShapeError,
      "conv2d: the window does not fit the image: 6x3 on 5x4\n  padding: 'same' keeps the size of the image.",
    );
    throws(
      () => conv2d(images, filter, { strides: [1, 0] }),
      ShapeError,
      'conv2d: strides must be one or two integers ≥ 1: 1, 0',
    );
    throws(
      () => conv2d(images, filter, { padding: { top: -1, bottom: 0, left: 0, right: 0 } }),
      ShapeError,
      'conv2d: padding must be integers ≥ 0: -1, 0, 0, 0',
    );
    throws(
      () => conv2d(cast(images, 'int32'), filter),
      DtypeError,
      "conv2d: takes float32, not int32: [2, 5, 4, 3]\n  cast(x, 'float32') converts.",
    );
    throws(
      () => maxPool2d(x),
      ShapeError,
      'maxPool2d: needs images of four axes: [2, 3] (x) (2)\n  Images are [batch, height, width, channels].',
    );
    throws(
      () => averagePool2d(images, 0),
      ShapeError,
      'averagePool2d: window must be one or two integers ≥ 1: 0, 0',
    );
    throws(
      () => maxPool2d(images, 6),
      ShapeError,
      "maxPool2d: the window does not fit the image: 6x6 on 5x4\n  padding: 'same' keeps the size of the image.",
    );
    throws(
      () => averagePool2d(images, 2, { padding: { top: 0, bottom: 2, left: 1, right: 0 } }),
      ShapeError,
      'averagePool2d: padding must be smaller than the window: 2x1 around 2x2\n' +
        '  A window that lies in the padding alone has nothing to choose from.',
    );
    throws(
      () => globalAveragePool2d(x),
      ShapeError,
      'globalAveragePool2d: needs images of four axes: [2, 3] (x) (2)',
    );
  });

  test('random numbers', () => {
    throws(
      () => randomUniform([2, -1], randomKey(1)),
      ShapeError,
      'randomUniform: an extent must be an integer ≥ 0: [2, -1]',
    );
    throws(
      () => randomUniform([2], randomKey(1, [], constant(1))),
      DtypeError,
      "randomUniform: takes int32, not float32: []\n  cast(x, 'int32') converts.",
    );
  });
});

suite('errors of leaves', (test) => {
  test('shapes and initial values', () => {
    throws(() => parameter('w', [1.5], 0), ShapeError, 'w: an extent must be an integer ≥ 0: [1.5]');
    throws(() => input('x', [-1]), ShapeError, 'x: an extent must be an integer ≥ 0: [-1]');
    throws(
      () => parameter('w', [2], Int32Array.of(1, 2)),
      DtypeError,
      'w: the initial value is int32, the leaf float32',
    );
    throws(
      () => state('s', [2], () => new Float32Array(2), 'int32'),
      DtypeError,
      's: the initial value is float32, the leaf int32',
    );
    throws(
      () => parameter('w', [2, 2], new Float32Array(3)).initial(),
      ShapeError,
      'w: the initial value has 3 elements, the shape [2, 2] 4',
    );
    throws(
      () => input('x', [2]).initial(),
      PlanError,
      'x: an input has no initial value\n  Feed it: step.run({ … }).',
    );
    throws(
      () => constant(new Float32Array(3), [2]),
      ShapeError,
      'constant: 3 elements do not fill [2] (3 and 2)',
    );
  });
});

suite('errors of gradients', (test) => {
  test('a loss that is no float32 scalar', () => {
    throws(
      () => gradients(x, [x]),
      GradientError,
      'gradients: the loss must be a float32 scalar: float32[2, 3]\n  sum or mean makes a scalar.',
    );
    throws(
      () => gradients(sum(counts), [x]),
      GradientError,
      'gradients: the loss must be a float32 scalar: int32[]\n  sum or mean makes a scalar.',
    );
  });

  test('a gradient in integers', () => {
    throws(
      () => gradients(sum(x), [counts]),
      GradientError,
      'gradients: int32 has no gradient: [2, 3] (counts)',
    );
  });

  test('an op that has none', () => {
    const sign = definePointwise('sign', { value: ([value]) => call('greater', value!, value!) });
    throws(() => gradients(sum(sign(x)), [x]), GradientError, 'gradients: sign has no gradient: [2, 3]');
  });
});
