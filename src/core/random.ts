import { UsageError } from './errors.js';

/**
 * Counter-based random numbers: a number is a pure function of (counter, key, step), with no state that moves, so any
 * thread can make any of them in any order and get the same bits. This file is the definition: every backend that
 * makes random numbers copies these few integer operations, and nothing here depends on the host's `Math`.
 */

// 2^32 / golden ratio, odd: successive multiples are spread evenly over 32 bits.
const golden = 0x9e3779b9;

/**
 * A bijection of 32-bit integers in which every input bit flips every output bit with a probability close to 1/2.
 * Two rounds of xor-shift and multiply; form and search by Chris Wellons (hash-prospector, "lowbias32"), constants
 * found with it by TheIronBorn. The result is an unsigned 32-bit integer.
 */
export function mix32(value: number): number {
  let x = value;
  x ^= x >>> 16;
  x = Math.imul(x, 0x21f0aaad);
  x ^= x >>> 15;
  x = Math.imul(x, 0x735a2d97);
  x ^= x >>> 15;
  return x >>> 0;
}

/**
 * 24 random bits, an integer in [0, 2^24). All three arguments count modulo 2^32.
 *
 *     h = mix32(counter xor key)
 *     h = mix32(h + step · 0x9e3779b9 + key)
 *     bits = h >>> 8
 */
export function randomBits(counter: number, key: number, step: number): number {
  const h = mix32(counter ^ key);
  return mix32((h + Math.imul(step, golden) + key) | 0) >>> 8;
}

/**
 * A uniform number strictly between 0 and 1: `(bits | 1) / 2^24`, the odd multiples of 2^-24.
 *
 * An odd integer below 2^24 fits the 24-bit significand of a float32, so the value is the same in every precision;
 * the centers of all 2^24 cells, (bits + 1/2) / 2^24, would need 25 bits and round up to 1 at the top.
 */
export function randomUniform(counter: number, key: number, step: number): number {
  return (randomBits(counter, key, step) | 1) / 0x1000000;
}

/** Takes one more 32-bit word into a key. */
function fold(key: number, word: number): number {
  return mix32((key + golden) ^ word);
}

function foldInteger(key: number, integer: number, what: string): number {
  if (!Number.isSafeInteger(integer) || integer < 0) {
    throw new UsageError(`randomKey: ${what} must be a whole number from 0 to 2^53 - 1: ${integer}`);
  }
  return fold(fold(key, integer % 0x100000000), Math.floor(integer / 0x100000000));
}

// FNV-1a, 32 bits, over the bytes of the string in UTF-8 (Fowler, Noll, Vo).
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return mix32(hash);
}

/**
 * The 32-bit key of one purpose: `randomKey(seed, 'dropout', 'layers.3', epoch)`. Different seeds or paths give
 * unrelated keys; 1 and '1' differ, and so do ['ab', 'c'] and ['a', 'bc'].
 *
 * Throws UsageError for a seed or a number that is not a whole number from 0 to 2^53 - 1.
 */
export function randomKey(seed: number, ...path: readonly (string | number)[]): number {
  let key = foldInteger(0, seed, 'the seed');
  for (const part of path) {
    key =
      typeof part === 'string' ? fold(key, hashText(part)) : foldInteger(key, part, 'a number of the path');
  }
  return key;
}
