/** Subjects of the check of a backend: ops on odd shapes, with fixed values. Runs in browsers too. */
import { at } from '../core/lists.js';
import { randomKey, randomUniform } from '../core/random.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';
import { gradients } from '../tensor/gradients.js';
import { state } from '../tensor/leaves.js';
import { conv2d } from '../tensor/ops/conv2d.js';
import { gather, oneHot } from '../tensor/ops/gather.js';
import { matmul } from '../tensor/ops/matmul.js';
import * as pointwise from '../tensor/ops/pointwise.js';
import { maxPool2d } from '../tensor/ops/pool.js';
import { argMax, mean, sum } from '../tensor/ops/reduce.js';
import { logSoftmax, softmax, softmaxCrossEntropy } from '../tensor/ops/softmax.js';
import { transpose } from '../tensor/ops/views.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';

/**
 * The measure of an error: relative to the largest number of the result, where terms of both signs are added; each
 * number itself; `exact` allows none.
 */
export type Measure = 'largest' | 'each' | 'exact';

export interface Subject {
  readonly name: string;
  /** The inputs, for people. */
  readonly on: string;
  readonly measure: Measure;
  /** The largest error that every backend and mode keeps to; 0 where results are exact. */
  readonly bound: number;
  /** A tensor of leaves that are made anew. */
  build(): Tensor;
}

/** Bounds: of sums of up to a thousand products, of shorter sums, and of functions, whose error on GPUs grows with x. */
const bounds = { products: 5e-6, sums: 1e-6, functions: 1e-5 } as const;

/** A leaf of numbers between two limits, the same on every machine: float32 values, exact in every precision. */
function values(name: string, shape: Shape, low = -1, high = 1): Leaf {
  const key = randomKey(0, 'doctor', name);
  const uniform = (_: unknown, i: number) => low + (high - low) * randomUniform(i, key, 0);
  return state(name, shape, Float32Array.from({ length: sizeOf(shape) }, uniform));
}

function integers(name: string, shape: Shape, below: number): Leaf {
  const key = randomKey(0, 'doctor', name);
  const whole = (_: unknown, i: number) => Math.floor(below * randomUniform(i, key, 0));
  return state(name, shape, Int32Array.from({ length: sizeOf(shape) }, whole), 'int32');
}

const product = (a: Shape, b: Shape, turned = false): Subject => ({
  name: turned ? 'matmul, transposed' : 'matmul',
  on: `${formatShape(a)} by ${formatShape(b)}`,
  measure: 'largest',
  bound: bounds.products,
  build: () =>
    turned
      ? matmul(transpose(values('a', [at(a, 1), at(a, 0)])), transpose(values('b', [at(b, 1), at(b, 0)])))
      : matmul(values('a', a), values('b', b)),
});

interface Convolution {
  readonly images: Shape;
  readonly filter: Shape;
  readonly strides: number;
  readonly padding: 'same' | 'valid';
}

/** A convolution and its two gradients. */
function convolutions({ images, filter, strides, padding }: Convolution): Subject[] {
  const on = `${formatShape(images)} by ${formatShape(filter)}, ${padding}, strides ${strides}`;
  const parts = () => {
    const [x, w] = [values('images', images), values('filter', filter)];
    const y = conv2d(x, w, { strides, padding });
    const weighted = sum(pointwise.multiply(y, values('gradient', y.shape)));
    return { x, w, y, weighted };
  };
  const subject = (name: string, build: () => Tensor): Subject => ({
    ...{ name, on, measure: 'largest', bound: bounds.products },
    build,
  });
  return [
    subject('convolution', () => parts().y),
    subject('convolution, gradient of images', () => {
      const { x, weighted } = parts();
      return at(gradients(weighted, [x]), 0);
    }),
    subject('convolution, gradient of filter', () => {
      const { w, weighted } = parts();
      return at(gradients(weighted, [w]), 0);
    }),
  ];
}

