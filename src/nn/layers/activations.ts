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

/**
 * e^x / Σ e^x along `axis` (default: the last). Not for the last layer of a classifier that `crossEntropy` trains: that
 * takes logits.
 */
export function softmax(axis = -1): Layer {
  checkNumber('softmax: axis', axis);
  return layer('softmax', { axis }, (x) => softmaxOf(x, axis));
}
