/**
 * Depthwise convolution: every channel of an image with filters of its own. It needs no kernel: for each position in the
 * filter, the pixels that it meets are a strided view of the padded image, so the convolution is a map over as many views
 * as the filter has positions. So is its gradient in the image; its gradient in the filter is a sum for each position.
 */
import { checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { at, leading } from '../../core/lists.js';
import { fourAxes, type Shape } from '../../core/shape.js';
import { checkDtype, describe } from '../build.js';
import type { Tensor } from '../tensor.js';
import { concatenate, pad, scatterSlices } from './assemble.js';
import { type PaddingOption, type Pair, pairOf, windowGrid } from './geometry.js';
import { add, multiply } from './pointwise.js';
import { sum } from './reduce.js';
import { reshape, slice } from './views.js';
import { withGradient } from './withGradient.js';

type Steps = readonly [height: number, width: number];

/** Every position (row, column) in a filter. */
function positionsOf(filter: Shape): [row: number, column: number][] {
  const [height, width] = fourAxes(filter);
  return Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);
}

/** The pixels (row + i · strides, column + j · strides) of images `[batch, height, width, in, multiplier]`. */
function pixelsAt(
  images: Tensor,
  { row, column }: { row: number; column: number },
  grid: Steps,
  strides: Steps,
): Tensor {
  const [batch, , , channels, multiplier] = leading(images.shape, 5);
  const end = (first: number, count: number, step: number) => first + Math.max(0, count - 1) * step + 1;
  return slice(
    images,
    [0, row, column],
    [batch, end(row, grid[0], strides[0]), end(column, grid[1], strides[1]), channels, multiplier],
    [1, ...strides],
  );
}

/** The weights at one position, `[in, multiplier]`. */
function weightsAt(filter: Tensor, row: number, column: number): Tensor {
  return reshape(slice(filter, [row, column], [row + 1, column + 1]), filter.shape.slice(2));
}

const total = (terms: readonly Tensor[]): Tensor => terms.reduce((a, b) => add(a, b));

/** y[n,i,j,c,q] = Σ_a Σ_b x[n, i·sh + a, j·sw + b, c, 0] · filter[a,b,c,q], without padding. */
function convolve(x: Tensor, filter: Tensor, grid: Steps, strides: Steps): Tensor {
  const terms = positionsOf(filter.shape).map(([row, column]) =>
    multiply(pixelsAt(x, { row, column }, grid, strides), weightsAt(filter, row, column)),
  );
  return withGradient('depthwiseConv2d', total(terms), [x, filter], (g) => [
    inputGradient(g, filter, x.shape, strides),
    filterGradient(x, g, filter.shape, strides),
  ]);
}

/** dx[n,p,q,c,0] = Σ_a Σ_b Σ_m dy[n, (p − a) / sh, (q − b) / sw, c, m] · filter[a,b,c,m] over whole positions of dy. `shape` is dx's. */
function inputGradient(dy: Tensor, filter: Tensor, shape: Shape, strides: Steps): Tensor {
  const [batch, height, width, channels] = leading(shape, 5);
  const [rows, columns, , multiplier] = fourAxes(filter.shape);
  // dy as far apart as its windows stand on x, with zeros between and around
  const apart = scatterSlices(
    [batch, height + rows - 1, width + columns - 1, channels, multiplier],
    [dy],
    [{ start: [0, rows - 1, columns - 1, 0, 0], step: [1, ...strides, 1, 1] }],
    0,
  );
  const terms = positionsOf(filter.shape).map(([row, column]) =>
    multiply(
      pixelsAt(apart, { row: rows - 1 - row, column: columns - 1 - column }, [height, width], [1, 1]),
      weightsAt(filter, row, column),
    ),
  );
  const dx = multiplier === 1 ? total(terms) : sum(total(terms), -1, true);
  const grid: Steps = [at(dy.shape, 1), at(dy.shape, 2)];
  return withGradient('depthwiseInputGradient', dx, [dy, filter], (g) => [
    convolve(g, filter, grid, strides),
    filterGradient(g, dy, filter.shape, strides),
  ]);
}

/** dfilter[a,b,c,q] = Σ_n Σ_i Σ_j x[n, i·sh + a, j·sw + b, c, 0] · dy[n,i,j,c,q] */
function filterGradient(x: Tensor, dy: Tensor, shape: Shape, strides: Steps): Tensor {
  const grid: Steps = [at(dy.shape, 1), at(dy.shape, 2)];
  const parts = positionsOf(shape).map(([row, column]) => {
    const products = multiply(pixelsAt(x, { row, column }, grid, strides), dy);
    return reshape(sum(products, [0, 1, 2]), [1, ...shape.slice(2)]);
  });
  return withGradient('depthwiseFilterGradient', reshape(concatenate(parts), shape), [x, dy], (g) => [
    inputGradient(dy, g, x.shape, strides),
    convolve(x, g, grid, strides),
  ]);
}

/**
 * Depthwise convolution: x `[batch, height, width, in]`, filter `[height, width, in, multiplier]` →
 * `[batch, height', width', in · multiplier]`, float32. Output channel c · multiplier + q is channel c of x with
 * filter `[:, :, c, q]` (as in Keras).
 *
 * @param options.strides default 1
 * @param options.padding default 'valid'; see PaddingOption
 * @throws ShapeError naming the two extents that clash
 */
export function depthwiseConv2d(
  x: Tensor,
  filter: Tensor,
  options: { strides?: Pair; padding?: PaddingOption } = {},
): Tensor {
  checkOptionNames('depthwiseConv2d', options, { strides: true, padding: true });
  checkDtype('depthwiseConv2d', x, 'float32');
  checkDtype('depthwiseConv2d', filter, 'float32');
  const shapes = `${describe(x)} with filter ${describe(filter)}`;
  if (x.rank !== 4 || filter.rank !== 4) {
    throw new ShapeError(
      `depthwiseConv2d: needs four axes on both sides: ${shapes} (${x.rank} and ${filter.rank})`,
      { hint: 'Images are [batch, height, width, channels], filters [height, width, in, multiplier].' },
    );
  }
  const [batch, height, width, channels] = fourAxes(x.shape);
  const [rows, columns, inputs, multiplier] = fourAxes(filter.shape);
  if (channels !== inputs) {
    throw new ShapeError(`depthwiseConv2d: channels differ: ${shapes} (${channels} and ${inputs})`);
  }
  const strides = pairOf('depthwiseConv2d', 'strides', options.strides ?? 1);
  const { output, padding } = windowGrid('depthwiseConv2d', {
    image: [height, width],
    window: [rows, columns],
    strides,
    padding: options.padding ?? 'valid',
  });
  const { top, bottom, left, right } = padding;
  const around = [top, bottom, left, right].some((pixels) => pixels > 0);
  const framed = around
    ? pad(x, [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ])
    : x;
  const y = convolve(reshape(framed, [...framed.shape, 1]), filter, output, strides);
  return reshape(y, [batch, ...output, channels * multiplier]);
}
