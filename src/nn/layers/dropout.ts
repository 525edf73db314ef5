import { checkRange } from '../../core/check.js';
import { greaterEqual, multiply, where } from '../../tensor/ops/pointwise.js';
import { randomUniform } from '../../tensor/random.js';
import { type Layer, layer } from '../layer.js';

/**
 * Inverted dropout (Srivastava et al., JMLR 2014): in training each element becomes 0 with probability `rate`, and the
 * others grow by 1 / (1 − rate), so that the expectation stays. Otherwise the identity.
 *
 * @param rate 0 ≤ rate < 1
 * @throws UsageError for a rate outside that range
 */
export function dropout(rate: number): Layer {
  checkRange('dropout: rate', rate, 0, 1);
  // a threshold that is the same number in float32 and float64, so that both keep the same elements
  const threshold = Math.fround(rate);
  return layer('dropout', { rate }, (x, context) => {
    if (!context.training || rate === 0) return x;
    const keep = greaterEqual(randomUniform(x.shape, context.random()), threshold);
    return where(keep, multiply(x, 1 / (1 - rate)), 0);
  });
}
