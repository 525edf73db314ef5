import { concatenate } from '../tensor/ops/assemble.js';
import { add, multiply, subtract } from '../tensor/ops/pointwise.js';
import { slice } from '../tensor/ops/views.js';
import type { Tensor } from '../tensor/tensor.js';

/** Every entry of the batch in the place of the one before it, the first in the last: its partner. */
export function partners(batch: Tensor): Tensor {
  const first = batch.shape.map(() => 0);
  const rest = [1, ...first.slice(1)];
  const end = [1, ...batch.shape.slice(1)];
  return concatenate([slice(batch, rest), slice(batch, first, end)]);
}

/**
 * ratio · a + (1 − ratio) · b, of images or of losses.
 *
 * @param ratio float32 scalar
 */
export function blend(a: Tensor, b: Tensor, ratio: Tensor): Tensor {
  return add(b, multiply(subtract(a, b), ratio));
}
