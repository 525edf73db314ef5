import { checkInteger } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { describe } from '../../tensor/build.js';
import { conv2d as convolve } from '../../tensor/ops/conv2d.js';
import type { PaddingOption, Pair } from '../../tensor/ops/geometry.js';
import { add } from '../../tensor/ops/pointwise.js';
import { plainPadding, plainPair } from '../check.js';
import { type Layer, layer } from '../layer.js';
import { type InitializerOption, resolveInitializer } from '../resolveInitializer.js';

export interface Conv2dOptions {
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
 * Convolution of images: x `[batch, height, width, in]`, filter `[kernel height, kernel width, in, filters]`, bias
 * `[filters]` → `[batch, height', width', filters]`. See ops/conv2d for strides and padding.
 *
 * @throws UsageError or ShapeError for options out of range; ShapeError, when applied, for an input that is no image
 */
export function conv2d(filters: number, kernelSize: Pair, options: Conv2dOptions = {}): Layer {
  checkInteger('conv2d: filters', filters);
  const size = plainPair('conv2d', 'kernelSize', kernelSize);
  const strides = plainPair('conv2d', 'strides', options.strides ?? 1);
  const padding = plainPadding('conv2d', options.padding ?? 'valid');
  const { useBias = true } = options;
  const kernelInitializer = resolveInitializer(
    'conv2d: kernelInitializer',
    options.kernelInitializer ?? 'glorotUniform',
  );
  const biasInitializer = resolveInitializer('conv2d: biasInitializer', options.biasInitializer ?? 'zeros');
  return layer(
    'conv2d',
    {
      filters,
      kernelSize: size,
      strides,
      padding,
      useBias,
      kernelInitializer: kernelInitializer.description,
      biasInitializer: biasInitializer.description,
    },
    (x, context) => {
      if (x.rank !== 4) {
        throw new ShapeError(
          `conv2d: needs images [batch, height, width, channels]: ${describe(x)} (${x.rank} axes)`,
          {
            hint: 'A gray image has one channel: [height, width, 1].',
          },
        );
      }
      const filter = context.parameter('filter', [...size, x.shape[3]!, filters], kernelInitializer);
      const y = convolve(x, filter, { strides, padding: padding as PaddingOption });
      return useBias ? add(y, context.parameter('bias', [filters], biasInitializer)) : y;
    },
  );
}
