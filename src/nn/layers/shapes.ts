/** Layers that move elements and compute nothing. */
import { checkInteger } from '../../core/check.js';
import { ShapeError, UsageError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { formatShape, type Shape, sizeOf } from '../../core/shape.js';
import { describe } from '../../tensor/build.js';
import { pad } from '../../tensor/ops/assemble.js';
import type { PaddingOption } from '../../tensor/ops/geometry.js';
import { reshape as reshaped, transpose } from '../../tensor/ops/views.js';
import { plainPadding } from '../check.js';
import { type Layer, layer } from '../layer.js';

/**
 * The same elements, row-major, under another shape of one example: x `[batch, …]` → `[batch, ...shape]`.
 *
 * @throws UsageError for extents that are no integers ≥ 1; ShapeError, when applied, for another number of elements
 */
export function reshape(shape: Shape): Layer {
  if (!Array.isArray(shape)) throw new UsageError('reshape: shape must be a list of extents');
  for (const extent of shape) checkInteger('reshape: an extent', extent);
  return layer('reshape', { shape: [...shape] }, (x) => {
    const size = sizeOf(x.shape.slice(1));
    if (size !== sizeOf(shape)) {
      throw new ShapeError(
        `reshape: ${describe(x)} has ${size} elements in an example, ${formatShape(shape)} has ${sizeOf(shape)}`,
      );
    }
    return reshaped(x, [at(x.shape, 0), ...shape]);
  });
}

/**
 * The axes of an example in another order, counted from 1 as in Keras: `permute([3, 1, 2])` puts the channels of
 * images `[batch, height, width, channels]` first.
 *
 * @throws UsageError unless `axes` names 1 to n once each; ShapeError, when applied, for another number of axes
 */
export function permute(axes: readonly number[]): Layer {
  const sorted = Array.isArray(axes) ? [...axes].sort((a, b) => a - b) : [0];
  if (sorted.some((axis, i) => axis !== i + 1)) {
    throw new UsageError(`permute: must name the axes from 1 on once each: ${JSON.stringify(axes)}`);
  }
  return layer('permute', { axes: [...axes] }, (x) => {
    if (x.rank !== axes.length + 1) {
      throw new ShapeError(
        `permute: names ${axes.length} axes of an example, ${describe(x)} has ${x.rank - 1}`,
      );
    }
    return transpose(x, [0, ...axes]);
  });
}

/**
 * Zeros around images: `[batch, height, width, channels]` → `[batch, height + top + bottom, width + left + right, channels]`.
 *
 * @throws UsageError unless the padding is four integers ≥ 0; ShapeError, when applied, for an input that is no image
 */
export function zeroPad2d(padding: Exclude<PaddingOption, string>): Layer {
  const plain = plainPadding('zeroPad2d', padding);
  if (typeof plain === 'string') throw new UsageError('zeroPad2d: padding must be given in pixels');
  const { top, bottom, left, right } = padding;
  return layer('zeroPad2d', { padding: plain }, (x) => {
    if (x.rank !== 4) {
      throw new ShapeError(
        `zeroPad2d: needs images [batch, height, width, channels]: ${describe(x)} (${x.rank} axes)`,
      );
    }
    return pad(x, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
  });
}
