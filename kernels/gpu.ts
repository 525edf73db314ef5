/**
 * Every kernel of the gpu backend that exists. The table is partial while the backend is the thin slice that the
 * multilayer perceptron needs; it becomes `[K in KernelKind]:` when the last kind has landed. A plan that uses an absent
 * kind is refused as a whole when it is prepared.
 */
import { gatherGpu, scatterAddGpu } from './gather/gpu.js';
import type { GpuCall, GpuKernel, GpuSource } from './gpuKernel.js';
import type { KernelKind, Specifications } from './kinds.js';
import { mapGpu } from './map/gpu.js';
import { matmulGpu } from './matmul/gpu.js';
import { reduceGpu } from './reduce/gpu.js';
import { softmaxCrossEntropyGpu } from './softmaxCrossEntropy/gpu.js';

export type { GpuCall, GpuKernel, GpuOperand, GpuSource } from './gpuKernel.js';

export const gpuKernels: { readonly [K in KernelKind]?: GpuKernel<Specifications[K]> } = {
  map: mapGpu,
  reduce: reduceGpu,
  matmul: matmulGpu,
  gather: gatherGpu,
  scatterAdd: scatterAddGpu,
  softmaxCrossEntropy: softmaxCrossEntropyGpu,
};

/** The text of the kernel for a call, or undefined for a kind that has none. */
export function gpuSourceOf<K extends KernelKind>(
  kind: K,
  call: GpuCall<Specifications[K]>,
): GpuSource | undefined {
  const kernel: GpuKernel<Specifications[K]> | undefined = gpuKernels[kind];
  return kernel?.(call);
}
