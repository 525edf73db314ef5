/** Random steps for property tests: what they compute does not matter, that two plans of them agree does. */
import { randomKey as foldKey, randomUniform as uniformOf } from '../../src/core/random.js';
import type { StepResult } from '../../src/engine/engine.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant, parameter, state } from '../../src/tensor/leaves.js';
import { concatenate, pad } from '../../src/tensor/ops/assemble.js';
import { conv2d } from '../../src/tensor/ops/conv2d.js';
import { gather } from '../../src/tensor/ops/gather.js';
import { leakyRelu, less } from '../../src/tensor/ops/pointwise.js';
import { averagePool2d, maxPool2d } from '../../src/tensor/ops/pool.js';
import { softmax, softmaxCrossEntropy } from '../../src/tensor/ops/softmax.js';
import { sumTo } from '../../src/tensor/ops/views.js';
import { randomKey, randomUniform } from '../../src/tensor/random.js';
import type { Leaf, Tensor } from '../../src/tensor/tensor.js';

/** Choices that a seed decides. */
class Dice {
  private count = 0;
  constructor(private readonly key: number) {}
  /** A whole number below `sides`. */
  roll(sides: number): number {
    return Math.floor(uniformOf(this.count++, this.key, 0) * sides);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)]!;
  }
}

const rows = 4;
const columns = 6;

/** x as one image of one channel. */
const image = (x: Tensor) => x.reshape([1, rows, columns, 1]);
const matrix = (x: Tensor) => x.reshape([rows, columns]);
/** The corner of w as a filter. */
const filter = (w: Leaf) => w.slice([0, 0], [3, 3]).reshape([3, 3, 1, 1]);
/** Each pixel of a pooled image four times. */
const enlarged = (x: Tensor) => matrix(x.reshape([2, 1, 3, 1]).broadcastTo([2, 2, 3, 2]));

/** From tensors of [4, 6] to one of [4, 6]; the table covers views, broadcasting, every structure and random numbers. */
const moves: readonly ((x: Tensor, y: Tensor, w: Leaf, step: Leaf) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => x.subtract(y.multiply(0.5)),
  (x, y) => x.multiply(y).tanh(),
  (x) => x.tanh(),
  (x) => leakyRelu(x),
  (x) => x.square().multiply(0.1),
  (x) => x.sigmoid(),
  (x, y) => x.maximum(y),
  (x) => x.reshape([columns, rows]).transpose(),
  (x) => x.transpose().reshape([rows, columns]),
  (x, y) => x.add(y.sum(0)).multiply(0.2),
  (x, y) => x.subtract(y.mean(1, true)),
  (x, y) => x.multiply(y.max()).tanh(),
  (x, _, w) => x.matmul(w).tanh(),
  (x, y, w) => x.matmul(w).add(y).multiply(0.1),
  (x, y) => x.matmul(x.transpose()).matmul(y).multiply(0.01),
  (x, y) => concatenate([x.slice([0, 0], [2, columns]), y.slice([2])]),
  (x) =>
    pad(
      x.slice([1, 2], [3, 5]),
      [
        [1, 1],
        [2, 1],
      ],
      0.5,
    ),
  (x, y) => gather(x, y.argMax(1)),
  (x) => softmax(x),
  (x, y) => x.multiply(softmaxCrossEntropy(y, constant(Int32Array.of(0, 5, 2, 3))).mean()).tanh(),
  (x) =>
    sumTo(x.add(x.slice([0, 0], [1, columns])), [1, columns])
      .broadcastTo([rows, columns])
      .tanh(),
  (x, _y, _w, step) => {
    const keep = less(randomUniform([rows, columns], randomKey(3, ['drop'], step)), 0.7);
    return x.multiply(keep);
  },
  (x, _, w) => matrix(conv2d(image(x), filter(w), { padding: 'same' })).tanh(),
  (x, y, w) =>
    enlarged(maxPool2d(conv2d(image(x), filter(w), { padding: 'same' }).add(y.max()).relu())).tanh(),
  (x, _, w) => enlarged(maxPool2d(conv2d(image(x), filter(w), { padding: 'same' }))).sigmoid(),
  (x) => matrix(maxPool2d(image(x), 3, { strides: 1, padding: 'same' })),
  (x) => matrix(averagePool2d(image(x), [2, 3], { strides: 1, padding: 'same' })),
  (x) => x.slice([0], [], [2]).expandDims(1).broadcastTo([2, 2, columns]).reshape([rows, columns]),
];

export interface RandomGraph {
  /** The residents, to read when steps have run. */
  readonly leaves: readonly Leaf[];
  readonly step: (feeds: { readonly x: Leaf }) => StepResult<string>;
}

/** The signature of every random step. */
export const graphSignature = { x: { shape: [rows, columns] } } as const;

/** A step of about a dozen random ops, a gradient and random updates: swaps, copies, leaves whose old value is fetched. */
export function randomGraph(seed: number): RandomGraph {
  const name = (part: string) => `graph${seed}.${part}`;
  const values = (shape: readonly number[], key: number) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 2 * uniformOf(i, key, 0) - 1);
  const leaves = ['a', 'b', 'c'].map((part) => parameter(name(part), [rows, columns], values));
  const weights = parameter(name('weights'), [columns, columns], values);
  const counter = state(name('counter'), [], 0, 'int32');
  const step = ({ x }: { readonly x: Leaf }) => {
    const dice = new Dice(foldKey(seed, 'graph'));
    const pool: Tensor[] = [x, ...leaves];
    const count = 4 + dice.roll(10);
    for (let i = 0; i < count; i++) {
      // recent results are taken more often, so that chains grow
      const recent = () => (dice.roll(2) === 0 ? pool.at(-1)! : dice.pick(pool));
      pool.push(dice.pick(moves)(recent(), dice.pick(pool), weights, counter));
    }
    const loss = pool.at(-1)!.add(dice.pick(pool)).square().mean();
    const [gradient, weightGradient] = gradients(loss, [leaves[0]!, weights]) as [Tensor, Tensor];
    const candidates: readonly (() => Tensor)[] = [
      () => dice.pick(leaves),
      () => dice.pick(pool),
      () => leaves[0]!.subtract(gradient.multiply(0.1)),
      () => dice.pick(leaves).multiply(0.5).add(dice.pick(pool)).tanh(),
      () => dice.pick(leaves).reshape([columns, rows]).transpose(),
    ];
    const updates: (readonly [Leaf, Tensor])[] = [
      [counter, counter.add(1)],
      [weights, weights.subtract(weightGradient.multiply(0.1))],
    ];
    for (const leaf of leaves) if (dice.roll(3) > 0) updates.push([leaf, dice.pick(candidates)()]);
    const outputs: Record<string, Tensor> = { loss };
    for (let i = 0; i < 3; i++)
      outputs[`output${i}`] = dice.pick([...pool, ...updates.map(([, value]) => value)]);
    return { outputs, updates };
  };
  return { leaves: [...leaves, weights, counter], step };
}
