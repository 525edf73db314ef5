import { ShapeError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { describe } from '../../tensor/build.js';
import type { PaddingOption, Pair } from '../../tensor/ops/geometry.js';
import { add } from '../../tensor/ops/pointwise.js';
import type { Tensor } from '../../tensor/tensor.js';
import { plainPadding, plainPair } from '../check.js';
import type { NamedInitializer } from '../initializers.js';
import { type Context, type Layer, layer } from '../layer.js';
import { type InitializerOption, resolveInitializer } from '../resolveInitializer.js';

/** Options of every layer that convolves. */
export interface ConvolutionOptions {
  /** Default 1. */
  readonly strides?: Pair;
  /** Default 'valid'. */
  readonly padding?: PaddingOption;
  /** Default true. */
  readonly useBias?: boolean;
  /** Default 'zeros'. */
  readonly biasInitializer?: InitializerOption;
}

/** The parts of a convolution without its bias. */
interface ConvolutionParts<Name extends string> {
  /** Height and width of the filters. */
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: PaddingOption;
  readonly initializers: Readonly<Record<Name, NamedInitializer>>;
  readonly parameter: Context['parameter'];
}

interface Convolution<Name extends string> {
  readonly kind: string;
  readonly kernelSize: Pair;
  readonly options: ConvolutionOptions;
  /** Further options, as the layer's description has them. */
  readonly described: Layer['options'];
  /** Of the filters, by the names of their options; default 'glorotUniform'. */
  readonly initializers: Readonly<Record<Name, InitializerOption | undefined>>;
  /** Images `[batch, height, width, channels]` → `[batch, height', width', filters]`. */
  readonly convolve: (x: Tensor, parts: ConvolutionParts<Name>) => Tensor;
}

/**
 * A layer that convolves images and adds a bias `[filters]`.
 *
 * @throws UsageError or ShapeError for options out of range; ShapeError, when applied, for an input that is no image
 */
export function convolutionLayer<Name extends string>(convolution: Convolution<Name>): Layer {
  const { kind, options, described, convolve } = convolution;
  const size = plainPair(kind, 'kernelSize', convolution.kernelSize);
  const strides = plainPair(kind, 'strides', options.strides ?? 1);
  const padding = plainPadding(kind, options.padding ?? 'valid');
  const { useBias = true } = options;
  const given = Object.entries<InitializerOption | undefined>(convolution.initializers);
  const resolved = given.map(
    ([name, option]) => [name, resolveInitializer(`${kind}: ${name}`, option ?? 'glorotUniform')] as const,
  );
  const initializers = Object.fromEntries(resolved) as Record<Name, NamedInitializer>;
  const bias = resolveInitializer(`${kind}: biasInitializer`, options.biasInitializer ?? 'zeros');
  const descriptions = resolved.map(([name, { description }]) => [name, description]);
  return layer(
    kind,
    {
      ...described,
      ...{ kernelSize: size, strides, padding, useBias },
      ...Object.fromEntries(descriptions),
      biasInitializer: bias.description,
    },
    (x, context) => {
      if (x.rank !== 4) {
        throw new ShapeError(
          `${kind}: needs images [batch, height, width, channels]: ${describe(x)} (${x.rank} axes)`,
          { hint: 'A gray image has one channel: [height, width, 1].' },
        );
      }
      const parameter: Context['parameter'] = (...words) => context.parameter(...words);
      const y = convolve(x, { size, strides, padding: padding as PaddingOption, initializers, parameter });
      return useBias ? add(y, parameter('bias', [at(y.shape, 3)], bias)) : y;
    },
  );
}
