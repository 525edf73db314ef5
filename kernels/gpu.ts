/** Every kernel of the gpu backend: a kind that is forgotten is a type error. */
import { BackendError } from '../src/core/errors.js';
import { assembleGpu, assembleStages } from './assemble/gpu.js';
import { averagePoolGpu, averagePoolGradientGpu } from './averagePool/gpu.js';
import { absorbedIn, isPlain, type Plain } from './contract.js';
import { conv2dFilterGradientGpu, conv2dGpu, conv2dInputGradientGpu } from './conv2d/gpu.js';
import { conv2dFilterGradientVec4 } from './conv2d/gpuFilterGradient.js';
import { conv2dInputGradientVec4, conv2dVec4 } from './conv2d/gpuVec4.js';
import { gatherGpu, scatterAddGpu } from './gather/gpu.js';
import type { KernelKind, Specifications } from './kinds.js';
import { mapGpu } from './map/gpu.js';
import { matmulGpu } from './matmul/gpu.js';
import { matmulVec4 } from './matmul/gpuVec4.js';
import { maxPoolGpu, maxPoolGradientGpu, maxPoolTakeGpu } from './maxPool/gpu.js';
import { reduceGpu } from './reduce/gpu.js';
import { softmaxCrossEntropyGpu } from './softmaxCrossEntropy/gpu.js';
import type {
  GpuCall,
  GpuKernel,
  GpuSource,
  GpuStage,
  GpuStagedKernel,
  GpuVec4,
} from './toolkit/gpu/kernel.js';

export type {
  GpuCall,
  GpuKernel,
  GpuOperand,
  GpuRead,
  GpuSource,
  GpuStage,
  GpuVec4,
} from './toolkit/gpu/kernel.js';

const gpuKernels: { readonly [K in KernelKind]: GpuKernel<Plain<Specifications[K]>> } = {
  map: mapGpu,
  reduce: reduceGpu,
  matmul: matmulGpu,
  conv2d: conv2dGpu,
  conv2dInputGradient: conv2dInputGradientGpu,
  conv2dFilterGradient: conv2dFilterGradientGpu,
  maxPool: maxPoolGpu,
  maxPoolTake: maxPoolTakeGpu,
  maxPoolGradient: maxPoolGradientGpu,
  averagePool: averagePoolGpu,
  averagePoolGradient: averagePoolGradientGpu,
  gather: gatherGpu,
  scatterAdd: scatterAddGpu,
  softmaxCrossEntropy: softmaxCrossEntropyGpu,
  assemble: assembleGpu,
};

/** The text of the kernel for a call. */
export function gpuSourceOf<K extends KernelKind>(
  kind: K,
  call: GpuCall<Plain<Specifications[K]>>,
): GpuSource {
  const kernel: GpuKernel<Plain<Specifications[K]>> = gpuKernels[kind];
  return kernel(call);
}

/** The kinds that may take several kernels: to be faster where a thread can give four numbers, or for many inputs. */
const stagedKernels: { readonly [K in KernelKind]?: GpuStagedKernel<Plain<Specifications[K]>> } = {
  matmul: matmulVec4,
  conv2d: conv2dVec4,
  conv2dInputGradient: conv2dInputGradientVec4,
  conv2dFilterGradient: conv2dFilterGradientVec4,
  assemble: assembleStages,
};

/**
 * The kernels that carry out a call, one after the other; the result of the last is that of the call. Throws a
 * BackendError for what `limits.absorbs` keeps the planner from: a route, a pool.
 */
export function gpuStagesOf<K extends KernelKind>(
  kind: K,
  call: GpuCall<Specifications[K]>,
  vec4: GpuVec4,
): readonly GpuStage[] {
  const { specification } = call;
  if (!isPlain(specification)) {
    throw new BackendError(`${kind}: gpu.js kernels take no ${absorbedIn(specification).join(' or ')}`, {
      hint: 'A backend with limits.absorbs left out is not asked for one.',
    });
  }
  const plain: GpuCall<Plain<Specifications[K]>> = { ...call, specification };
  const staged: GpuStagedKernel<Plain<Specifications[K]>> | undefined = stagedKernels[kind];
  return (
    staged?.(plain, vec4) ?? [{ source: gpuSourceOf(kind, plain), operands: call.inputs.map((_, i) => i) }]
  );
}
