import type { ReduceOperation } from '../../../kernels/reduce/contract.js';
import { ShapeError } from '../../core/errors.js';
import { computeType, input } from '../../core/expression.js';
import { at } from '../../core/lists.js';
import { normalizeAxes, type Shape, sizeOf } from '../../core/shape.js';
import { checkDtype, describe, node } from '../build.js';
import type { Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import { divide, equal, multiply } from './pointwise.js';
import { broadcastTo, reshape, stopGradient } from './views.js';

/** An axis, several, or (undefined) all of them; negative numbers count from the end. */
export type Axes = number | readonly number[] | undefined;

interface Attributes {
  readonly operation: ReduceOperation;
  readonly axes: readonly number[];
}

/** x's shape with the reduced axes kept as extent 1. */
function keptShape(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
}

function makeOp(name: string, backward: NonNullable<Op<Attributes>['backward']>): Op<Attributes> {
  return {
    name,
    backward,
    lower: ({ inputs, attributes: { operation, axes } }) => ({
      type: 'kernel',
      kind: 'reduce',
      specification: { operation, axes, prologue: input(0, computeType(at(inputs, 0).dtype)) },
    }),
  };
}

/** Stretches a reduced tensor back over the axes that were reduced. */
function spread(reduced: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return broadcastTo(reshape(reduced, keptShape(x.shape, axes)), x.shape);
}

// ∂ Σx = 1
const sumOp = makeOp('sum', ({ inputs, attributes }, g) => [spread(g, at(inputs, 0), attributes.axes)]);

// ∂ max x = 1 at the largest element; ties share it evenly
const maxOp = makeOp('max', (y, g) => {
  const x = at(y.inputs, 0);
  const { axes } = y.attributes;
  const largest = stopGradient(equal(x, spread(y, x, axes)));
  return [multiply(largest, spread(divide(g, sum(largest, axes)), x, axes))];
});

const argMaxOp = makeOp('argMax', () => [undefined]);

function reduceNode(
  op: Op<Attributes>,
  operation: ReduceOperation,
  x: Tensor,
  { axes, keepDims }: { axes: Axes; keepDims: boolean },
): Tensor {
  checkDtype(op.name, x, 'float32', 'int32');
  const resolved = normalizeAxes(op.name, axes, x.shape);
  if (operation !== 'sum' && resolved.some((axis) => x.shape[axis] === 0)) {
    throw new ShapeError(
      `${op.name}: nothing to choose from: ${describe(x)} over axes ${resolved.join(', ')}`,
    );
  }
  const shape = x.shape.filter((_, axis) => !resolved.includes(axis));
  const reduced = node(
    op,
    [x],
    { operation, axes: resolved },
    { shape, dtype: operation === 'argMax' ? 'int32' : x.dtype },
  );
  return keepDims ? reshape(reduced, keptShape(x.shape, resolved)) : reduced;
}

/** Sum over `axes` (default: all). `keepDims` leaves reduced axes with extent 1. */
export function sum(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return reduceNode(sumOp, 'sum', x, { axes, keepDims });
}

/** Arithmetic mean over `axes` (default: all), float32; NaN of nothing. */
export function mean(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  checkDtype('mean', x, 'float32');
  const count = sizeOf(normalizeAxes('mean', axes, x.shape).map((axis) => at(x.shape, axis)));
  return multiply(sum(x, axes, keepDims), 1 / count);
}

/** Largest element over `axes` (default: all); NaN if there is one. Ties share the gradient evenly. */
export function max(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return reduceNode(maxOp, 'max', x, { axes, keepDims });
}

/**
 * Position of the largest element, int32: along the axis, or row-major within several axes (default: all). Ties go to
 * the first position.
 */
export function argMax(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return reduceNode(argMaxOp, 'argMax', x, { axes, keepDims });
}
