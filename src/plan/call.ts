import type { KernelCall, Layout } from '../../kernels/contract.js';
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import { at } from '../core/lists.js';
import { rowMajorStrides } from '../core/shape.js';
import type { Slot, Step } from './plan.js';

/** The step as kernels see it. */
export function callOf<K extends KernelKind>(
  step: Step<K>,
  slots: readonly Slot[],
): KernelCall<Specifications[K]> {
  const inputs = step.inputs.map(
    ({ slot, shape, strides }): Layout => ({ dtype: at(slots, slot).dtype, shape, strides }),
  );
  const outputs = step.outputs.map(
    ({ slot, shape }): Layout => ({ dtype: at(slots, slot).dtype, shape, strides: rowMajorStrides(shape) }),
  );
  return { specification: step.specification as Specifications[K], inputs, outputs };
}
