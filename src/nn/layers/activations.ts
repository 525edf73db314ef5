/** Activations as layers: the pointwise ops of the same names, and softmax. */
import { checkNumber } from '../../core/check.js';
import * as pointwise from '../../tensor/ops/pointwise.js';
import { softmax as softmaxOf } from '../../tensor/ops/softmax.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type Layer, layer } from '../layer.js';

const activation = (kind: string, f: (x: Tensor) => Tensor) => (): Layer => layer(kind, {}, (x) => f(x));

/** max(x, 0) */
export const relu = activation('relu', pointwise.relu);
/** 1 / (1 + e^(−x)) */
export const sigmoid = activation('sigmoid', pointwise.sigmoid);
/** Hyperbolic tangent. */
export const tanh = activation('tanh', pointwise.tanh);
/** x · Φ(x) with the exact normal distribution (Hendrycks and Gimpel 2016). */
export const gelu = activation('gelu', pointwise.gelu);
/** ln(1 + e^x) */
export const softplus = activation('softplus', pointwise.softplus);

/** x where x > 0, else slope · x. Default slope 0.3, as in Keras. */
export function leakyRelu(slope = 0.3): Layer {
  checkNumber('leakyRelu: slope', slope);
  return layer('leakyRelu', { slope }, (x) => pointwise.leakyRelu(x, slope));
}

/** x · σ(x), also called swish (Ramachandran, Zoph and Le 2017). */
export const silu = activation('silu', (x) => pointwise.multiply(x, pointwise.sigmoid(x)));

/** x / (1 + |x|) */
export const softsign = activation('softsign', (x) =>
  pointwise.divide(x, pointwise.add(pointwise.abs(x), 1)),
);

/** x where x > 0, else alpha · (e^x − 1) (Clevert, Unterthiner and Hochreiter 2016). Default alpha 1. */
export function elu(alpha = 1): Layer {
  checkNumber('elu: alpha', alpha);
  return layer('elu', { alpha }, (x) => exponentialBelow(x, alpha));
}

/** max(x, 0) + alpha · (e^min(x, 0) − 1): nothing overflows. */
function exponentialBelow(x: Tensor, alpha: number): Tensor {
  const below = pointwise.subtract(pointwise.exp(pointwise.minimum(x, 0)), 1);
  return pointwise.add(pointwise.relu(x), pointwise.multiply(below, alpha));
}

const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;
/** Scaled elu, which keeps mean 0 and variance 1 (Klambauer et al. 2017). */
export const selu = activation('selu', (x) => pointwise.multiply(exponentialBelow(x, seluAlpha), seluScale));

/** x held within [low, high]; `clip(0, 6)` is also called relu6. */
export function clip(low: number, high: number): Layer {
  checkNumber('clip: low', low);
  checkNumber('clip: high', high);
  return layer('clip', { low, high }, (x) => pointwise.clip(x, low, high));
}

/** slope · x + offset within [0, 1]. Default: 1/6 and 1/2, as in Keras 3 and PyTorch. */
export function hardSigmoid(slope = 1 / 6, offset = 0.5): Layer {
  checkNumber('hardSigmoid: slope', slope);
  checkNumber('hardSigmoid: offset', offset);
  return layer('hardSigmoid', { slope, offset }, (x) => hardSigmoidOf(x, slope, offset));
}

function hardSigmoidOf(x: Tensor, slope: number, offset: number): Tensor {
  return pointwise.clip(pointwise.add(pointwise.multiply(x, slope), offset), 0, 1);
}

/** x · hardSigmoid(x), also called hard swish (Howard et al. 2019). */
export const hardSilu = activation('hardSilu', (x) => pointwise.multiply(x, hardSigmoidOf(x, 1 / 6, 0.5)));

/**
 * e^x / Σ e^x along `axis` (default: the last). Not for the last layer of a classifier that `crossEntropy` trains: that
 * takes logits.
 */
export function softmax(axis = -1): Layer {
  checkNumber('softmax: axis', axis);
  return layer('softmax', { axis }, (x) => softmaxOf(x, axis));
}
