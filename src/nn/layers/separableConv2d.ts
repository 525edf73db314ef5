import { checkInteger, checkOptionNames } from '../../core/check.js';
import { at } from '../../core/lists.js';
import { conv2d } from '../../tensor/ops/conv2d.js';
import { depthwiseConv2d } from '../../tensor/ops/depthwise.js';
import type { Pair } from '../../tensor/ops/geometry.js';
import { layerOptionsElsewhere } from '../check.js';
import type { Layer } from '../layer.js';
import type { InitializerOption } from '../resolveInitializer.js';
import { type ConvolutionOptions, convolutionLayer } from './convolutionLayer.js';

/** Strides and padding are those of the depthwise step. */
export interface SeparableConv2dOptions extends ConvolutionOptions {
  /** Filters for each channel in the depthwise step; default 1. */
  readonly depthMultiplier?: number;
  /** Default 'glorotUniform'. */
  readonly depthwiseInitializer?: InitializerOption;
  /** Default 'glorotUniform'. */
  readonly pointwiseInitializer?: InitializerOption;
}

/**
 * Depthwise-separable convolution (Chollet, CVPR 2017): a depthwise convolution, which looks at the neighborhood of each
 * channel, and one of a single pixel, which mixes the channels. x `[batch, height, width, in]`, depthwiseFilter
 * `[kernel height, kernel width, in, depthMultiplier]`, pointwiseFilter `[1, 1, in · depthMultiplier, filters]`, bias
 * `[filters]` → `[batch, height', width', filters]`.
 *
 * @throws UsageError or ShapeError for options out of range; ShapeError, when applied, for an input that is no image
 */
export function separableConv2d(
  filters: number,
  kernelSize: Pair,
  options: SeparableConv2dOptions = {},
): Layer {
  checkOptionNames(
    'separableConv2d',
    options,
    {
      strides: true,
      padding: true,
      useBias: true,
      biasInitializer: true,
      depthMultiplier: true,
      depthwiseInitializer: true,
      pointwiseInitializer: true,
    },
    layerOptionsElsewhere,
  );
  const { depthMultiplier = 1, depthwiseInitializer, pointwiseInitializer } = options;
  checkInteger('separableConv2d: filters', filters);
  checkInteger('separableConv2d: depthMultiplier', depthMultiplier);
  return convolutionLayer({
    kind: 'separableConv2d',
    ...{ kernelSize, options },
    described: { filters, depthMultiplier },
    initializers: { depthwiseInitializer, pointwiseInitializer },
    convolve(x, { size, strides, padding, initializers, parameter }) {
      const channels = at(x.shape, 3);
      const own = parameter(
        'depthwiseFilter',
        [...size, channels, depthMultiplier],
        initializers.depthwiseInitializer,
      );
      const mixing = parameter(
        'pointwiseFilter',
        [1, 1, channels * depthMultiplier, filters],
        initializers.pointwiseInitializer,
      );
      return conv2d(depthwiseConv2d(x, own, { strides, padding }), mixing);
    },
  });
}
