import type { Placement } from '../../../kernels/assemble/contract.js';
import { checkList } from '../../core/check.js';
import { checkHolds } from '../../core/dtype.js';
import { DtypeError, ShapeError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { formatShape, normalizeAxis, type Shape } from '../../core/shape.js';
import { checkTensor, describe, node } from '../build.js';
import type { Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import { slice } from './views.js';

interface Attributes {
  readonly fill: number;
  readonly placements: readonly Placement[];
}

const assembleOp: Op<Attributes> = {
  name: 'assemble',
  // each input is a slice of the output, so its gradient is that slice of the gradient
  backward: ({ inputs, attributes }, g) =>
    inputs.map((x, i) => {
      const { start, step } = at(attributes.placements, i);
      const end = start.map((first, axis) => {
        const extent = at(x.shape, axis);
        return extent === 0 ? first : first + (extent - 1) * at(step, axis) + 1;
      });
      return slice(g, start, end, step);
    }),
  lower: ({ attributes }) => ({ type: 'kernel', kind: 'assemble', specification: attributes }),
};

/** A tensor of `shape` filled with `fill`, with each input written at its placement. The reverse of slices. */
export function scatterSlices(
  shape: Shape,
  inputs: readonly Tensor[],
  placements: readonly Placement[],
  fill: number,
): Tensor {
  return node(assembleOp, inputs, { fill, placements }, { shape, dtype: at(inputs, 0).dtype });
}

/**
 * Surrounds x with `value`.
 *
 * @param paddings `[before, after]` for each axis, ≥ 0
 * @param value default 0
 */
export function pad(x: Tensor, paddings: readonly (readonly [number, number])[], value = 0): Tensor {
  checkTensor('pad', x);
  checkList('pad: paddings', 'a list of pairs', paddings);
  for (const pair of paddings) checkList('pad: paddings', 'a list of pairs', pair);
  if (
    paddings.length !== x.rank ||
    paddings.some((pair) => pair.some((n) => !Number.isInteger(n) || n < 0))
  ) {
    throw new ShapeError(
      `pad: needs a pair of integers ≥ 0 for each axis: ${describe(x)} with ${paddings.length} pairs ${paddings.map(formatShape).join(' ')}`,
    );
  }
  checkHolds('pad', value, x.dtype);
  const shape = x.shape.map((extent, axis) => extent + at(paddings, axis)[0] + at(paddings, axis)[1]);
  return scatterSlices(
    shape,
    [x],
    [{ start: paddings.map(([before]) => before), step: shape.map(() => 1) }],
    value,
  );
}

/** Joins tensors along `axis` (default 0); their other extents and their dtypes are equal. */
export function concatenate(tensors: readonly Tensor[], axis = 0): Tensor {
  checkList('concatenate', 'a list of tensors', tensors);
  for (const tensor of tensors) checkTensor('concatenate', tensor);
  const first = tensors[0];
  if (first === undefined) throw new ShapeError('concatenate: needs at least one tensor');
  const along = normalizeAxis('concatenate', axis, first.shape);
  const placements: Placement[] = [];
  let extent = 0;
  for (const tensor of tensors) {
    if (tensor.dtype !== first.dtype) {
      throw new DtypeError(`concatenate: dtypes differ: ${first.dtype} and ${tensor.dtype}`);
    }
    if (tensor.rank !== first.rank || tensor.shape.some((n, i) => i !== along && n !== first.shape[i])) {
      throw new ShapeError(
        `concatenate: shapes differ outside axis ${along}: ${describe(first)} and ${describe(tensor)}`,
      );
    }
    placements.push({
      start: tensor.shape.map((_, i) => (i === along ? extent : 0)),
      step: tensor.shape.map(() => 1),
    });
    extent += at(tensor.shape, along);
  }
  const shape = first.shape.map((n, i) => (i === along ? extent : n));
  return scatterSlices(shape, tensors, placements, 0);
}
