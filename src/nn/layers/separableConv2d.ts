import { checkInteger } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { describe } from '../../tensor/build.js';
import { conv2d } from '../../tensor/ops/conv2d.js';
import { depthwiseConv2d } from '../../tensor/ops/depthwise.js';
import type { PaddingOption, Pair } from '../../tensor/ops/geometry.js';
import { add } from '../../tensor/ops/pointwise.js';
import { plainPadding, plainPair } from '../check.js';
import { type Layer, layer } from '../layer.js';
import { type InitializerOption, resolveInitializer } from '../resolveInitializer.js';

export interface SeparableConv2dOptions {
  /** Filters for each channel in the depthwise step; default 1. */
  readonly depthMultiplier?: number;
  /** Of the depthwise step; default 1. */
  readonly strides?: Pair;
  /** Of the depthwise step; default 'valid'. */
  readonly padding?: PaddingOption;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default 'glorotUniform'. */
  readonly depthwiseInitializer?: InitializerOption;
  /** Default 'glorotUniform'. */
  readonly pointwiseInitializer?: InitializerOption;
  /** Default 'zeros'. */
  readonly biasInitializer?: InitializerOption;
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
  checkInteger('separableConv2d: filters', filters);
  const size = plainPair('separableConv2d', 'kernelSize', kernelSize);
  const { depthMultiplier = 1, useBias = true } = options;
  checkInteger('separableConv2d: depthMultiplier', depthMultiplier);
  const strides = plainPair('separableConv2d', 'strides', options.strides ?? 1);
  const padding = plainPadding('separableConv2d', options.padding ?? 'valid');
  const initializer = (name: 'depthwise' | 'pointwise' | 'bias', usual: InitializerOption) =>
    resolveInitializer(`separableConv2d: ${name}Initializer`, options[`${name}Initializer`] ?? usual);
  const depthwise = initializer('depthwise', 'glorotUniform');
  const pointwise = initializer('pointwise', 'glorotUniform');
  const bias = initializer('bias', 'zeros');
  return layer(
    'separableConv2d',
    {
      filters,
      kernelSize: size,
      depthMultiplier,
      strides,
      padding,
      useBias,
      depthwiseInitializer: depthwise.description,
      pointwiseInitializer: pointwise.description,
      biasInitializer: bias.description,
    },
    (x, context) => {
      if (x.rank !== 4) {
        throw new ShapeError(
          `separableConv2d: needs images [batch, height, width, channels]: ${describe(x)} (${x.rank} axes)`,
        );
      }
      const channels = x.shape[3]!;
      const own = context.parameter('depthwiseFilter', [...size, channels, depthMultiplier], depthwise);
      const mixing = context.parameter(
        'pointwiseFilter',
        [1, 1, channels * depthMultiplier, filters],
        pointwise,
      );
      const y = conv2d(depthwiseConv2d(x, own, { strides, padding: padding as PaddingOption }), mixing);
      return useBias ? add(y, context.parameter('bias', [filters], bias)) : y;
    },
  );
}
