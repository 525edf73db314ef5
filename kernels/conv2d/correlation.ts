/** Windows of an image times a filter: what conv2d and conv2dInputGradient have in common. */
import type { KernelCall } from '../contract.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import type { Conv2dSpecification } from './contract.js';
import { directCode } from './direct.js';
import type { Frame } from './image.js';
import { Results } from './results.js';
import { usesWinograd, winogradCode } from './winograd.js';

/** One run of rows of the filter matrix: `rows` of them from `offset`, with these strides. All in bytes. */
export interface FilterBlock {
  readonly offset: number;
}

export interface Correlation {
  readonly name: string;
  readonly batch: number;
  readonly frame: Frame;
  /** Height, width and channels of the result, before it is pooled. */
  readonly output: readonly [number, number, number];
  /** Height and width of the window, and the steps between windows. */
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** The filter as a matrix [window rows · window columns · channels, out], in blocks of equal height. */
  readonly filter: {
    readonly blocks: readonly FilterBlock[];
    readonly blockRows: number;
    readonly rowStride: number;
    readonly columnStride: number;
  };
}

/**
 * The code of a correlation:
 *
 *     out[n, i, j, o] = Σ_a Σ_b Σ_c frame[i·sh + a, j·sw + b, c] · filter[a, b, c, o]
 *
 * conv2d is this over the padded image. conv2dInputGradient is this with strides 1 over the output's gradient, its
 * pixels `strides` apart within a border of filter size − 1, and the filter turned by 180° with in and out exchanged.
 */
export function correlationCode(
  correlation: Correlation,
  call: KernelCall<Conv2dSpecification>,
  options: WasmOptions,
): WasmCode {
  const code = usesWinograd(correlation) ? winogradCode : directCode;
  return code(correlation, new Results(call), options);
}
