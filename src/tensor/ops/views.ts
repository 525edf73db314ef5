/** Ops that move no data: the same elements under other shapes and strides, copied only where a kernel needs it. */
import { checkList } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import {
  broadcastShapes,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from '../../core/shape.js';
import { broadcastView, reshapeView, sliceView, transposeView } from '../../core/view.js';
import { checkTensor, describe, node } from '../build.js';
import type { Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import { scatterSlices } from './assemble.js';
import { type Axes, sum } from './reduce.js';

const reshapeOp: Op<null> = {
  name: 'reshape',
  backward: ({ inputs }, g) => [reshape(g, at(inputs, 0).shape)],
  lower: ({ shape }) => ({ type: 'view', view: (input) => reshapeView(input, shape) }),
};

/** The same elements in row-major order under another shape. One extent may be −1: it is worked out. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', x);
  checkList('reshape: shape', 'a list of numbers', shape);
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  const open = shape.filter((extent) => extent === -1).length;
  const target = shape.map((extent) => (extent === -1 ? x.size / known : extent));
  if (
    open > 1 ||
    sizeOf(target) !== x.size ||
    target.some((extent) => !Number.isInteger(extent) || extent < 0)
  ) {
    throw new ShapeError(
      `reshape: ${describe(x)} does not fill ${formatShape(shape)} (${x.size} and ${known} elements)`,
      open > 1 ? { hint: 'Only one extent may be −1.' } : {},
    );
  }
  return sameShape(target, x.shape) ? x : node(reshapeOp, [x], null, { shape: target, dtype: x.dtype });
}

const transposeOp: Op<{ readonly permutation: readonly number[] }> = {
  name: 'transpose',
  backward: ({ attributes: { permutation } }, g) => [
    transpose(
      g,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  lower: ({ attributes }) => ({
    type: 'view',
    view: (input) => transposeView(input, attributes.permutation),
  }),
};

/** Axis i of the result is axis `permutation[i]` of x. Default: all axes reversed. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  checkTensor('transpose', x);
  if (permutation !== undefined) checkList('transpose: permutation', 'a list of axes', permutation);
  const order =
    permutation?.map((axis) => normalizeAxis('transpose', axis, x.shape)) ??
    x.shape.map((_, i) => x.rank - 1 - i);
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ShapeError(
      `transpose: ${formatShape(order)} does not name every axis of ${describe(x)} once (${order.length} and ${x.rank})`,
    );
  }
  return node(
    transposeOp,
    [x],
    { permutation: order },
    { shape: order.map((axis) => at(x.shape, axis)), dtype: x.dtype },
  );
}

const sliceOp: Op<{ readonly start: readonly number[]; readonly step: readonly number[] }> = {
  name: 'slice',
  backward: ({ inputs, attributes }, g) => [scatterSlices(at(inputs, 0).shape, [g], [attributes], 0)],
  lower: ({ shape, attributes: { start, step } }) => ({
    type: 'view',
    view: (input) => sliceView(input, start, step, shape),
  }),
};

/**
 * Elements start, start + step, … below end of each axis. Axes that are not named are taken whole; negative numbers
 * count from the end. Steps (default 1) are positive.
 */
export function slice(
  x: Tensor,
  start: readonly number[],
  end: readonly number[] = [],
  step: readonly number[] = [],
): Tensor {
  checkTensor('slice', x);
  for (const [name, list] of Object.entries({ start, end, step })) {
    checkList(`slice: ${name}`, 'a list of numbers', list);
  }
  const resolve = (value: number, axis: number) => (value < 0 ? value + at(x.shape, axis) : value);
  const from = x.shape.map((_, axis) => resolve(start[axis] ?? 0, axis));
  const to = x.shape.map((extent, axis) => resolve(end[axis] ?? extent, axis));
  const by = x.shape.map((_, axis) => step[axis] ?? 1);
  const shape = from.map((first, axis) => Math.ceil((at(to, axis) - first) / at(by, axis)));
  const fits = x.shape.every(
    (extent, axis) =>
      [at(from, axis), at(to, axis), at(by, axis)].every(Number.isInteger) &&
      at(from, axis) >= 0 &&
      at(from, axis) <= at(to, axis) &&
      at(to, axis) <= extent &&
      at(by, axis) >= 1,
  );
  if (!fits || Math.max(start.length, end.length, step.length) > x.rank) {
    throw new ShapeError(
      `slice: ${formatShape(start)} to ${formatShape(end)} by ${formatShape(by)} does not lie in ${describe(x)}`,
    );
  }
  return sameShape(shape, x.shape)
    ? x
    : node(sliceOp, [x], { start: from, step: by }, { shape, dtype: x.dtype });
}

const broadcastToOp: Op<null> = {
  name: 'broadcastTo',
  // every copy of an element adds to its gradient: the one place where broadcasting is reversed
  backward: ({ inputs }, g) => [sumTo(g, at(inputs, 0).shape)],
  lower: ({ shape }) => ({ type: 'view', view: (input) => broadcastView(input, shape) }),
};

/** Stretches axes of extent 1 and adds leading axes until x has `shape`. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('broadcastTo', x);
  checkList('broadcastTo: shape', 'a list of numbers', shape);
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes('broadcastTo', x.shape, shape), shape)) {
    throw new ShapeError(`broadcastTo: ${describe(x)} does not stretch to ${formatShape(shape)}`, {
      hint: 'Only axes of extent 1 stretch.',
    });
  }
  return node(broadcastToOp, [x], null, { shape, dtype: x.dtype });
}

/** The reverse of broadcasting: sums x over the axes that broadcasting `shape` to x's shape has stretched. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (!sameShape(broadcastShapes('sumTo', shape, x.shape), x.shape)) {
    throw new ShapeError(`sumTo: ${describe(x)} is no broadcast of ${formatShape(shape)}`);
  }
  const added = x.rank - shape.length;
  const axes = x.shape.flatMap((extent, axis) =>
    axis < added || shape[axis - added] !== extent ? [axis] : [],
  );
  return reshape(axes.length === 0 ? x : sum(x, axes), shape);
}

/** Inserts an axis of extent 1 before axis `axis` (−1: behind the last). */
export function expandDims(x: Tensor, axis: number): Tensor {
  checkTensor('expandDims', x);
  const position = normalizeAxis('expandDims', axis, [...x.shape, 1]);
  return reshape(x, [...x.shape.slice(0, position), 1, ...x.shape.slice(position)]);
}

/** Drops the named axes, which must have extent 1; all such axes by default. */
export function squeeze(x: Tensor, axes?: Axes): Tensor {
  checkTensor('squeeze', x);
  const dropped =
    axes === undefined
      ? x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []))
      : normalizeAxes('squeeze', axes, x.shape);
  for (const axis of dropped) {
    if (x.shape[axis] !== 1) {
      throw new ShapeError(`squeeze: axis ${axis} of ${describe(x)} has extent ${x.shape[axis]}, not 1`);
    }
  }
  return reshape(
    x,
    x.shape.filter((_, axis) => !dropped.includes(axis)),
  );
}

const stopGradientOp: Op<null> = {
  name: 'stopGradient',
  backward: () => [undefined],
  lower: () => ({ type: 'view', view: (input) => input }),
};

/** x, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  checkTensor('stopGradient', x);
  return node(stopGradientOp, [x], null, { shape: x.shape, dtype: x.dtype });
}
