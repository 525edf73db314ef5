/** A convolution's three kernels on wasm: which way each takes. */
import { fourAxes } from '../../src/core/shape.js';
import type { KernelCall } from '../contract.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { lowerTiles, otherBlocks, type WasmWays } from '../toolkit/wasm/ways.js';
import {
  type Conv2dFilterGradientSpecification,
  type Conv2dInputGradientSpecification,
  type Conv2dSpecification,
  isRouted,
} from './contract.js';
import type { Correlation } from './correlation.js';
import { directCode } from './direct.js';
import { denseFilterGradientWasm } from './filterGradient.js';
import { Frame } from './frame.js';
import { pooledWindowsCode, usesPooledWindows } from './pooledWindows.js';
import { Results } from './results.js';
import { routedFilterGradientWasm, routedInputGradientWasm } from './routed.js';
import { hasFewTaps, windowsFilterGradientWasm } from './routedWindows.js';
import { usesWinograd, winogradCode } from './winograd.js';
import { filterGradientUsesWinograd, winogradFilterGradientWasm } from './winogradFilter.js';

/** Sparse where dy is routed through a max pool; else by Winograd or directly, as the shapes have it. */
export function conv2dFilterGradientWasm(
  call: KernelCall<Conv2dFilterGradientSpecification>,
  options: WasmOptions,
): WasmCode {
  if (isRouted(call)) {
    const code = hasFewTaps(call) ? windowsFilterGradientWasm : routedFilterGradientWasm;
    return code(call, options);
  }
  const code = filterGradientUsesWinograd(call) ? winogradFilterGradientWasm : denseFilterGradientWasm;
  return code(call, options);
}

/** y = x ∗ w: windows of the padded image times the filter as it stands. */
export function conv2dWasm(call: KernelCall<Conv2dSpecification>, options: WasmOptions): WasmCode {
  return correlationWasm(forward(call), options);
}

/** dx = dy ∗ w turned by 180°, in and out exchanged. */
export function conv2dInputGradientWasm(
  call: KernelCall<Conv2dInputGradientSpecification>,
  options: WasmOptions,
): WasmCode {
  if (isRouted(call)) return routedInputGradientWasm(call, options);
  return correlationWasm(backward(call), options);
}

function correlationWasm(correlation: Correlation, options: WasmOptions): WasmCode {
  if (usesWinograd({ ...correlation, ...correlation.results })) return winogradCode(correlation, options);
  const code = usesPooledWindows(correlation, options) ? pooledWindowsCode : directCode;
  return code(correlation, options);
}

export function forward(call: KernelCall<Conv2dSpecification>): Correlation {
  const image = fourAxes(call.inputs[0]!.shape);
  const [windowHeight, windowWidth, channels, outputs] = fourAxes(call.inputs[1]!.shape);
  const { strides, padding } = call.specification;
  return {
    name: 'convolution',
    batch: image[0],
    frame: Frame.padded(image, padding),
    leavesOutLines: false,
    results: new Results(call),
    window: [windowHeight, windowWidth],
    strides,
    filter: {
      runs: [0],
      runRows: windowHeight * windowWidth * channels,
      rowStride: 4 * outputs,
      columnStride: 4,
    },
  };
}

/**
 * Pixel (i, j) of dy stands at (i·sh + KH − 1 − top, …) of a frame of [H + KH − 1, W + KW − 1] zeros, over which windows
 * move by 1.
 */
export function backward(call: KernelCall<Conv2dInputGradientSpecification>): Correlation {
  const [batch, gridHeight, gridWidth, outputs] = fourAxes(call.inputs[0]!.shape);
  const [windowHeight, windowWidth, channels] = fourAxes(call.inputs[1]!.shape);
  const [, height, width] = fourAxes(call.outputs[0]!.shape);
  const { strides, padding } = call.specification;
  const size = [height + windowHeight - 1, width + windowWidth - 1] as const;
  const place = { top: windowHeight - 1 - padding.top, left: windowWidth - 1 - padding.left, steps: strides };
  const taps = windowHeight * windowWidth;
  return {
    name: 'input gradient',
    batch,
    frame: new Frame([gridHeight, gridWidth, outputs], size, place),
    leavesOutLines: true,
    results: new Results(call),
    window: [windowHeight, windowWidth],
    strides: [1, 1],
    filter: {
      runs: Array.from({ length: taps }, (_, tap) => 4 * (taps - 1 - tap) * channels * outputs),
      runRows: outputs,
      rowStride: 4,
      columnStride: 4 * outputs,
    },
  };
}

/** Those of conv2d and conv2dInputGradient. */
export const correlationWays: WasmWays = (options) => [{}, ...lowerTiles(options), ...otherBlocks];

export const conv2dFilterGradientWays: WasmWays = (options) => [{}, ...lowerTiles(options)];
