import { checkInteger, checkOptionNames } from '../../core/check.js';
import { at } from '../../core/lists.js';
import { depthwiseConv2d as convolve } from '../../tensor/ops/depthwise.js';
import type { Pair } from '../../tensor/ops/geometry.js';
import { layerOptionsElsewhere } from '../check.js';
import type { Layer } from '../layer.js';
import type { InitializerOption } from '../resolveInitializer.js';
import { type ConvolutionOptions, convolutionLayer } from './convolutionLayer.js';

export interface DepthwiseConv2dOptions extends ConvolutionOptions {
  /** Filters for each channel; default 1. */
  readonly depthMultiplier?: number;
  /** Default 'glorotUniform'. */
  readonly kernelInitializer?: InitializerOption;
}

/**
 * Convolution of every channel by itself: x `[batch, height, width, in]`, filter
 * `[kernel height, kernel width, in, depthMultiplier]`, bias `[in · depthMultiplier]` →
 * `[batch, height', width', in · depthMultiplier]`. See ops/conv2d for strides and padding.
 *
 * @throws UsageError or ShapeError for options out of range; ShapeError, when applied, for an input that is no image
 */
export function depthwiseConv2d(kernelSize: Pair, options: DepthwiseConv2dOptions = {}): Layer {
  checkOptionNames(
    'depthwiseConv2d',
    options,
    {
      strides: true,
      padding: true,
      useBias: true,
      biasInitializer: true,
      depthMultiplier: true,
      kernelInitializer: true,
    },
    layerOptionsElsewhere,
  );
  const { depthMultiplier = 1, kernelInitializer } = options;
  checkInteger('depthwiseConv2d: depthMultiplier', depthMultiplier);
  return convolutionLayer({
    kind: 'depthwiseConv2d',
    ...{ kernelSize, options },
    described: { depthMultiplier },
    initializers: { kernelInitializer },
    convolve(x, { size, strides, padding, initializers, parameter }) {
      const shape = [...size, at(x.shape, 3), depthMultiplier];
      return convolve(x, parameter('filter', shape, initializers.kernelInitializer), { strides, padding });
    },
  });
}
