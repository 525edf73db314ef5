import { checkInteger } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { describe } from '../../tensor/build.js';
import { depthwiseConv2d as convolve } from '../../tensor/ops/depthwise.js';
import type { PaddingOption, Pair } from '../../tensor/ops/geometry.js';
import { add } from '../../tensor/ops/pointwise.js';
import { plainPadding, plainPair } from '../check.js';
import { type Layer, layer } from '../layer.js';
import { type InitializerOption, resolveInitializer } from '../resolveInitializer.js';

export interface DepthwiseConv2dOptions {
  /** Filters for each channel; default 1. */
  readonly depthMultiplier?: number;
  /** Default 1. */
  readonly strides?: Pair;
  /** Default 'valid'. */
  readonly padding?: PaddingOption;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default 'glorotUniform'. */
  readonly kernelInitializer?: InitializerOption;
  /** Default 'zeros'. */
  readonly biasInitializer?: InitializerOption;
}

/**
 * Convolution of every channel by itself: x `[batch, height, width, in]`, filter
 * `[kernel height, kernel width, in, depthMultiplier]`, bias `[in · depthMultiplier]` →
 * `[batch, height', width', in · depthMultiplier]`. See ops/conv2d for strides and padding.
 *
 * @throws UsageError or ShapeError for options out of range; ShapeError, when applied, for an input that is no image
 */
export function depthwiseConv2d(kernelSize: Pair, options: DepthwiseConv2dOptions = {}): Layer {
  const size = plainPair('depthwiseConv2d', 'kernelSize', kernelSize);
  const { depthMultiplier = 1, useBias = true } = options;
  checkInteger('depthwiseConv2d: depthMultiplier', depthMultiplier);
  const strides = plainPair('depthwiseConv2d', 'strides', options.strides ?? 1);
  const padding = plainPadding('depthwiseConv2d', options.padding ?? 'valid');
  const kernelInitializer = resolveInitializer(
    'depthwiseConv2d: kernelInitializer',
    options.kernelInitializer ?? 'glorotUniform',
  );
  const biasInitializer = resolveInitializer(
    'depthwiseConv2d: biasInitializer',
    options.biasInitializer ?? 'zeros',
  );
  return layer(
    'depthwiseConv2d',
    {
      kernelSize: size,
      depthMultiplier,
      strides,
      padding,
      useBias,
      kernelInitializer: kernelInitializer.description,
      biasInitializer: biasInitializer.description,
    },
    (x, context) => {
      if (x.rank !== 4) {
        throw new ShapeError(
          `depthwiseConv2d: needs images [batch, height, width, channels]: ${describe(x)} (${x.rank} axes)`,
        );
      }
      const filter = context.parameter('filter', [...size, x.shape[3]!, depthMultiplier], kernelInitializer);
      const y = convolve(x, filter, { strides, padding: padding as PaddingOption });
      return useBias ? add(y, context.parameter('bias', [y.shape[3]!], biasInitializer)) : y;
    },
  );
}