/** Where numbers cross 0 or are added, the error is that of a sum. */
const boundOf = (measure: Measure): number =>
  ({ largest: bounds.sums, each: bounds.functions, exact: 0 })[measure];

/** A pointwise function between two limits. */
const map = (
  name: string,
  [low, high]: readonly [number, number],
  measure: Measure,
  build: (x: Tensor) => Tensor,
): Subject => ({
  name,
  on: `1031 numbers in ${low} … ${high}`,
  measure,
  bound: boundOf(measure),
  build: () => build(values('x', [1031], low, high)),
});

const logits: Shape = [37, 11];
const rows = (name: string, measure: Measure, build: (x: Tensor) => Tensor): Subject => ({
  name,
  on: `${formatShape(logits)} in -5 … 5`,
  measure,
  bound: boundOf(measure),
  build: () => build(values('logits', logits, -5, 5)),
});

const labels = () => integers('labels', [at(logits, 0)], at(logits, 1));

/** The products that `quern doctor` checks. */
export const products: readonly Subject[] = [
  product([37, 129], [129, 53]),
  ...convolutions({ images: [3, 13, 11, 5], filter: [3, 3, 5, 7], strides: 1, padding: 'same' }),
];

const pooled: Shape = [3, 13, 11, 5];

/** Everything that the error table holds. */
export const subjects: readonly Subject[] = [
  ...products,
  product([1, 1009], [1009, 3]),
  product([53, 127], [127, 31], true),
  ...convolutions({ images: [2, 17, 15, 3], filter: [5, 5, 3, 19], strides: 2, padding: 'valid' }),
  rows('sum of rows', 'largest', (x) => sum(x, 1)),
  rows('mean of columns', 'largest', (x) => mean(x, 0)),
  rows('softmax', 'each', (x) => softmax(x)),
  rows('log softmax', 'largest', (x) => logSoftmax(x)),
  rows('softmax cross-entropy', 'largest', (x) => softmaxCrossEntropy(x, labels())),
  rows('softmax cross-entropy, gradient', 'largest', (x) =>
    at(gradients(sum(softmaxCrossEntropy(x, labels())), [x]), 0),
  ),
  map('exp', [-20, 20], 'each', pointwise.exp),
  map('log', [2, 1000], 'each', pointwise.log),
  map('log', [0.001, 2], 'largest', pointwise.log),
  map('sqrt', [0.001, 1000], 'each', pointwise.sqrt),
  map('divide', [0.5, 20], 'each', (x) => pointwise.divide(3, x)),
  map('power', [0.5, 20], 'each', (x) => pointwise.power(x, 1.7)),
  map('tanh', [-5, 5], 'largest', pointwise.tanh),
  map('sigmoid', [-15, 15], 'each', pointwise.sigmoid),
  map('softplus', [-10, 10], 'largest', pointwise.softplus),
  map('erf', [-4, 4], 'largest', pointwise.erf),
  map('gelu', [-4, 4], 'largest', pointwise.gelu),
  rows('argMax', 'exact', (x) => argMax(x, 1)),
  rows('comparison', 'exact', (x) => pointwise.greater(x, 0.5)),
  {
    name: 'integer sums',
    on: '1031 numbers below 8,000,000',
    measure: 'exact',
    bound: 0,
    build: () => pointwise.add(integers('x', [1031], 8e6), integers('y', [1031], 8e6)),
  },
  rows('gather by index', 'exact', (x) => gather(x, integers('indices', [101], at(logits, 0)))),
  rows('one-hot', 'exact', () => oneHot(labels(), at(logits, 1))),
  {
    name: 'max pooling',
    on: `${formatShape(pooled)}, 2x2`,
    measure: 'exact',
    bound: 0,
    build: () => maxPool2d(values('images', pooled)),
  },
  {
    name: 'max pooling, gradient by index',
    on: `${formatShape(pooled)}, 2x2`,
    measure: 'exact',
    bound: 0,
    build: () => {
      const x = values('images', pooled);
      return at(gradients(sum(maxPool2d(x)), [x]), 0);
    },
  },
];
