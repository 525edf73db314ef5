import ndarray from 'ndarray';
import type { KernelCall } from '../../kernels/contract.js';
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import { type ReferenceKernel, referenceKernels } from '../../kernels/reference.js';
import type { Dtype } from '../../src/core/dtype.js';
import { rowMajorStrides, type Shape, sizeOf } from '../../src/core/shape.js';

/** An array written out in a test, row-major unless strides and offset say otherwise; float32 is stored exactly. */
export interface Written {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  readonly dtype?: Dtype;
  readonly strides?: readonly number[];
  readonly offset?: number;
}

const constructors = { float32: Float64Array, int32: Int32Array, uint8: Uint8Array } as const;

/** Runs a reference kernel on written arrays; the outputs as plain lists. */
export function runKernel<K extends KernelKind>(
  kind: K,
  specification: Specifications[K],
  inputs: readonly Written[],
  outputs: readonly { readonly shape: Shape; readonly dtype?: Dtype }[],
): number[][] {
  const operands = inputs.map(
    ({ shape, data, dtype = 'float32', strides = rowMajorStrides(shape), offset = 0 }) => ({
      layout: { dtype, shape, strides },
      array: ndarray(constructors[dtype].from(data), [...shape], [...strides], offset),
    }),
  );
  const results = outputs.map(({ shape, dtype = 'float32' }) => ({
    layout: { dtype, shape, strides: rowMajorStrides(shape) },
    array: ndarray(new constructors[dtype](sizeOf(shape)), [...shape]),
  }));
  const call: KernelCall<Specifications[K]> = {
    specification,
    inputs: operands.map(({ layout }) => layout),
    outputs: results.map(({ layout }) => layout),
  };
  const kernel = referenceKernels[kind] as ReferenceKernel<Specifications[K]>;
  kernel(
    call,
    operands.map(({ array }) => array),
    results.map(({ array }) => array),
  );
  return results.map(({ array }) => [...array.data]);
}

/** Σ aᵢ bᵢ */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
