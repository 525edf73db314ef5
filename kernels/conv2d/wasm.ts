import type { KernelCall } from '../contract.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import {
  type Conv2dFilterGradientSpecification,
  type Conv2dInputGradientSpecification,
  type Conv2dSpecification,
  isRouted,
  resultShape,
} from './contract.js';
import { correlationCode } from './correlation.js';
import { denseFilterGradientWasm } from './filterGradient.js';
import { routedFilterGradientWasm, routedInputGradientWasm } from './routedGradients.js';
import { filterGradientUsesWinograd, winogradFilterGradientWasm } from './winogradFilter.js';

/** Sparse where dy is routed through a max pool; else by Winograd or directly, as the shapes have it. */
export function conv2dFilterGradientWasm(
  call: KernelCall<Conv2dFilterGradientSpecification>,
  options: WasmOptions,
): WasmCode {
  if (isRouted(call)) return routedFilterGradientWasm(call, options);
  const code = filterGradientUsesWinograd(call) ? winogradFilterGradientWasm : denseFilterGradientWasm;
  return code(call, options);
}

type Four = readonly [number, number, number, number];

/** y = x ∗ w: windows of the padded image times the filter as it stands. */
export function conv2dWasm(call: KernelCall<Conv2dSpecification>, options: WasmOptions): WasmCode {
  const [batch, height, width, channels] = call.inputs[0]!.shape as Four;
  const [windowHeight, windowWidth, , outputs] = call.inputs[1]!.shape as Four;
  const [, outputHeight, outputWidth] = resultShape(call) as Four;
  const { strides, padding } = call.specification;
  return correlationCode(
    {
      name: 'convolution',
      batch,
      frame: {
        height,
        width,
        channels,
        frameHeight: height + padding.top + padding.bottom,
        frameWidth: width + padding.left + padding.right,
        top: padding.top,
        left: padding.left,
        steps: [1, 1],
      },
      output: [outputHeight, outputWidth, outputs],
      window: [windowHeight, windowWidth],
      strides,
      filter: {
        blocks: [{ offset: 0 }],
        blockRows: windowHeight * windowWidth * channels,
        rowStride: 4 * outputs,
        columnStride: 4,
      },
    },
    call,
    options,
  );
}

/**
 * dx = dy ∗ w turned by 180°, in and out exchanged: pixel (i, j) of dy stands at (i·sh + KH − 1 − top, …) of a frame of
 * [H + KH − 1, W + KW − 1] zeros, over which windows move by 1.
 */
export function conv2dInputGradientWasm(
  call: KernelCall<Conv2dInputGradientSpecification>,
  options: WasmOptions,
): WasmCode {
  if (isRouted(call)) return routedInputGradientWasm(call, options);
  const [batch, gridHeight, gridWidth, outputs] = call.inputs[0]!.shape as Four;
  const [windowHeight, windowWidth, channels] = call.inputs[1]!.shape as Four;
  const [, height, width] = call.outputs[0]!.shape as Four;
  const { strides, padding } = call.specification;
  const turned = Array.from({ length: windowHeight * windowWidth }, (_, position) => ({
    offset: 4 * (windowHeight * windowWidth - 1 - position) * channels * outputs,
  }));
  return correlationCode(
    {
      name: 'input gradient',
      batch,
      frame: {
        height: gridHeight,
        width: gridWidth,
        channels: outputs,
        frameHeight: height + windowHeight - 1,
        frameWidth: width + windowWidth - 1,
        top: windowHeight - 1 - padding.top,
        left: windowWidth - 1 - padding.left,
        steps: strides,
      },
      output: [height, width, channels],
      window: [windowHeight, windowWidth],
      strides: [1, 1],
      filter: { blocks: turned, blockRows: outputs, rowStride: 4, columnStride: 4 * outputs },
    },
    call,
    options,
  );
}
