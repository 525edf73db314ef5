/** Every kernel of the wasm backend. */
import { assembleWasm } from './assemble/wasm.js';
import { averagePoolGradientWasm, averagePoolWasm } from './averagePool/wasm.js';
import { conv2dFilterGradientWasm, conv2dInputGradientWasm, conv2dWasm } from './conv2d/wasm.js';
import { gatherWasm, scatterAddWasm } from './gather/wasm.js';
import type { KernelKind, Specifications } from './kinds.js';
import { mapWasm } from './map/wasm.js';
import { matmulWasm } from './matmul/wasm.js';
import { maxPoolGradientWasm, maxPoolTakeWasm, maxPoolWasm } from './maxPool/wasm.js';
import { reduceWasm } from './reduce/wasm.js';
import { softmaxCrossEntropyWasm } from './softmaxCrossEntropy/wasm.js';
import type { WasmKernel } from './toolkit/wasm/kernel.js';

export type { Tuning, WasmCode, WasmKernel, WasmOptions } from './toolkit/wasm/kernel.js';

export const wasmKernels: { readonly [K in KernelKind]: WasmKernel<Specifications[K]> } = {
  map: mapWasm,
  reduce: reduceWasm,
  matmul: matmulWasm,
  conv2d: conv2dWasm,
  conv2dInputGradient: conv2dInputGradientWasm,
  conv2dFilterGradient: conv2dFilterGradientWasm,
  maxPool: maxPoolWasm,
  maxPoolTake: maxPoolTakeWasm,
  maxPoolGradient: maxPoolGradientWasm,
  averagePool: averagePoolWasm,
  averagePoolGradient: averagePoolGradientWasm,
  gather: gatherWasm,
  scatterAdd: scatterAddWasm,
  softmaxCrossEntropy: softmaxCrossEntropyWasm,
  assemble: assembleWasm,
};
