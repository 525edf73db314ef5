/** Cases of odd shapes and strides, drawn from a seed. */
import { call, input } from '../../../src/core/expression.js';
import {
  type CaseOperand,
  defineCase,
  dense,
  type KernelCase,
  sliced,
  stretched,
  transposed,
} from './builders.js';
import { caseEpilogues, matmulCase } from './matmul.js';
import { reduceCase } from './reduce.js';
import {
  convolution,
  type Geometry,
  gridOf,
  maxPoolCase,
  maxPoolGradientCase,
  pooledConvolution,
  routedCase,
} from './windows.js';

/** Numbers from 0 to 1 without 1. */
type Random = () => number;

const whole = (random: Random, low: number, high: number) => low + Math.floor(random() * (high - low + 1));
const pick = <T>(random: Random, values: readonly T[]): T => values[whole(random, 0, values.length - 1)]!;
const epilogue = (random: Random) => pick(random, [undefined, ...caseEpilogues]);

/** Of this shape: whole, transposed in its last two axes, a part of a larger one with steps, backwards, or repeated. */
function operand(random: Random, shape: readonly number[]): CaseOperand {
  const axes = shape.length;
  const kind = whole(random, 0, 4);
  if (kind === 1 && axes > 1) {
    const order = shape.map((_, axis) => (axis < axes - 2 ? axis : 2 * axes - 3 - axis));
    return transposed(dense(order.map((axis) => shape[axis]!)), order);
  }
  if (kind === 2) {
    const step = shape.map(() => whole(random, 1, 3));
    const start = shape.map(() => whole(random, 0, 2));
    const larger = shape.map(
      (size, axis) => start[axis]! + Math.max(1, size) * step[axis]! + whole(random, 0, 2),
    );
    return sliced(dense(larger), start, step, shape);
  }
  if (kind === 3 && shape.every((size) => size > 0)) {
    const start = shape.map((size, axis) => (axis === axes - 1 ? size - 1 : 0));
    const step = shape.map((_, axis) => (axis === axes - 1 ? -1 : 1));
    return sliced(dense(shape), start, step, shape);
  }
  if (kind === 4) return stretched(dense(shape.map((size) => (random() < 0.5 ? 1 : size))), shape);
  return dense(shape);
}

function geometry(random: Random): Geometry {
  for (;;) {
    const size = () => whole(random, 1, 13);
    const window = (): [number, number] =>
      random() < 0.5 ? [3, 3] : [whole(random, 1, 5), whole(random, 1, 5)];
    const stride = () => (random() < 0.6 ? 1 : whole(random, 1, 3));
    const pad = () => whole(random, 0, 2);
    const drawn: Geometry = {
      images: [whole(random, 1, 5), size(), size(), whole(random, 1, 35)],
      window: window(),
      strides: [stride(), stride()],
      pad: [pad(), pad(), pad(), pad()],
    };
    const [, rows, columns] = gridOf(drawn);
    const { window: under, pad: around } = drawn;
    const covered = around.every((width, side) => width < under[side >> 1]!);
    if (rows > 0 && columns > 0 && covered) return drawn;
  }
}

const kinds: readonly ((random: Random, label: string) => KernelCase)[] = [
  (random, label) => {
    const [m, n, k] = [whole(random, 1, 70), whole(random, 1, 70), whole(random, 1, 90)];
    const batch = random() < 0.3 ? [whole(random, 1, 4)] : [];
    const [a, b] = [operand(random, [...batch, m, k]), operand(random, [...batch, k, n])];
    return matmulCase(label, a, b, epilogue(random));
  },
  (random) => convolution('conv2d', geometry(random), whole(random, 1, 40), epilogue(random)),
  (random) => convolution('conv2dInputGradient', geometry(random), whole(random, 1, 40), epilogue(random)),
  (random) => convolution('conv2dFilterGradient', geometry(random), whole(random, 1, 40)),
  (random) => {
    const { images, window } = geometry(random);
    const larger = images.map((size, axis) =>
      axis === 1 || axis === 2 ? size + window[axis - 1]! + 1 : size,
    );
    const inner: Geometry = { images: larger as never, window, strides: [1, 1], pad: [0, 0, 0, 0] };
    if (random() < 0.5) return pooledConvolution([inner, whole(random, 1, 40)], ['values', 'indices']);
    const kind = pick(random, ['conv2dInputGradient', 'conv2dFilterGradient'] as const);
    return routedCase(kind, [inner, whole(random, 1, 24), [2, 2], [2, 2]]);
  },
  (random) => maxPoolCase(geometry(random), pick(random, [['values'], ['values', 'indices']] as const)),
  (random) => maxPoolGradientCase(geometry(random), epilogue(random)),
  (random, label) => {
    const shape = Array.from({ length: whole(random, 1, 4) }, () => whole(random, 1, 23));
    const axes = [...shape.keys()].filter(() => random() < 0.5);
    return reduceCase(pick(random, ['sum', 'max', 'min', 'argMax']), label, operand(random, shape), axes);
  },
  (random, label) => {
    const shape = Array.from({ length: whole(random, 1, 4) }, () => whole(random, 1, 23));
    const both = call('add', call('multiply', input(0), input(1)), input(0));
    return defineCase(
      'map',
      label,
      { expressions: [both] },
      [operand(random, shape), operand(random, shape)],
      [shape],
    );
  },
];

/** The case of a seed, a whole number. */
export function randomCase(seed: number): KernelCase {
  let state = (seed * 2654435761 + 1) >>> 0;
  // mulberry32
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return kinds[seed % kinds.length]!(random, `seed ${seed}`);
}
