import { checkPositive } from '../../core/check.js';
import { exactCos, exactPower } from '../../core/math.js';
import { randomKey, randomUniform } from '../../core/random.js';

/**
 * How much of the first of two mixed examples remains, from Beta(alpha, alpha): Zhang, Cissé, Dauphin, Lopez-Paz,
 * "mixup: Beyond empirical risk minimization", 2018. A pure function, with the same bits on every JavaScript engine.
 *
 *     U, V uniform; w = U^(1/α), c = cos 2πV;  ½ + ½ · c √(1 − w) / √(w + c² (1 − w))
 *
 * which is ½ (1 + T / √(2α + T²)) of T, Student's t with 2α degrees of freedom as Bailey draws it (Mathematics of
 * Computation 62, 1994). For alpha 1 it is U itself.
 *
 * @param step of training, counted from 0
 * @param alpha above 0; 0.2 to 1 is usual
 * @throws UsageError for an alpha that is not a positive number
 */
export function mixupRatio(seed: number, step: number, alpha: number): number {
  checkPositive('mixupRatio: alpha', alpha);
  const key = randomKey(seed, 'mixup');
  const u = randomUniform(0, key, step);
  if (alpha === 1) return u;
  const c = exactCos(2 * Math.PI * randomUniform(1, key, step));
  const w = exactPower(u, 1 / alpha);
  const rest = 1 - w;
  return 0.5 + (0.5 * (c * Math.sqrt(rest))) / Math.sqrt(w + c * c * rest);
}
