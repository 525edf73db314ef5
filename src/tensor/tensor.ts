/**
 * A Tensor is a node of a graph: op, inputs, attributes, shape, dtype. It holds no numbers. Ops build nodes, a plan
 * turns the nodes of one step into kernel calls, an engine runs it.
 *
 * The methods below are the functions of ops/, for writing chains. The imports form a cycle with those files, which
 * is harmless: nothing of it is called while modules load.
 */
import type { Dtype, HostArray } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import { inspect } from '../core/format.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';
import type { Op } from './op.js';
import { matmul } from './ops/matmul.js';
import {
  abs,
  add,
  cast,
  divide,
  equal,
  exp,
  greater,
  less,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  power,
  relu,
  sigmoid,
  sqrt,
  square,
  subtract,
  tanh,
} from './ops/pointwise.js';
import { type Axes, argMax, max, mean, sum } from './ops/reduce.js';
import { broadcastTo, expandDims, reshape, slice, squeeze, transpose } from './ops/views.js';

/** An operand of an op: a number becomes a scalar of the other operand's dtype. */
export type TensorLike = Tensor | number;

/** The shape and dtype of a value. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

let nextId = 0;

/**
 * A value of a known shape (`[]` is a scalar) and dtype that some op will give. Immutable; made by ops and leaves, not by
 * `new`. Methods are the ops of the same names: they broadcast as those do and throw the same errors at once.
 */
export class Tensor<Attributes = unknown> {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** Ascends with creation, so inputs always have smaller ids than the nodes that use them. */
  readonly id = nextId++;

  constructor(
    readonly op: Op<Attributes>,
    readonly inputs: readonly Tensor[],
    readonly attributes: Attributes,
    { shape, dtype }: TensorType,
  ) {
    this.shape = shape;
    this.dtype = dtype;
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  toString(): string {
    return `${this.op.name} ${this.dtype}${formatShape(this.shape)}`;
  }

  /** A line, as `console.log` shows it: `Tensor(relu float32[2, 3])`. */
  [inspect](): string {
    return `Tensor(${this})`;
  }

  add(other: TensorLike): Tensor {
    return add(this, other);
  }
  subtract(other: TensorLike): Tensor {
    return subtract(this, other);
  }
  multiply(other: TensorLike): Tensor {
    return multiply(this, other);
  }
  divide(other: TensorLike): Tensor {
    return divide(this, other);
  }
  power(exponent: TensorLike): Tensor {
    return power(this, exponent);
  }
  maximum(other: TensorLike): Tensor {
    return maximum(this, other);
  }
  minimum(other: TensorLike): Tensor {
    return minimum(this, other);
  }
  equal(other: TensorLike): Tensor {
    return equal(this, other);
  }
  less(other: TensorLike): Tensor {
    return less(this, other);
  }
  greater(other: TensorLike): Tensor {
    return greater(this, other);
  }
  negate(): Tensor {
    return negate(this);
  }
  abs(): Tensor {
    return abs(this);
  }
  exp(): Tensor {
    return exp(this);
  }
  log(): Tensor {
    return log(this);
  }
  sqrt(): Tensor {
    return sqrt(this);
  }
  square(): Tensor {
    return square(this);
  }
  relu(): Tensor {
    return relu(this);
  }
  sigmoid(): Tensor {
    return sigmoid(this);
  }
  tanh(): Tensor {
    return tanh(this);
  }
  cast(dtype: Dtype): Tensor {
    return cast(this, dtype);
  }
  matmul(other: Tensor): Tensor {
    return matmul(this, other);
  }
  sum(axes?: Axes, keepDims?: boolean): Tensor {
    return sum(this, axes, keepDims);
  }
  mean(axes?: Axes, keepDims?: boolean): Tensor {
    return mean(this, axes, keepDims);
  }
  max(axes?: Axes, keepDims?: boolean): Tensor {
    return max(this, axes, keepDims);
  }
  argMax(axes?: Axes, keepDims?: boolean): Tensor {
    return argMax(this, axes, keepDims);
  }
  reshape(shape: Shape): Tensor {
    return reshape(this, shape);
  }
  transpose(permutation?: readonly number[]): Tensor {
    return transpose(this, permutation);
  }
  slice(start: readonly number[], end?: readonly number[], step?: readonly number[]): Tensor {
    return slice(this, start, end, step);
  }
  broadcastTo(shape: Shape): Tensor {
    return broadcastTo(this, shape);
  }
  expandDims(axis: number): Tensor {
    return expandDims(this, axis);
  }
  squeeze(axes?: Axes): Tensor {
    return squeeze(this, axes);
  }
}

/**
 * Where a leaf's value comes from: 'input' is fed at every step; 'parameter' (trainable) and 'state' (any other:
 * moments, running statistics, a step counter, a dataset) live in the engine and can be updated; 'constant' never
 * changes.
 */
export type LeafKind = 'input' | 'parameter' | 'state' | 'constant';

const leafOp: Op<null> = {
  name: 'leaf',
  backward: () => [],
  lower: () => ({ type: 'leaf' }),
};

/** A tensor that no op computes. An engine keeps one resident per leaf, by identity. */
export class Leaf extends Tensor<null> {
  constructor(
    readonly kind: LeafKind,
    /** The path by which errors, reports and model files name it, such as `layers.2.filter`. */
    readonly name: string,
    type: TensorType,
    private readonly makeInitial: () => HostArray,
  ) {
    super(leafOp, [], null, type);
  }

  /**
   * The initial value, row-major, to be read: it may be the array that was given. Throws a ShapeError unless its size is the
   * shape's.
   */
  initial(): HostArray {
    const value = this.makeInitial();
    if (value.length !== this.size) {
      throw new ShapeError(
        `${this.name}: the initial value has ${value.length} elements, the shape ${formatShape(this.shape)} ${this.size}`,
      );
    }
    return value;
  }

  override toString(): string {
    return `${this.kind} ${this.name} ${this.dtype}${formatShape(this.shape)}`;
  }
}
