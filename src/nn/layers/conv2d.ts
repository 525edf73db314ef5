import { checkInteger, checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { fourAxes } from '../../core/shape.js';
import { concatenate, scatterSlices } from '../../tensor/ops/assemble.js';
import { conv2d as convolve } from '../../tensor/ops/conv2d.js';
import type { PaddingOption, Pair } from '../../tensor/ops/geometry.js';
import { slice } from '../../tensor/ops/views.js';
import type { Tensor } from '../../tensor/tensor.js';
import { layerOptionsElsewhere, plainPair } from '../check.js';
import type { Layer } from '../layer.js';
import type { InitializerOption } from '../resolveInitializer.js';
import { type ConvolutionOptions, convolutionLayer } from './convolutionLayer.js';

export interface Conv2dOptions extends ConvolutionOptions {
  /** Between the pixels that a filter looks at; default 1, neighbors. */
  readonly dilation?: Pair;
  /** The channels, and the filters, fall into so many groups, each looking at its own; default 1. */
  readonly groups?: number;
  /** Default 'glorotUniform'. */
  readonly kernelInitializer?: InitializerOption;
}

interface Steps {
  readonly strides: Pair;
  readonly padding: PaddingOption;
}

/** A filter with zeros between its pixels. */
function dilated(filter: Tensor, [down, across]: readonly [number, number]): Tensor {
  if (down === 1 && across === 1) return filter;
  const [height, width, ...channels] = fourAxes(filter.shape);
  const shape = [(height - 1) * down + 1, (width - 1) * across + 1, ...channels];
  return scatterSlices(shape, [filter], [{ start: [0, 0, 0, 0], step: [down, across, 1, 1] }], 0);
}

/** Each group of channels with its own filters, joined along the channels. */
function grouped(x: Tensor, filter: Tensor, groups: number, steps: Steps): Tensor {
  if (groups === 1) return convolve(x, filter, steps);
  const [channels, filters] = [at(x.shape, 3) / groups, at(filter.shape, 3) / groups];
  const parts = Array.from({ length: groups }, (_, i) => {
    const own = slice(x, [0, 0, 0, i * channels], [...x.shape.slice(0, 3), (i + 1) * channels]);
    const used = slice(filter, [0, 0, 0, i * filters], [...filter.shape.slice(0, 3), (i + 1) * filters]);
    return convolve(own, used, steps);
  });
  return concatenate(parts, 3);
}

/**
 * Convolution of images: x `[batch, height, width, in]`, filter `[kernel height, kernel width, in, filters]`, bias
 * `[filters]` → `[batch, height', width', filters]`. See ops/conv2d for strides and padding. With groups the filter is
 * `[kernel height, kernel width, in / groups, filters]`, as in Keras.
 *
 * @throws UsageError or ShapeError for options out of range; ShapeError, when applied, for an input that is no image, or
 * channels and filters that the groups do not divide
 */
export function conv2d(filters: number, kernelSize: Pair, options: Conv2dOptions = {}): Layer {
  checkOptionNames(
    'conv2d',
    options,
    {
      strides: true,
      padding: true,
      useBias: true,
      biasInitializer: true,
      dilation: true,
      groups: true,
      kernelInitializer: true,
    },
    layerOptionsElsewhere,
  );
  checkInteger('conv2d: filters', filters);
  const { kernelInitializer, groups = 1 } = options;
  const dilation = plainPair('conv2d', 'dilation', options.dilation ?? 1);
  checkInteger('conv2d: groups', groups);
  return convolutionLayer({
    kind: 'conv2d',
    ...{ kernelSize, options },
    described: {
      filters,
      // absent from files where they are as ever
      ...(dilation.every((step) => step === 1) ? {} : { dilation }),
      ...(groups === 1 ? {} : { groups }),
    },
    initializers: { kernelInitializer },
    convolve(x, { size, strides, padding, initializers, parameter }) {
      const channels = at(x.shape, 3);
      if (channels % groups !== 0 || filters % groups !== 0) {
        throw new ShapeError(
          `conv2d: ${groups} groups do not divide ${channels} channels and ${filters} filters`,
        );
      }
      const shape = [...size, channels / groups, filters];
      const filter = parameter('filter', shape, initializers.kernelInitializer);
      return grouped(x, dilated(filter, dilation), groups, { strides, padding });
    },
  });
}
