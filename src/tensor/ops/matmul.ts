import { ShapeError } from '../../core/errors.js';
import { last, leading } from '../../core/lists.js';
import { broadcastShapes, sizeOf } from '../../core/shape.js';
import { checkDtype, describe, node } from '../build.js';
import type { Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import { broadcastTo, reshape, transpose } from './views.js';

/** Swaps the last two axes. */
function transposeLast(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}

// y = a·b: ∂a = g·bᵀ, ∂b = aᵀ·g
const matmulOp: Op<null> = {
  name: 'matmul',
  backward: ({ inputs }, g) => {
    const [a, b] = leading(inputs, 2);
    return [matmul(g, transposeLast(b)), matmul(transposeLast(a), g)];
  },
  lower: () => ({ type: 'kernel', kind: 'matmul', specification: {} }),
};

/**
 * Matrix product of the last two axes: a `[…, m, k]`, b `[…, k, n]` → `[…, m, n]`, float32. Leading axes are batches
 * and broadcast. Throws a ShapeError naming the two inner extents that differ.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  checkDtype('matmul', a, 'float32');
  checkDtype('matmul', b, 'float32');
  const shapes = `${describe(a)} · ${describe(b)}`;
  if (a.rank < 2 || b.rank < 2) {
    throw new ShapeError(`matmul: both sides need two axes or more: ${shapes} (${a.rank} and ${b.rank})`, {
      hint: 'expandDims makes a row or a column of a vector.',
    });
  }
  const [m, k] = [a.shape.at(-2)!, last(a.shape)];
  const [inner, n] = [b.shape.at(-2)!, last(b.shape)];
  if (k !== inner) throw new ShapeError(`matmul: inner extents differ: ${shapes} (${k} and ${inner})`);
  if (a.rank > 2 && b.rank === 2)
    return reshape(matmul(reshape(a, [sizeOf(a.shape.slice(0, -1)), k]), b), [...a.shape.slice(0, -1), n]);
  const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const operands = [broadcastTo(a, [...batch, m, k]), broadcastTo(b, [...batch, k, n])];
  return node(matmulOp, operands, null, { shape: [...batch, m, n], dtype: 'float32' });
}
