import type { Conv2dSpecification } from '../../../kernels/conv2d/contract.js';
import { ShapeError } from '../../core/errors.js';
import type { Shape } from '../../core/shape.js';
import { checkDtype, describe, node } from '../build.js';
import type { KernelLowering, Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import { type PaddingOption, type Pair, pairOf, windowGrid } from './geometry.js';

/** Strides and padding, in pixels. */
type Geometry = Pick<Conv2dSpecification, 'strides' | 'padding'>;

const lowerTo =
  (kind: 'conv2d' | 'conv2dInputGradient' | 'conv2dFilterGradient') =>
  ({ attributes }: Tensor<Geometry>): KernelLowering => ({ type: 'kernel', kind, specification: attributes });

// y = x ∗ w: ∂x = inputGradient(g, w), ∂w = filterGradient(x, g)
const conv2dOp: Op<Geometry> = {
  name: 'conv2d',
  backward: ({ inputs: [x, filter], attributes }, g) => [
    inputGradient(g, filter!, x!.shape, attributes),
    filterGradient(x!, g, filter!.shape, attributes),
  ],
  lower: lowerTo('conv2d'),
};

// linear in dy and w; its adjoint in dy is the convolution itself
const inputGradientOp: Op<Geometry> = {
  name: 'conv2dInputGradient',
  backward: ({ inputs: [dy, filter], attributes }, g) => [
    node(conv2dOp, [g, filter!], attributes, dy!.shape, 'float32'),
    filterGradient(g, dy!, filter!.shape, attributes),
  ],
  lower: lowerTo('conv2dInputGradient'),
};

// linear in x and dy
const filterGradientOp: Op<Geometry> = {
  name: 'conv2dFilterGradient',
  backward: ({ inputs: [x, dy], attributes }, g) => [
    inputGradient(dy!, g, x!.shape, attributes),
    node(conv2dOp, [x!, g], attributes, dy!.shape, 'float32'),
  ],
  lower: lowerTo('conv2dFilterGradient'),
};

function inputGradient(dy: Tensor, filter: Tensor, shape: Shape, geometry: Geometry): Tensor {
  return node(inputGradientOp, [dy, filter], geometry, shape, 'float32');
}

function filterGradient(x: Tensor, dy: Tensor, shape: Shape, geometry: Geometry): Tensor {
  return node(filterGradientOp, [x, dy], geometry, shape, 'float32');
}

/**
 * 2-D convolution (cross-correlation, as in every framework): x `[batch, height, width, in]`, filter
 * `[height, width, in, out]` → `[batch, height', width', out]`, float32.
 *
 * @param options.strides default 1
 * @param options.padding default 'valid'; see PaddingOption
 * @throws ShapeError naming the two extents that clash
 */
export function conv2d(
  x: Tensor,
  filter: Tensor,
  options: { strides?: Pair; padding?: PaddingOption } = {},
): Tensor {
  checkDtype('conv2d', x, 'float32');
  checkDtype('conv2d', filter, 'float32');
  const shapes = `${describe(x)} with filter ${describe(filter)}`;
  if (x.rank !== 4 || filter.rank !== 4) {
    throw new ShapeError(`conv2d: needs four axes on both sides: ${shapes} (${x.rank} and ${filter.rank})`, {
      hint: 'Images are [batch, height, width, channels], filters [height, width, in, out].',
    });
  }
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [filterHeight, filterWidth, inputs, outputs] = filter.shape as [number, number, number, number];
  if (channels !== inputs) {
    throw new ShapeError(`conv2d: channels differ: ${shapes} (${channels} and ${inputs})`);
  }
  const strides = pairOf('conv2d', 'strides', options.strides ?? 1);
  const grid = windowGrid(
    'conv2d',
    [height, width],
    [filterHeight, filterWidth],
    strides,
    options.padding ?? 'valid',
  );
  const shape = [batch, ...grid.output, outputs];
  return node(conv2dOp, [x, filter], { strides, padding: grid.padding }, shape, 'float32');
}
