/** The definition of every kernel, in plain TypeScript over strided arrays. */
import { assemble } from './assemble/reference.js';
import { averagePool, averagePoolGradient } from './averagePool/reference.js';
import { conv2d, conv2dFilterGradient, conv2dInputGradient } from './conv2d/reference.js';
import { gather, scatterAdd } from './gather/reference.js';
import type { KernelKind, Specifications } from './kinds.js';
import { map } from './map/reference.js';
import { matmul } from './matmul/reference.js';
import { maxPool, maxPoolGradient, maxPoolTake } from './maxPool/reference.js';
import { reduce } from './reduce/reference.js';
import { softmaxCrossEntropy } from './softmaxCrossEntropy/reference.js';
import type { ReferenceKernel } from './toolkit/reference/strided.js';

export type { ReferenceKernel, Storage, Strided } from './toolkit/reference/strided.js';

export const referenceKernels: { readonly [K in KernelKind]: ReferenceKernel<Specifications[K]> } = {
  map,
  reduce,
  matmul,
  conv2d,
  conv2dInputGradient,
  conv2dFilterGradient,
  maxPool,
  maxPoolTake,
  maxPoolGradient,
  averagePool,
  averagePoolGradient,
  gather,
  scatterAdd,
  softmaxCrossEntropy,
  assemble,
};
