import { UsageError } from '../../core/errors.js';
import { add, cast, multiply } from '../../tensor/ops/pointwise.js';
import type { Tensor } from '../../tensor/tensor.js';

/** Mean and standard deviation of pixels on the scale from 0 to 1. */
export interface Normalization {
  readonly mean: number;
  readonly deviation: number;
}

/** Pixels from 0 to 1, as they are. */
export const plainPixels: Normalization = { mean: 0, deviation: 1 };

/** Throws UsageError unless both are numbers and the deviation is above 0. */
export function checkNormalization({ mean, deviation }: Normalization): void {
  if (!Number.isFinite(mean) || !Number.isFinite(deviation) || deviation <= 0) {
    throw new UsageError(
      `normalization: takes a mean and a deviation above 0, on the scale from 0 to 1: ${mean} and ${deviation}`,
    );
  }
}

/**
 * uint8 pixels as float32: (pixel / 255 − mean) / deviation, any shape. It is one multiplication and at most one
 * addition, so that it fuses with the gather before it.
 */
export function normalize(pixels: Tensor, { mean, deviation }: Normalization): Tensor {
  const scaled = multiply(cast(pixels, 'float32'), 1 / (255 * deviation));
  return mean === 0 ? scaled : add(scaled, -mean / deviation);
}
