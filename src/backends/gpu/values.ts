/** Between typed arrays of the host and the float32 buffers that gpu.js kernels read and write. */
import { exactIntegers } from '../../../kernels/toolkit/gpu/kernel.js';
import { forEachElement } from '../../../kernels/toolkit/reference/strided.js';
import { allocateHost, type Dtype, type HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import type { View } from '../../core/view.js';

/**
 * A float32 copy. Throws a BackendError where an int32 lies beyond ±2^24, from where float32 skips integers; `name`
 * tells whose value it is.
 */
export function toBuffer(name: string, values: HostArray): Float32Array {
  if (values instanceof Int32Array && values.some((value) => Math.abs(value) > exactIntegers)) {
    throw new BackendError(`gpu: ${name} has int32 values beyond ±${exactIntegers}`, {
      hint: 'Every number of gpu.js is a float32, which holds integers exactly only up to 2^24.',
    });
  }
  return Float32Array.from(values);
}

/** The elements of a view on a buffer, row-major, in a new array of `dtype`. */
export function toHost(buffer: Float32Array, dtype: Dtype, view: View): HostArray {
  const result = allocateHost(dtype, sizeOf(view.shape));
  // The float32 next to the largest int32 is 2^31, which would wrap around.
  const largest = dtype === 'int32' ? 0x7fffffff : Infinity;
  forEachElement(view.shape, [{ stride: view.strides, offset: view.offset }], (index, [at]) => {
    result[index] = Math.min(buffer[at!]!, largest);
  });
  return result;
}
