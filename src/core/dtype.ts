import { DtypeError } from './errors.js';

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

/** The values of a float32 array, such as the data of what an engine has read. Throws a DtypeError for any other. */
export function float32Of(data: unknown): Float32Array {
  if (data instanceof Float32Array) return data;
  throw new DtypeError(`float32 values are needed: ${dtypeOf(data) ?? typeof data}`);
}

const ranges = { int32: [-(2 ** 31), 2 ** 31 - 1], uint8: [0, 255] } as const;

/** Throws a DtypeError, with what to write instead, unless the dtype holds the number as it is. */
export function checkHolds(what: string, value: number, dtype: Dtype): void {
  if (dtype === 'float32') return;
  const [low, high] = ranges[dtype];
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new DtypeError(`${what}: ${value} is no ${dtype}`, {
    hint: `${dtype} holds whole numbers from ${low} to ${high}; cast(x, 'float32') computes with others, and dtype 'float32' stores them.`,
  });
}

/** The nearest that an integer dtype has to an infinity, for where only order counts; other numbers as they are. */
export function saturated(value: number, dtype: Dtype): number {
  if (dtype === 'float32' || Math.abs(value) !== Infinity) return value;
  return ranges[dtype][value > 0 ? 1 : 0];
}
