import { randomKey as foldKey, randomUniform as uniformOf } from '../../../src/core/random.js';
import type { Shape } from '../../../src/core/shape.js';
import { cast, less, multiply } from '../../../src/tensor/ops/pointwise.js';
import { randomKey, randomNormal, randomUniform, subKey } from '../../../src/tensor/random.js';
import { at, defineCase, exact, float32, generate, int32, listed, type OpCase } from './define.js';
import { quantile } from './pointwise.js';

/** The row-major index of a position. */
function indexOf(shape: Shape, position: readonly number[]): number {
  return position.reduce((index, p, axis) => index * shape[axis]! + p, 0);
}

const key = foldKey(7, 'noise');

export const randomCases: readonly OpCase[] = [
  ...([[], [1], [257], [3, 5, 2], [0, 3]] as const).map((shape) =>
    defineCase(
      'randomUniform',
      `[${shape}]`,
      [],
      () => randomUniform(shape, randomKey(7, ['noise'])),
      () => generate(shape, (position) => uniformOf(indexOf(shape, position), key, 0)),
      { tolerance: exact, gradient: 0 },
    ),
  ),
  defineCase(
    'randomUniform',
    'between two numbers, at a step that is fed',
    [int32([], listed([123456]))],
    (step) => randomUniform([4, 7], subKey(randomKey(7, ['noise'], step), 'layer', 3), -2, 3),
    (step) =>
      generate([4, 7], (position) => {
        const part = foldKey(key, 'layer', 3);
        return -2 + 5 * uniformOf(indexOf([4, 7], position), part, at(step, []));
      }),
    { gradient: 0 },
  ),
  defineCase(
    'randomUniform',
    'a dropout mask, forward and backward',
    [float32([5, 9]), int32([], listed([3]))],
    (x, step) => {
      const noise = randomUniform([5, 9], randomKey(7, ['noise'], step));
      return multiply(x, multiply(less(noise, 0.75), 1 / 0.75));
    },
    (x, step) =>
      generate([5, 9], (position) => {
        const kept = uniformOf(indexOf([5, 9], position), key, at(step, [])) < 0.75;
        return kept ? at(x, position) / 0.75 : 0;
      }),
  ),
  defineCase(
    'randomUniform',
    'seen transposed',
    [],
    () => cast(multiply(randomUniform([3, 4], randomKey(7, ['noise'])), 100), 'int32').transpose(),
    () => generate([4, 3], ([i, j]) => Math.floor(100 * uniformOf(4 * j! + i!, key, 0))),
    { gradient: 0 },
  ),
  defineCase(
    'randomNormal',
    '[100]',
    [],
    () => randomNormal([100], randomKey(7, ['noise'])),
    () => generate([100], ([i]) => quantile(uniformOf(i!, key, 0))),
    { gradient: 0 },
  ),
  defineCase(
    'randomNormal',
    'mean and deviation',
    [],
    () => randomNormal([3, 11], randomKey(7, ['noise']), -2, 0.5),
    () => generate([3, 11], ([i, j]) => -2 + 0.5 * quantile(uniformOf(11 * i! + j!, key, 0))),
    { gradient: 0 },
  ),
];
