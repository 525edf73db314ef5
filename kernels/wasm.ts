/** Every kernel of the wasm backend. */
import { assembleWasm } from './assemble/wasm.js';
import { averagePoolGradientWasm, averagePoolWasm } from './averagePool/wasm.js';
import {
  conv2dFilterGradientWasm,
  conv2dFilterGradientWays,
  conv2dInputGradientWasm,
  conv2dWasm,
  correlationWays,
} from './conv2d/wasm.js';
import { gatherWasm, scatterAddWasm } from './gather/wasm.js';
import type { KernelKind, Specifications } from './kinds.js';
import { mapWasm } from './map/wasm.js';
import { matmulWasm, matmulWays } from './matmul/wasm.js';
import { maxPoolGradientWasm, maxPoolTakeWasm, maxPoolWasm } from './maxPool/wasm.js';
import { reduceWasm } from './reduce/wasm.js';
import { softmaxCrossEntropyWasm } from './softmaxCrossEntropy/wasm.js';
import type { Tuning, WasmKernel, WasmOptions } from './toolkit/wasm/kernel.js';
import type { WasmWays } from './toolkit/wasm/ways.js';

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

/** The kinds that may be computed in several ways. */
const wasmWays: { readonly [K in KernelKind]?: WasmWays } = {
  matmul: matmulWays,
  conv2d: correlationWays,
  conv2dInputGradient: correlationWays,
  conv2dFilterGradient: conv2dFilterGradientWays,
};

/** The ways to try, the fixed rule first: it is what no member means. */
export function waysOf(kind: KernelKind, options: WasmOptions): readonly Tuning[] {
  return wasmWays[kind]?.(options) ?? [{}];
}
