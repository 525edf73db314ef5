import { randomBits, randomKey, randomUniform } from '../../core/random.js';

/**
 * The purposes of random numbers. A purpose has its own counter, so what one transform draws never depends on which
 * others there are.
 */
export const counters = {
  shiftX: 0,
  shiftY: 1,
  rotate: 2,
  scale: 3,
  shear: 4,
  flip: 5,
  cropX: 6,
  cropY: 7,
  cutoutX: 8,
  cutoutY: 9,
  erase: 10,
  /** Four for each attempt to place the rectangle. */
  erasePlace: 16,
  /** One for each pixel. */
  elastic: 0x1000000,
  /** One for each byte that is erased. */
  erasePixels: 0x40000000,
} as const;

/** The key of all numbers of an epoch; the sample is the step below it. */
export function epochKey(seed: number, epoch: number): number {
  return randomKey(seed, 'augmentation', epoch);
}

/** The draws for one sample: pure functions of a counter. */
export class Draws {
  constructor(
    /** Of the epoch (`epochKey`). */
    readonly key: number,
    readonly sample: number,
  ) {}

  bits(counter: number): number {
    return randomBits(counter, this.key, this.sample);
  }

  /** Between 0 and 1. */
  uniform(counter: number): number {
    return randomUniform(counter, this.key, this.sample);
  }

  /** A number from [low, high). */
  between(counter: number, low: number, high: number): number {
    return low + (high - low) * this.uniform(counter);
  }

  /** A whole number from 0 to choices - 1. */
  below(counter: number, choices: number): number {
    // 24 bits times a small integer: exact
    return Math.floor((this.bits(counter) * choices) / 0x1000000);
  }
}
