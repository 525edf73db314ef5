/** How rows of the kernel case table are written. */
import type { Epilogue, KernelCall } from '../../../kernels/contract.js';
import type { KernelKind, Specifications } from '../../../kernels/kinds.js';
import { allocateHost, type Dtype, type HostArray } from '../../../src/core/dtype.js';
import type { Expression } from '../../../src/core/expression.js';
import { hasRandom } from '../../../src/core/expression.js';
import { randomKey, randomUniform } from '../../../src/core/random.js';
import { rowMajorStrides, type Shape, sizeOf } from '../../../src/core/shape.js';
import {
  broadcastView,
  contiguousView,
  sliceView,
  transposeView,
  type View,
} from '../../../src/core/view.js';
import type { Tolerance } from './compare.js';

/** The value of element `index` of a buffer; `key` differs from operand to operand. */
export type Fill = (index: number, key: number) => number;

/** An input: a view on a buffer of `size` elements. */
export interface CaseOperand {
  readonly dtype: Dtype;
  readonly size: number;
  readonly view: View;
  readonly fill: Fill;
}

export interface CaseOf<K extends KernelKind> {
  readonly kind: K;
  /** Unique among all cases, and stable: the data are seeded with it. */
  readonly name: string;
  readonly call: KernelCall<Specifications[K]>;
  readonly operands: readonly CaseOperand[];
  /** For float32 outputs; integers are compared exactly. */
  readonly tolerance: Tolerance;
  /** NaN or infinities occur, or numbers at the ends of the range: not every gpu holds them. */
  readonly extreme: boolean;
  /** An expression makes random numbers itself. */
  readonly random: boolean;
  /** Pairs of output and input that are the same memory. */
  readonly inPlace: readonly (readonly [output: number, input: number])[];
}

/** A row of the table, whatever its kind. */
export type KernelCase = { [K in KernelKind]: CaseOf<K> }[KernelKind];

interface CaseOptions {
  readonly tolerance?: Tolerance;
  readonly extreme?: boolean;
  readonly inPlace?: CaseOf<'map'>['inPlace'];
}

const exact: Tolerance = { absolute: 0, relative: 0 };

/** Makes a row; the layouts of the call follow from the operands. Outputs are float32 unless said otherwise. */
export function defineCase<K extends KernelKind>(
  kind: K,
  name: string,
  specification: Specifications[K],
  operands: readonly CaseOperand[],
  outputs: readonly (Shape | { readonly dtype: Dtype; readonly shape: Shape })[],
  options: CaseOptions = {},
): CaseOf<K> {
  return {
    kind,
    name: `${kind}: ${name}`,
    call: {
      specification,
      inputs: operands.map(({ dtype, view: { shape, strides } }) => ({ dtype, shape, strides })),
      outputs: outputs.map((output) => {
        const { dtype, shape } = 'dtype' in output ? output : { dtype: 'float32' as const, shape: output };
        return { dtype, shape, strides: rowMajorStrides(shape) };
      }),
    },
    operands,
    tolerance: options.tolerance ?? exact,
    extreme: options.extreme ?? false,
    random: expressionsOf(specification).some(hasRandom),
    inPlace: options.inPlace ?? [],
  };
}

/** All expressions of a specification. */
export function expressionsOf(specification: Specifications[KernelKind]): Expression[] {
  const parts = specification as {
    expressions?: readonly Expression[];
    prologue?: Expression;
    epilogue?: Epilogue | undefined;
    pool?: { prologue?: Epilogue | undefined };
  };
  const { expressions = [], prologue, epilogue, pool } = parts;
  const behind = [pool?.prologue, epilogue].flatMap((part) => part?.expression ?? []);
  return [...expressions, ...(prologue ? [prologue] : []), ...behind];
}

/** Rounding of a sum of that many products of numbers of about 1 in float32, whatever the order. */
export function sumTolerance(terms: number): Tolerance {
  return { absolute: 1e-6 + 1e-7 * terms, relative: 1e-6 };
}

/** Uniform in (low, high). */
export function uniform(low: number, high: number): Fill {
  return (index, key) => low + (high - low) * randomUniform(index, key, 0);
}

/** Uniform whole numbers from low to high, both included. */
export function integers(low: number, high: number): Fill {
  return (index, key) => Math.floor(low + (high - low + 1) * randomUniform(index, key, 0));
}

/** Uniform multiples of 1/4, so that equal numbers meet. */
export function quarters(low: number, high: number): Fill {
  const whole = integers(low * 4, high * 4);
  return (index, key) => whole(index, key) / 4;
}

/** These numbers over and over. */
export function listed(values: readonly number[]): Fill {
  return (index) => values[index % values.length]!;
}

/** A whole row-major buffer, by default float32 in (−1, 1), int32 from −50 to 50, uint8 from 0 to 255. */
export function dense(shape: Shape, dtype: Dtype = 'float32', fill: Fill = usual[dtype]): CaseOperand {
  return { dtype, size: sizeOf(shape), view: contiguousView(shape), fill };
}

const usual: Readonly<Record<Dtype, Fill>> = {
  float32: uniform(-1, 1),
  int32: integers(-50, 50),
  uint8: integers(0, 255),
};

/** Axis i of the result is axis `permutation[i]` of the operand. */
export function transposed(operand: CaseOperand, permutation: readonly number[]): CaseOperand {
  return { ...operand, view: transposeView(operand.view, permutation) };
}

/** `shape` elements from `start`, every `step`-th. */
export function sliced(
  operand: CaseOperand,
  start: readonly number[],
  step: readonly number[],
  shape: Shape,
): CaseOperand {
  return { ...operand, view: sliceView(operand.view, start, step, shape) };
}

export function stretched(operand: CaseOperand, shape: Shape): CaseOperand {
  return { ...operand, view: broadcastView(operand.view, shape) };
}

/** Calls `visit` with the buffer index of every element of the view, in row-major order. */
export function forEachIndex(
  { shape, strides, offset }: View,
  visit: (index: number) => void,
  axis = 0,
): void {
  if (axis === shape.length) {
    visit(offset);
    return;
  }
  for (let i = 0; i < shape[axis]!; i++) {
    forEachIndex({ shape, strides, offset: offset + i * strides[axis]! }, visit, axis + 1);
  }
}

/**
 * The buffer of each operand of a case: numbers where its view looks, NaN (integers: 0x7f7f7f7f or 127) where it does
 * not, so that a read outside the view shows.
 */
export function buffersOf({ name, operands }: KernelCase): HostArray[] {
  return operands.map(({ dtype, size, view, fill }, operand) => {
    const buffer = allocateHost(dtype, size);
    buffer.fill(dtype === 'float32' ? Number.NaN : dtype === 'int32' ? 0x7f7f7f7f : 0x7f);
    const key = randomKey(1, name, operand);
    forEachIndex(view, (index) => {
      buffer[index] = fill(index, key);
    });
    return buffer;
  });
}
