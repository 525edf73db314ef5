/** The largest of several vectors and where it stood, lane by lane: what a max pool does with the pixels of a window. */

import type { Dtype } from '../../src/core/dtype.js';
import { at } from '../../src/core/lists.js';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { selectLanes } from '../../src/writers/wasm/simdMath.js';

/** The largest pixels of a part of the window and their positions, lane by lane. */
interface Candidate {
  readonly value: V128;
  readonly position: V128;
  /** The position where it is the same in all lanes. */
  readonly constant?: number;
}

/** A single pixel. */
export function candidate(value: V128, position: number): Candidate {
  return { value, position: i32x4.const(position), constant: position };
}

/** Mask of the lanes where `later` wins over `earlier`: it is larger, or the first NaN. */
export function beats(later: V128, earlier: V128): V128 {
  return v128.andnot(f32x4.eq(earlier, earlier), f32x4.le(later, earlier));
}

/** Compares halves: fewer steps depend on each other than in a row, and constants meet constants. */
export function treeMaximum(f: FunctionBuilder, pixels: readonly Candidate[]): Candidate {
  if (pixels.length === 1) return at(pixels, 0);
  const half = Math.ceil(pixels.length / 2);
  const [earlier, later] = [treeMaximum(f, pixels.slice(0, half)), treeMaximum(f, pixels.slice(half))];
  const mask = f.let(beats(later.value, earlier.value));
  const neighbors = earlier.constant !== undefined && later.constant === earlier.constant + 1;
  return {
    value: f.let(selectLanes(f, later.value, earlier.value, mask)),
    // a mask is −1 as a number
    position: f.let(
      neighbors ? i32x4.sub(earlier.position, mask) : selectLanes(f, later.position, earlier.position, mask),
    ),
  };
}

/** Turns a byte offset for 4-byte elements into one of the indices, which may be bytes. */
export function indexOffset(dtype: Dtype, base: I32, constant: number): [I32, number] {
  return dtype === 'uint8' ? [i32.shrU(base, i32.const(2)), constant / 4] : [base, constant];
}
