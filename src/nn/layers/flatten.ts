import { at } from '../../core/lists.js';
import { sizeOf } from '../../core/shape.js';
import { reshape } from '../../tensor/ops/views.js';
import { type Layer, layer } from '../layer.js';

/** Makes one axis of all but the first: `[batch, a, b, …]` → `[batch, a · b · …]`, row-major. */
export function flatten(): Layer {
  return layer('flatten', {}, (x) => reshape(x, [at(x.shape, 0), sizeOf(x.shape.slice(1))]));
}
