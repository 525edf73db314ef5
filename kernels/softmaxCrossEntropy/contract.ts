import { at } from '../../src/core/lists.js';
import { sizeOf } from '../../src/core/shape.js';
import type { Contract } from '../contract.js';

/**
 * Softmax and cross-entropy in one, for each row z of logits `[batch, classes]` with p = softmax(z):
 *
 * 'loss'      `[batch]`           −Σ_c y_c · log p_c = Σ_c y_c · (log Σ_j exp(z_j − max z) − (z_c − max z))
 * 'gradient'  `[batch, classes]`  p_c · Σ_j y_j − y_c, 0 where that is below 2⁻⁶⁴ (`tinySlope`)
 *
 * labels are 'indices', int32 `[batch]` (y is then one-hot; an index outside the classes is all zeros), or a
 * 'distribution', float32 `[batch, classes]`. `outputs` names what is computed, in this order.
 */
export interface SoftmaxCrossEntropySpecification {
  readonly labels: 'indices' | 'distribution';
  readonly outputs: readonly ('loss' | 'gradient')[];
}

export const softmaxCrossEntropy: Contract<SoftmaxCrossEntropySpecification> = {
  layout: 'contiguous',
  epilogue: false,
  results: ['loss', 'gradient'],
  flops: ({ inputs }) => 5 * sizeOf(at(inputs, 0).shape),
  print: ({ labels, outputs }) => `labels as ${labels}, gives ${outputs.join(' and ')}`,
};
