import { checkInteger } from '../../core/check.js';
import { conv2d as convolve } from '../../tensor/ops/conv2d.js';
import type { Pair } from '../../tensor/ops/geometry.js';
import type { Layer } from '../layer.js';
import type { InitializerOption } from '../resolveInitializer.js';
import { type ConvolutionOptions, convolutionLayer } from './convolutionLayer.js';

export interface Conv2dOptions extends ConvolutionOptions {
  /** Default 'glorotUniform'. */
  readonly kernelInitializer?: InitializerOption;
}

/**
 * Convolution of images: x `[batch, height, width, in]`, filter `[kernel height, kernel width, in, filters]`, bias
 * `[filters]` → `[batch, height', width', filters]`. See ops/conv2d for strides and padding.
 *
 * @throws UsageError or ShapeError for options out of range; ShapeError, when applied, for an input that is no image
 */
export function conv2d(filters: number, kernelSize: Pair, options: Conv2dOptions = {}): Layer {
  checkInteger('conv2d: filters', filters);
  const { kernelInitializer } = options;
  return convolutionLayer({
    kind: 'conv2d',
    ...{ kernelSize, options },
    described: { filters },
    initializers: { kernelInitializer },
    convolve(x, { size, strides, padding, initializers, parameter }) {
      const shape = [...size, x.shape[3]!, filters];
      return convolve(x, parameter('filter', shape, initializers.kernelInitializer), { strides, padding });
    },
  });
}
