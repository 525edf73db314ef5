import type { Specifications } from '../../kernels/kinds.js';
import type { View } from '../core/view.js';
import type { Tensor } from './tensor.js';

/** The part of a plan that a node becomes. */
type Lowering =
  /** A leaf: already in memory. */
  | { readonly type: 'leaf' }
  /** A view of input 0, or undefined where strides cannot express it and the planner has to copy first. */
  | { readonly type: 'view'; readonly view: (input: View) => View | undefined }
  | KernelLowering;

/** A kernel over all inputs of the node, in order, with the node as its only output. */
export type KernelLowering = {
  [K in keyof Specifications]: {
    readonly type: 'kernel';
    readonly kind: K;
    readonly specification: Specifications[K];
  };
}[keyof Specifications];

/**
 * One thing in one place: what a node means (its lowering) and its gradient. Shapes are inferred, and refused, by the
 * function that builds the node.
 */
export interface Op<Attributes = unknown> {
  readonly name: string;
  /**
   * The gradient of a scalar loss in each input, given the loss's `gradient` in this node's output. It is graph again.
   * undefined for an input that has none (indices, labels). An op without `backward` stops gradients with an error.
   */
  backward?(node: Tensor<Attributes>, gradient: Tensor): readonly (Tensor | undefined)[];
  lower(node: Tensor<Attributes>): Lowering;
}
