import { ShapeError } from '../../core/errors.js';
import { at, leading } from '../../core/lists.js';
import { normalizeAxis, type Shape, sizeOf } from '../../core/shape.js';
import { checkDtype, checkTensor, describe, node } from '../build.js';
import { constant } from '../leaves.js';
import type { Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import { cast, equal } from './pointwise.js';
import { expandDims, reshape } from './views.js';

// y[o,i,e] = table[o, indices[i], e]; a row that is read twice collects both gradients
const gatherOp: Op<null> = {
  name: 'gather',
  backward: ({ inputs }, g) => {
    const [table, indices] = leading(inputs, 2);
    return [node(scatterAddOp, [g, indices], null, { shape: table.shape, dtype: 'float32' }), undefined];
  },
  lower: () => ({ type: 'kernel', kind: 'gather', specification: {} }),
};

const scatterAddOp: Op<null> = {
  name: 'scatterAdd',
  backward: ({ inputs }, g) => {
    const [values, indices] = leading(inputs, 2);
    return [node(gatherOp, [g, indices], null, { shape: values.shape, dtype: 'float32' }), undefined];
  },
  lower: () => ({ type: 'kernel', kind: 'scatterAdd', specification: {} }),
};

/**
 * Takes the entries of `table` along `axis` that `indices` name: table `[…, rows, …]`, indices int32 or uint8 of any
 * shape S → `[…, S, …]`, the table's dtype. An index outside the table gives zeros.
 *
 * @param axis default 0
 */
export function gather(table: Tensor, indices: Tensor, axis = 0): Tensor {
  checkTensor('gather', table);
  checkDtype('gather', indices, 'int32', 'uint8');
  const along = normalizeAxis('gather', axis, table.shape);
  const before = table.shape.slice(0, along);
  const after = table.shape.slice(along + 1);
  const shape: Shape = [sizeOf(before), at(table.shape, along), sizeOf(after)];
  const flat = reshape(cast(indices, 'int32'), [indices.size]);
  const rows = node(gatherOp, [reshape(table, shape), flat], null, {
    shape: [at(shape, 0), indices.size, at(shape, 2)],
    dtype: table.dtype,
  });
  return reshape(rows, [...before, ...indices.shape, ...after]);
}

/**
 * 1 at the class and 0 elsewhere: class numbers of shape S → float32 `[…S, depth]`. A number outside 0 … depth − 1
 * gives all zeros.
 */
export function oneHot(indices: Tensor, depth: number): Tensor {
  checkDtype('oneHot', indices, 'int32', 'uint8');
  if (!Number.isInteger(depth) || depth < 1) {
    throw new ShapeError(`oneHot: depth must be an integer ≥ 1: ${depth}: ${describe(indices)}`);
  }
  const classes = constant(Int32Array.from({ length: depth }, (_, i) => i));
  return equal(expandDims(cast(indices, 'int32'), -1), classes);
}
