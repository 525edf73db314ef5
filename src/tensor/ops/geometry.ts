/** Where windows lie on an image: shared by convolution and pooling. */

import type { Padding } from '../../../kernels/contract.js';
import { checkList } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';

/** One number for both directions, or [height, width]. */
export type Pair = number | readonly [number, number];

/**
 * 'valid': windows lie inside the image, out = ⌊(in − size) / stride⌋ + 1. 'same': out = ⌈in / stride⌉, with
 * max((out − 1) · stride + size − in, 0) pixels of padding, the odd one behind (as Keras and TensorFlow define it).
 * Or the padding itself.
 */
export type PaddingOption = 'valid' | 'same' | Padding;

/** Both directions of a pair, checked to be integers ≥ 1. */
export function pairOf(what: string, name: string, value: Pair): readonly [number, number] {
  const pair = typeof value === 'number' ? ([value, value] as const) : value;
  checkList(`${what}: ${name}`, 'one or two integers ≥ 1', pair);
  if (pair.length !== 2 || pair.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new ShapeError(`${what}: ${name} must be one or two integers ≥ 1: ${pair.join(', ')}`);
  }
  return pair;
}

interface Direction {
  readonly output: number;
  readonly before: number;
  readonly after: number;
}

function along(
  extent: number,
  size: number,
  stride: number,
  padding: 'valid' | 'same' | [number, number],
): Direction {
  if (padding === 'same') {
    const output = Math.ceil(extent / stride);
    const total = Math.max((output - 1) * stride + size - extent, 0);
    return { output, before: total >> 1, after: total - (total >> 1) };
  }
  const [before, after] = padding === 'valid' ? [0, 0] : padding;
  return { output: Math.floor((extent + before + after - size) / stride) + 1, before, after };
}

interface WindowOptions {
  /** [height, width] of the input, and of the window or filter. */
  readonly image: readonly [number, number];
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: PaddingOption;
}

/**
 * The grid of windows on an image.
 *
 * @returns the grid's [height, width] and the padding in pixels
 * @throws ShapeError where no window fits, naming both sizes
 */
export function windowGrid(
  what: string,
  { image, window, strides, padding }: WindowOptions,
): { output: [number, number]; padding: Padding } {
  if (typeof padding === 'object' && Object.values(padding).some((n) => !Number.isInteger(n) || n < 0)) {
    throw new ShapeError(`${what}: padding must be integers ≥ 0: ${Object.values(padding).join(', ')}`);
  }
  const sides = typeof padding === 'object' ? padding : undefined;
  const named = padding === 'same' ? 'same' : 'valid';
  const vertical = along(image[0], window[0], strides[0], sides ? [sides.top, sides.bottom] : named);
  const horizontal = along(image[1], window[1], strides[1], sides ? [sides.left, sides.right] : named);
  if (vertical.output < 1 || horizontal.output < 1) {
    throw new ShapeError(
      `${what}: the window does not fit the image: ${window.join('x')} on ${image.join('x')}`,
      {
        hint: "padding: 'same' keeps the size of the image.",
      },
    );
  }
  return {
    output: [vertical.output, horizontal.output],
    padding: {
      top: vertical.before,
      bottom: vertical.after,
      left: horizontal.before,
      right: horizontal.after,
    },
  };
}
