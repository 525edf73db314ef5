/** Four elements between memory and a vector of their compute type, whatever the dtype, the stride and the count. */
import { bytesOf, type Dtype } from '../../core/dtype.js';
import type { ComputeType } from '../../core/expression.js';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i8x16,
  i16x8,
  i32,
  i32x4,
  type V128,
  v128,
} from './assembler.js';

/** Bytes to 32-bit lanes. */
function widen(bytes: V128): V128 {
  return i32x4.extendLowI16x8U(i16x8.extendLowI8x16U(bytes));
}

/** Which elements behind an address are meant. */
interface Elements {
  /** The first ones, and no others. Default 4. */
  readonly lanes?: number;
  /** From the address to the first, in bytes, of any sign. Default 0. */
  readonly offset?: number;
}

/**
 * Elements at address + offset + lane · stride as 32-bit lanes: float32 and int32 as they are, uint8 widened. `stride`
 * counts elements, default 1; 0 fills every lane. The rest of the lanes are 0.
 */
export function loadVector(
  dtype: Dtype,
  address: I32,
  { stride = 1, lanes = 4, offset = 0 }: Elements & { readonly stride?: number } = {},
): V128 {
  const size = bytesOf[dtype];
  // An immediate cannot be negative, as the offsets of a backward view are.
  const at = (lane: number): [I32, number] => {
    const constant = offset + lane * stride * size;
    return constant < 0 ? [i32.add(address, constant), 0] : [address, constant];
  };
  if (size === 1) {
    if (stride === 0) return widen(v128.load8Splat(...at(0)));
    if (stride === 1 && lanes % 4 === 0) return widen(v128.loadLanes(at(0)[0], lanes / 4, at(0)[1]));
    let bytes: V128 = i32x4.const(0);
    for (let lane = 0; lane < lanes; lane++) bytes = v128.load8Lane(at(lane)[0], bytes, lane, at(lane)[1]);
    return widen(bytes);
  }
  if (stride === 0) return v128.load32Splat(...at(0));
  if (stride === 1) return v128.loadLanes(at(0)[0], lanes, at(0)[1]);
  if (lanes > 4) return v128.gather(address, { lanes, stride: stride * size, offset });
  let value = v128.load32Zero(...at(0));
  for (let lane = 1; lane < lanes; lane++) value = v128.load32Lane(at(lane)[0], value, lane, at(lane)[1]);
  return value;
}

/** A vector of compute type `from` as one of compute type `to`. */
export function convertVector(value: V128, from: ComputeType, to: ComputeType): V128 {
  if (from === to) return value;
  return to === 'float32' ? f32x4.convertI32x4S(value) : i32x4.truncSatF32x4S(value);
}

/**
 * Stores lanes as consecutive elements; uint8 takes the low byte of an int32. The value's compute type is that of the
 * dtype.
 */
export function storeVector(
  f: FunctionBuilder,
  dtype: Dtype,
  value: V128,
  { address, lanes = 4, offset = 0 }: Elements & { readonly address: I32 },
): void {
  if (dtype !== 'uint8') {
    f.storeLanes(address, value, lanes, offset);
  } else if (f.lanes > 4) {
    f.storeBytes(address, value, lanes, offset);
  } else if (lanes === 4) {
    const low = i8x16.shuffle(value, value, [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12]);
    f.storeLane(address, low, { lane: 0, bits: 32, offset });
  } else {
    const kept = f.let(value);
    for (let lane = 0; lane < lanes; lane++)
      f.storeLane(address, kept, { lane: 4 * lane, bits: 8, offset: offset + lane });
  }
}

/** The numbers of the lanes, as many as the widest vectors have. */
export const allLanes = Array.from({ length: 16 }, (_, lane) => lane);

/** Mask of the first `lanes` lanes. */
export function laneMask(lanes: number): V128 {
  const bits = (lane: number) => (lane < lanes ? -1 : 0);
  return i32x4.constLanes(...allLanes.map(bits));
}

/** first, first + 1, first + 2, first + 3, … */
export function countingLanes(first: I32): V128 {
  return i32x4.add(i32x4.splat(first), i32x4.constLanes(...allLanes));
}
