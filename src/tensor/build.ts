/** The few pieces that every op file builds its nodes with. */
import { allocateHost, checkHolds, type Dtype } from '../core/dtype.js';
import { DtypeError } from '../core/errors.js';
import { formatShape } from '../core/shape.js';
import type { Op } from './op.js';
import { Leaf, Tensor, type TensorLike, type TensorType } from './tensor.js';

/** Makes a node. Shapes and dtypes are checked by the caller, who knows what to say about them. */
export function node<A>(op: Op<A>, inputs: readonly Tensor[], attributes: A, type: TensorType): Tensor<A> {
  return new Tensor(op, inputs, attributes, type);
}

/** `[784, 10] (layers.0.weights)`: the shape, and the path where the tensor is a leaf that has one. */
export function describe(tensor: Tensor): string {
  return tensor instanceof Leaf && tensor.kind !== 'constant'
    ? `${formatShape(tensor.shape)} (${tensor.name})`
    : formatShape(tensor.shape);
}

/** A scalar constant leaf. Throws a DtypeError, naming `what`, for a number that the dtype does not hold. */
export function scalar(value: number, dtype: Dtype = 'float32', what = 'constant'): Leaf {
  checkHolds(what, value, dtype);
  return new Leaf('constant', String(value), { shape: [], dtype }, () => {
    const data = allocateHost(dtype, 1);
    data[0] = value;
    return data;
  });
}

/** Numbers become scalars of `like`'s dtype. Throws a DtypeError, naming `what`, for one that the dtype does not hold. */
export function toTensor(what: string, value: TensorLike, like: Tensor): Tensor {
  return typeof value === 'number' ? scalar(value, like.dtype, what) : value;
}

/** Throws a DtypeError unless the tensor has one of the dtypes. */
export function checkDtype(what: string, tensor: Tensor, ...allowed: readonly Dtype[]): void {
  if (allowed.includes(tensor.dtype)) return;
  throw new DtypeError(`${what}: takes ${allowed.join(' or ')}, not ${tensor.dtype}: ${describe(tensor)}`, {
    hint: `cast(x, '${allowed[0]}') converts.`,
  });
}
