/** Operands that are made up: to measure kernels, and to compare what they give. */
import type { Layout } from '../../../kernels/contract.js';
import type { HostArray } from '../../core/dtype.js';
import { sizeOf } from '../../core/shape.js';

/** Elements from the first that an operand reads to the last; its strides are not negative in these kinds. */
export function extentOf({ shape, strides }: Layout): number {
  if (sizeOf(shape) === 0) return 0;
  return shape.reduce((last, size, axis) => last + (size - 1) * Math.abs(strides[axis]!), 1);
}

/** Numbers between 0 and 1 without a pattern; integers are 0, an index that is always good. */
export function fill(values: HostArray): void {
  if (!(values instanceof Float32Array)) return;
  // xorshift32 (Marsaglia 2003)
  let x = 2463534242;
  for (let i = 0; i < values.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    values[i] = (x >>> 8) / 2 ** 24;
  }
}
