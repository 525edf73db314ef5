/** Shuffles of two vectors of 128 bits. */
import { BackendError } from '../../core/errors.js';
import type { Expression } from '../wasm/expressions.js';
import { codes } from './codes.js';
import type { Vectors } from './vectors.js';

/** The 32-bit lanes that a shuffle of bytes picks, if it picks whole ones. */
function wordsOf(bytes: readonly number[]): number[] | undefined {
  const words = [0, 4, 8, 12].map((at) => bytes[at]! / 4);
  return bytes.every((byte, at) => byte === 4 * words[at >> 2]! + (at & 3)) ? words : undefined;
}

export function shuffle(v: Vectors, e: Expression, register: number): void {
  if (v.frame.width !== 16) throw new BackendError('x64: a shuffle has vectors of 128 bits');
  const [a, b] = [v.value(e.operands[0]!), v.value(e.operands[1]!)];
  const words = wordsOf(e.immediates);
  const pattern = words?.join();
  const two = words?.map((word) => word & 3).reduce((bits, word, at) => bits | (word << (2 * at)), 0);
  if (pattern === '0,4,1,5') v.emit(codes.interleaveLow, [register, a, b]);
  else if (pattern === '2,6,3,7') v.emit(codes.interleaveHigh, [register, a, b]);
  else if (words?.every((word) => word < 4))
    v.emit(codes.shuffleWords, [register, 0, a], { immediate: two! });
  else if (words && words[0]! < 4 && words[1]! < 4 && words[2]! > 3 && words[3]! > 3)
    v.emit(codes.shuffleFloats, [register, a, b], { immediate: two! });
  else {
    // bytes of one, zeros elsewhere, joined with bytes of the other
    const masks = [0, 16].map((first) => {
      const picked = e.immediates.map((byte) => (byte >= first && byte < first + 16 ? byte - first : 0x80));
      const view = new DataView(Uint8Array.from(picked).buffer);
      return v.frame.pool.vector(
        [0, 4, 8, 12].map((at) => view.getInt32(at, true)),
        16,
      );
    });
    const other = v.frame.vectors.take();
    v.emit(codes.shuffleBytes, [other, b, masks[1]!]);
    v.emit(codes.shuffleBytes, [register, a, masks[0]!]);
    v.emit(codes.or, [register, register, other]);
    v.give(other);
  }
  for (const from of [a, b]) if (from !== register) v.give(from);
}
