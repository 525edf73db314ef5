/** Element types. uint8 is for storage (pixels, small indices): cast it before arithmetic. */
export type Dtype = 'float32' | 'int32' | 'uint8';

/** Arrays as they pass between the host and a backend. */
export type HostArray = Float32Array | Int32Array | Uint8Array;

/** Bytes of one element. */
export const bytesOf: Readonly<Record<Dtype, number>> = { float32: 4, int32: 4, uint8: 1 };

const constructors = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;

/** A zero-filled array of `size` elements. */
export function allocateHost(dtype: Dtype, size: number): HostArray {
  return new constructors[dtype](size);
}

/** The dtype of a typed array, or undefined for any other value. */
export function dtypeOf(value: unknown): Dtype | undefined {
  if (value instanceof Float32Array) return 'float32';
  if (value instanceof Int32Array) return 'int32';
  if (value instanceof Uint8Array) return 'uint8';
  return undefined;
}
