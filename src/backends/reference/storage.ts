import type { Storage } from '../../../kernels/reference.js';
import { allocateHost, bytesOf, type Dtype, type HostArray } from '../../core/dtype.js';

/** How float32 tensors are stored: as they are, or exactly, for tight gradient checks. */
export type Precision = 'float32' | 'float64';

/** Bytes that storage takes for one byte of a plan. All offsets are scaled alike, so slots overlap as planned. */
export const scaleOf: Readonly<Record<Precision, number>> = { float32: 1, float64: 2 };

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const;

/** `size` elements at `offset`, a byte offset as plans count them. */
export function storageAt(
  buffer: ArrayBuffer,
  { offset, dtype, size, precision }: { offset: number; dtype: Dtype; size: number; precision: Precision },
): Storage {
  const type = dtype === 'float32' ? precision : dtype;
  return new constructors[type](buffer, offset * scaleOf[precision], size);
}

/** Zero-filled storage of its own. */
export function allocateStorage(dtype: Dtype, size: number, precision: Precision): Storage {
  return storageAt(new ArrayBuffer(size * bytesOf[dtype] * scaleOf[precision]), {
    offset: 0,
    dtype,
    size,
    precision,
  });
}

/** The host's array itself where the types agree, else a copy. */
export function storageOf(value: HostArray, precision: Precision): Storage {
  return value instanceof Float32Array && precision === 'float64' ? Float64Array.from(value) : value;
}

/** A fresh copy for the host. */
export function copyToHost(storage: Storage, dtype: Dtype): HostArray {
  const host = allocateHost(dtype, storage.length);
  host.set(storage);
  return host;
}
