/**
 * Random numbers as a function of (seed, purpose, step, element): no hidden state, so the same key gives the same
 * numbers on every backend, whatever the order of work. See core/random.ts for the generator.
 */
import { wrongKind } from '../core/check.js';
import { input, random } from '../core/expression.js';
import { randomKey as foldKey } from '../core/random.js';
import { checkShape, type Shape } from '../core/shape.js';
import { checkDtype, node, scalar } from './build.js';
import type { Op } from './op.js';
import { add, multiply } from './ops/pointwise.js';
import { normalQuantile } from './ops/quantile.js';
import { broadcastTo } from './ops/views.js';
import type { Tensor } from './tensor.js';

/**
 * Names a stream of random numbers. A step of training gives `step`, an int32 scalar such as its step counter, so
 * that every step draws anew.
 */
export interface RandomKey {
  /** 32 bits that seed and path have been folded into. */
  readonly key: number;
  readonly step: Tensor;
}

/** A key for a seed (integer ≥ 0) and a path of names and numbers. Default step: the constant 0. */
export function randomKey(seed: number, path: readonly (string | number)[] = [], step?: Tensor): RandomKey {
  return { key: foldKey(seed, ...path), step: step ?? scalar(0, 'int32') };
}

function checkKey(what: string, key: unknown): void {
  if (typeof key === 'object' && key !== null && 'key' in key && 'step' in key) return;
  throw wrongKind(`${what}: key`, 'a random key', key, 'random.key(seed) makes one.');
}

/** The key of a part: independent of its siblings'. */
export function subKey(of: RandomKey, ...path: readonly (string | number)[]): RandomKey {
  checkKey('subKey', of);
  const { key, step } = of;
  return { key: foldKey(key, ...path), step };
}

const uniformOp: Op<{ readonly key: number }> = {
  name: 'randomUniform',
  backward: () => [undefined],
  lower: ({ attributes }) => ({
    type: 'kernel',
    kind: 'map',
    specification: { expressions: [random(attributes.key, input(0, 'int32'))] },
  }),
};

/** Uniform numbers in (low, high), 24 bits each, float32. Default (0, 1). */
export function randomUniform(shape: Shape, key: RandomKey, low = 0, high = 1): Tensor {
  checkShape(shape, 'randomUniform');
  checkKey('randomUniform', key);
  checkDtype('randomUniform', key.step, 'int32');
  const uniform = node(
    uniformOp,
    [broadcastTo(key.step, shape)],
    { key: key.key },
    { shape, dtype: 'float32' },
  );
  return low === 0 && high === 1 ? uniform : add(multiply(uniform, high - low), low);
}

/** Normal numbers, float32, by the quantile function of one uniform each: at most 5.4 deviations from the mean. */
export function randomNormal(shape: Shape, key: RandomKey, mean = 0, deviation = 1): Tensor {
  return add(multiply(normalQuantile(randomUniform(shape, key)), deviation), mean);
}
