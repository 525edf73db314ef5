import type { Conv2dGeometry } from '../../../kernels/conv2d/contract.js';
import { checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { at, leading } from '../../core/lists.js';
import { fourAxes, type Shape } from '../../core/shape.js';
import { checkDtype, describe, node, scalar } from '../build.js';
import type { KernelLowering, Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import { scatterSlices } from './assemble.js';
import { type PaddingOption, type Pair, pairOf, windowGrid } from './geometry.js';
import { broadcastTo, slice } from './views.js';

const lowerTo =
  (kind: 'conv2d' | 'conv2dInputGradient' | 'conv2dFilterGradient') =>
  ({ attributes }: Tensor<Conv2dGeometry>): KernelLowering => ({
    type: 'kernel',
    kind,
    specification: attributes,
  });

// y = x ∗ w: ∂x = inputGradient(g, w), ∂w = filterGradient(x, g)
const conv2dOp: Op<Conv2dGeometry> = {
  name: 'conv2d',
  backward: ({ inputs, attributes }, g) => {
    const [x, filter] = leading(inputs, 2);
    return [
      attributes.strides.every((step) => step === 1)
        ? inputGradient(g, filter, x.shape, attributes)
        : stridedInputGradient(g, filter, x.shape, attributes),
      filterGradient(x, g, filter.shape, attributes),
    ];
  },
  lower: lowerTo('conv2d'),
};

// linear in dy and w; its adjoint in dy is the convolution itself
const inputGradientOp: Op<Conv2dGeometry> = {
  name: 'conv2dInputGradient',
  backward: ({ inputs, attributes }, g) => {
    const [dy, filter] = leading(inputs, 2);
    return [
      node(conv2dOp, [g, filter], attributes, { shape: dy.shape, dtype: 'float32' }),
      filterGradient(g, dy, filter.shape, attributes),
    ];
  },
  lower: lowerTo('conv2dInputGradient'),
};

// linear in x and dy
const filterGradientOp: Op<Conv2dGeometry> = {
  name: 'conv2dFilterGradient',
  backward: ({ inputs, attributes }, g) => {
    const [x, dy] = leading(inputs, 2);
    return [
      inputGradient(dy, g, x.shape, attributes),
      node(conv2dOp, [x, g], attributes, { shape: dy.shape, dtype: 'float32' }),
    ];
  },
  lower: lowerTo('conv2dFilterGradient'),
};

function inputGradient(dy: Tensor, filter: Tensor, shape: Shape, geometry: Conv2dGeometry): Tensor {
  return node(inputGradientOp, [dy, filter], geometry, { shape, dtype: 'float32' });
}

/** Pixels of one direction that windows meet with the filter's rows offset, offset + stride, …: every stride-th. */
interface Phase {
  readonly offset: number;
  /** The first of the pixels, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** Results of a convolution by those rows, with strides of 1, outside the image. */
  readonly before: number;
  readonly after: number;
}

/** One direction: pixels of the image, rows of the filter and of dy, the step and the padding before. */
interface Axis {
  readonly extent: number;
  readonly size: number;
  readonly grid: number;
  readonly stride: number;
  readonly padding: number;
}

function phasesOf({ extent, size, grid, stride, padding }: Axis): Phase[] {
  return Array.from({ length: Math.min(stride, size) }, (_, offset) => {
    const rows = Math.ceil((size - offset) / stride);
    const whole = Math.max(0, grid + rows - 1);
    // row P of the whole is pixel P · stride + offset − padding
    const before = Math.min(whole, Math.max(0, Math.ceil((padding - offset) / stride)));
    const first = before * stride + offset - padding;
    const inside = Math.max(0, Math.ceil((extent - first) / stride));
    const count = Math.min(whole - before, inside);
    return { offset, first, count, before, after: whole - before - count };
  }).filter(({ count }) => count > 0);
}

/**
 * The gradient where windows stand more than a pixel apart. Only every stride-th row and column of the filter meets a
 * pixel: the pixels that meet the same ones are the gradient of a convolution by these alone, with strides of 1. So
 * nothing is multiplied by the zeros that lie between the windows.
 */
function stridedInputGradient(dy: Tensor, filter: Tensor, shape: Shape, geometry: Conv2dGeometry): Tensor {
  const [batch, height, width, channels] = fourAxes(shape);
  const { strides, padding } = geometry;
  const phases = ([0, 1] as const).map((axis) =>
    phasesOf({
      extent: at([height, width], axis),
      size: at(filter.shape, axis),
      grid: at(dy.shape, axis + 1),
      stride: strides[axis],
      padding: at([padding.top, padding.left], axis),
    }),
  );
  const pairs = at(phases, 0).flatMap((row) => at(phases, 1).map((column) => ({ row, column })));
  const parts = pairs.map(({ row, column }) =>
    inputGradient(
      dy,
      slice(filter, [row.offset, column.offset], [], [...strides]),
      [batch, row.count, column.count, channels],
      {
        strides: [1, 1],
        padding: { top: row.before, bottom: row.after, left: column.before, right: column.after },
      },
    ),
  );
  if (parts.length === 0) return broadcastTo(scalar(0), shape);
  const placements = pairs.map(({ row, column }) => ({
    start: [0, row.first, column.first, 0],
    step: [1, ...strides, 1],
  }));
  return scatterSlices(shape, parts, placements, 0);
}

function filterGradient(x: Tensor, dy: Tensor, shape: Shape, geometry: Conv2dGeometry): Tensor {
  return node(filterGradientOp, [x, dy], geometry, { shape, dtype: 'float32' });
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
  checkOptionNames('conv2d', options, { strides: true, padding: true });
  checkDtype('conv2d', x, 'float32');
  checkDtype('conv2d', filter, 'float32');
  const shapes = `${describe(x)} with filter ${describe(filter)}`;
  if (x.rank !== 4 || filter.rank !== 4) {
    throw new ShapeError(`conv2d: needs four axes on both sides: ${shapes} (${x.rank} and ${filter.rank})`, {
      hint: 'Images are [batch, height, width, channels], filters [height, width, in, out].',
    });
  }
  const [batch, height, width, channels] = fourAxes(x.shape);
  const [filterHeight, filterWidth, inputs, outputs] = fourAxes(filter.shape);
  if (channels !== inputs) {
    throw new ShapeError(`conv2d: channels differ: ${shapes} (${channels} and ${inputs})`);
  }
  const strides = pairOf('conv2d', 'strides', options.strides ?? 1);
  const grid = windowGrid('conv2d', {
    image: [height, width],
    window: [filterHeight, filterWidth],
    strides,
    padding: options.padding ?? 'valid',
  });
  const shape = [batch, ...grid.output, outputs];
  return node(conv2dOp, [x, filter], { strides, padding: grid.padding }, { shape, dtype: 'float32' });
}
