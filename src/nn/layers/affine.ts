import { checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { describe } from '../../tensor/build.js';
import { add, multiply } from '../../tensor/ops/pointwise.js';
import { layerOptionsElsewhere } from '../check.js';
import { type Layer, layer } from '../layer.js';

export interface AffineOptions {
  /** Multiplies by `gain`. Default true. */
  readonly scale?: boolean;
  /** Adds `offset`. Default true. */
  readonly center?: boolean;
}

/**
 * y = gain · x + offset: x `[batch, …, features]`, gain and offset `[features]`, at first 1 and 0.
 *
 * @throws ShapeError, when applied, for an input of fewer than two axes
 */
export function affine(options: AffineOptions = {}): Layer {
  checkOptionNames('affine', options, { scale: true, center: true }, layerOptionsElsewhere);
  const { scale = true, center = true } = options;
  return layer('affine', { scale, center }, (x, context) => {
    if (x.rank < 2)
      throw new ShapeError(`affine: needs [batch, …, features]: ${describe(x)} (${x.rank} axes)`);
    const shape = x.shape.slice(-1);
    const scaled = scale ? multiply(x, context.parameter('gain', shape, 1)) : x;
    return center ? add(scaled, context.parameter('offset', shape, 0)) : scaled;
  });
}
