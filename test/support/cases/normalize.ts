import type { Shape } from '../../../src/core/shape.js';
import { batchNormalize, channelMoments, layerNormalize } from '../../../src/tensor/ops/normalize.js';
import { exp, multiply } from '../../../src/tensor/ops/pointwise.js';
import { maxPool2d } from '../../../src/tensor/ops/pool.js';
import { withGradient } from '../../../src/tensor/ops/withGradient.js';
import {
  at,
  between,
  type CaseOptions,
  defineCase,
  distinct,
  exact,
  float32,
  generate,
  type OpCase,
  type Values,
} from './define.js';

/** Of some numbers; the variance is divided by their number. */
function moments(numbers: readonly number[]): { mean: number; variance: number } {
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  return { mean, variance: numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length };
}

const standardized = (x: number, numbers: readonly number[], epsilon: number): number => {
  const { mean, variance } = moments(numbers);
  return (x - mean) / Math.sqrt(variance + epsilon);
};

/** All numbers of a channel (the last axis). */
function channelOf({ shape, data }: Values, channel: number): number[] {
  return Array.from(data).filter((_, i) => i % shape.at(-1)! === channel);
}

/** The numbers of the row in which a position lies. */
function rowOf(x: Values, position: readonly number[]): number[] {
  return Array.from({ length: x.shape.at(-1)! }, (_, i) => at(x, position.with(-1, i)));
}

const tolerance: CaseOptions = { tolerance: { absolute: 1e-5, relative: 1e-5 } };

function batchCase(detail: string, shape: Shape, low: number, high: number, options = tolerance): OpCase {
  const epsilon = 1e-3;
  const vector: Shape = shape.slice(-1);
  return defineCase(
    'batchNormalize',
    detail,
    [float32(shape, between(low, high)), float32(vector, between(0.5, 2)), float32(vector)],
    (x, gamma, beta) => batchNormalize(x, gamma, beta, { epsilon }),
    (x, gamma, beta) =>
      generate(shape, (position) => {
        const channel = position.at(-1)!;
        const y = standardized(at(x, position), channelOf(x, channel), epsilon);
        return at(gamma, [channel]) * y + at(beta, [channel]);
      }),
    options,
  );
}

export const normalizeCases: readonly OpCase[] = [
  batchCase('[7, 3]', [7, 3], -2, 2),
  batchCase('images', [3, 5, 4, 6], -2, 2),
  batchCase('images of 17 channels, more pixels than a block', [2, 9, 8, 17], -1, 1),
  // the deviation of a channel is 1000 times smaller than its mean: a difference of squares would have no digit left
  batchCase('far from zero', [40, 5], 1000, 1002, {
    tolerance: { absolute: 2e-3, relative: 0 },
    gradient: 0,
  }),
  batchCase('one example', [1, 4], -1, 1, { ...tolerance, gradient: 1, gradientTolerance: 1e-4 }),
  batchCase('one axis', [6], -1, 1, { ...tolerance, gradient: 0 }),
  batchCase('nothing', [0, 3], -1, 1, { ...tolerance, gradient: 0 }),
  defineCase(
    'batchNormalize',
    'with moments, and numbers for gamma and beta',
    [float32([5, 2, 3])],
    (x) => batchNormalize(x, 2, -1, { epsilon: 0.5, moments: channelMoments(x) }),
    (x) =>
      generate([5, 2, 3], (position) => {
        return 2 * standardized(at(x, position), channelOf(x, position.at(-1)!), 0.5) - 1;
      }),
    tolerance,
  ),
  ...(
    [
      [3, 7],
      [2, 3, 5],
      [1, 1],
      [4, 131],
      [0, 3],
    ] as const
  ).map((shape) =>
    defineCase(
      'layerNormalize',
      `[${shape}]`,
      [float32(shape, between(-2, 2))],
      (x) => layerNormalize(x, { epsilon: 1e-3 }),
      (x) => generate(shape, (position) => standardized(at(x, position), rowOf(x, position), 1e-3)),
      tolerance,
    ),
  ),
  defineCase(
    'batchNormalize',
    'before a max pool of overlapping windows',
    [float32([2, 5, 6, 3], distinct(180, -1, 1)), float32([3], between(0.5, 2)), float32([3])],
    (x, gamma, beta) =>
      maxPool2d(batchNormalize(x, gamma, beta, { epsilon: 1e-3 }), [3, 2], { strides: [2, 1] }),
    (x, gamma, beta) =>
      generate([2, 2, 5, 3], ([n, i, j, c]) => {
        const window = [0, 1, 2].flatMap((a) => [0, 1].map((b) => at(x, [n!, 2 * i! + a, j! + b, c!])));
        const y = standardized(Math.max(...window), channelOf(x, c!), 1e-3);
        return at(gamma, [c!]) * y + at(beta, [c!]);
      }),
    tolerance,
  ),
  defineCase(
    'withGradient',
    'the gradient that an exponential has anyway',
    [float32([5])],
    (x) => withGradient('exp', exp(x), [x], (g) => [multiply(g, exp(x))]),
    (x) => generate([5], (position) => Math.exp(at(x, position))),
    { tolerance: { absolute: 1e-6, relative: 1e-6 } },
  ),
  defineCase(
    'withGradient',
    'its value is the value',
    [float32([3, 2])],
    (x) => withGradient('transpose', x.transpose(), [x], (g) => [g.transpose()]),
    (x) => generate([2, 3], ([i, j]) => at(x, [j!, i!])),
    { tolerance: exact },
  ),
];
