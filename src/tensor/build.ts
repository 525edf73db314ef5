/** The few pieces that every op file builds its nodes with. */
import { wrongKind } from '../core/check.js';
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

/** Throws a UsageError for what is no tensor, such as a number where none is taken. */
export function checkTensor(what: string, value: unknown): void {
  if (value instanceof Tensor) return;
  const numeric = typeof value === 'number' || Array.isArray(value) || ArrayBuffer.isView(value);
  const hint = numeric ? 'leaves.constant(…) makes a tensor of a number or a typed array.' : undefined;
  throw wrongKind(`${what}: an operand`, 'a tensor', value, hint);
}

/** Numbers become scalars of `like`'s dtype, float32 where there is none. Throws a DtypeError, naming `what`, for one that the dtype does not hold. */
export function toTensor(what: string, value: TensorLike, like?: Tensor): Tensor {
  if (typeof value === 'number') return scalar(value, like?.dtype, what);
  if (value instanceof Tensor) return value;
  throw wrongKind(`${what}: an operand`, 'a tensor or a number', value);
}

/** Throws a DtypeError unless the tensor has one of the dtypes. */
export function checkDtype(what: string, tensor: Tensor, ...allowed: readonly Dtype[]): void {
  checkTensor(what, tensor);
  if (allowed.includes(tensor.dtype)) return;
  throw new DtypeError(`${what}: takes ${allowed.join(' or ')}, not ${tensor.dtype}: ${describe(tensor)}`, {
    hint: `cast(x, '${allowed[0]}') converts.`,
  });
}
