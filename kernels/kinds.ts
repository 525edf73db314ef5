/** The primitive kernels: one table from kind to specification, one from kind to contract. */
import { type AssembleSpecification, assemble } from './assemble/contract.js';
import { type AveragePoolSpecification, averagePool, averagePoolGradient } from './averagePool/contract.js';
import type { Contract, KernelCall } from './contract.js';
import {
  type Conv2dFilterGradientSpecification,
  type Conv2dInputGradientSpecification,
  type Conv2dSpecification,
  conv2d,
  conv2dFilterGradient,
  conv2dInputGradient,
} from './conv2d/contract.js';
import {
  type GatherSpecification,
  gather,
  type ScatterAddSpecification,
  scatterAdd,
} from './gather/contract.js';
import { type MapSpecification, map } from './map/contract.js';
import { type MatmulSpecification, matmul } from './matmul/contract.js';
import {
  type MaxPoolGradientSpecification,
  type MaxPoolSpecification,
  type MaxPoolTakeSpecification,
  maxPool,
  maxPoolGradient,
  maxPoolTake,
} from './maxPool/contract.js';
import { type ReduceSpecification, reduce } from './reduce/contract.js';
import {
  type SoftmaxCrossEntropySpecification,
  softmaxCrossEntropy,
} from './softmaxCrossEntropy/contract.js';

export interface Specifications {
  map: MapSpecification;
  reduce: ReduceSpecification;
  matmul: MatmulSpecification;
  conv2d: Conv2dSpecification;
  conv2dInputGradient: Conv2dInputGradientSpecification;
  conv2dFilterGradient: Conv2dFilterGradientSpecification;
  maxPool: MaxPoolSpecification;
  maxPoolTake: MaxPoolTakeSpecification;
  maxPoolGradient: MaxPoolGradientSpecification;
  averagePool: AveragePoolSpecification;
  averagePoolGradient: AveragePoolSpecification;
  gather: GatherSpecification;
  scatterAdd: ScatterAddSpecification;
  softmaxCrossEntropy: SoftmaxCrossEntropySpecification;
  assemble: AssembleSpecification;
}

export type KernelKind = keyof Specifications;

/** A kind with its call; a union over the kinds when K is not given. */
export type KindedCall<K extends KernelKind = KernelKind> = {
  [Kind in K]: { readonly kind: Kind } & KernelCall<Specifications[Kind]>;
}[K];

export const contracts: { readonly [K in KernelKind]: Contract<Specifications[K]> } = {
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

/** Floating-point operations of a call; a fused multiply-add counts 2. */
export function flopsOf<K extends KernelKind>(kind: K, call: KernelCall<Specifications[K]>): number {
  return (contracts[kind] as Contract<Specifications[K]>).flops(call);
}
