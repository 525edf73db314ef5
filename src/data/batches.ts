import { checkInteger } from '../core/check.js';
import { randomBits, randomKey } from '../core/random.js';

/** One more than the largest value of `randomBits`, and so the most items that it can tell apart. */
const bitsRange = 2 ** 24;

/**
 * A random order of `count` things: the numbers from 0 to count - 1, each once. Every order is equally likely as far
 * as the generator is even (Fisher-Yates, the bits that would favor small indices drawn again), and only integers are
 * used: the same arguments give the same order on every machine and engine.
 *
 * @param epoch which of the orders of this seed: usually the number of the epoch, or the name of another purpose.
 *
 * Throws UsageError when `count` is not a whole number from 0 to 2^24, or the seed is none (see `randomKey`).
 */
export function permutation(count: number, seed: number, epoch: number | string = 0): Int32Array {
  checkInteger('permutation: count', count, 0, bitsRange);
  const key = randomKey(seed, 'permutation', epoch);
  // not Int32Array.from with a function, which takes ten times as long
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  for (let i = count - 1; i > 0; i--) {
    const choices = i + 1;
    // The largest multiple of `choices` within reach; what lies above it is drawn again.
    const fair = bitsRange - (bitsRange % choices);
    let attempt = 0;
    let bits = randomBits(i, key, attempt);
    while (bits >= fair) bits = randomBits(i, key, ++attempt);
    const j = bits % choices;
    const moved = order[i]!;
    order[i] = order[j]!;
    order[j] = moved;
  }
  return order;
}

/**
 * Cuts an order into batches; the last holds what is left and may be smaller. The batches are views of `order`.
 *
 * Throws UsageError unless the batch size is a whole number of at least 1.
 */
export function* batches(order: Int32Array, batchSize: number): Generator<Int32Array, void, undefined> {
  checkInteger('batches: batchSize', batchSize);
  for (let start = 0; start < order.length; start += batchSize) {
    yield order.subarray(start, start + batchSize);
  }
}
