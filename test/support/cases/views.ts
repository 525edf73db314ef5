import type { Shape } from '../../../src/core/shape.js';
import { concatenate, pad } from '../../../src/tensor/ops/assemble.js';
import { add } from '../../../src/tensor/ops/pointwise.js';
import {
  broadcastTo,
  expandDims,
  reshape,
  slice,
  squeeze,
  stopGradient,
  sumTo,
  transpose,
} from '../../../src/tensor/ops/views.js';
import {
  at,
  broadcastAt,
  defineCase,
  exact,
  float32,
  generate,
  int32,
  integers,
  type OpCase,
  rounding,
  uint8,
  type Values,
} from './define.js';

const moved = { tolerance: exact } as const;

/** The same numbers under another shape. */
const shaped = (shape: Shape) => (x: Values) => ({ shape, data: x.data });

const reshapes: readonly OpCase[] = [
  ...(
    [
      [
        [2, 6],
        [3, 4],
      ],
      [[7], [1, 7, 1]],
      [[1], []],
      [
        [0, 3],
        [5, 0],
      ],
      [[2, 3, 4], [24]],
    ] as const
  ).map(([from, to]) =>
    defineCase('reshape', `[${from}] to [${to}]`, [float32(from)], (x) => reshape(x, to), shaped(to), moved),
  ),
  defineCase(
    'reshape',
    'an extent worked out',
    [float32([3, 4, 5])],
    (x) => reshape(x, [3, -1]),
    shaped([3, 20]),
    moved,
  ),
  defineCase(
    'reshape',
    'of a transposed tensor',
    [float32([3, 4])],
    (x) => reshape(transpose(x), [2, 6]),
    (x) => generate([2, 6], ([i, j]) => at(x, [(6 * i! + j!) % 3, Math.floor((6 * i! + j!) / 3)])),
    moved,
  ),
  defineCase(
    'reshape',
    'of a slice',
    [float32([4, 6])],
    (x) => reshape(slice(x, [1, 1], [3, 5]), [8]),
    (x) => generate([8], ([i]) => at(x, [1 + Math.floor(i! / 4), 1 + (i! % 4)])),
    moved,
  ),
  defineCase('reshape', 'uint8', [uint8([6], integers(0, 255))], (x) => reshape(x, [2, 3]), shaped([2, 3]), {
    ...moved,
    gradient: 0,
  }),
  defineCase('expandDims', 'in front', [float32([5])], (x) => expandDims(x, 0), shaped([1, 5]), moved),
  defineCase('expandDims', 'behind', [float32([5, 2])], (x) => expandDims(x, -1), shaped([5, 2, 1]), moved),
  defineCase('expandDims', 'of a scalar', [float32([])], (x) => expandDims(x, 0), shaped([1]), moved),
  defineCase('squeeze', 'all', [float32([1, 3, 1])], (x) => squeeze(x), shaped([3]), moved),
  defineCase('squeeze', 'one', [float32([1, 3, 1])], (x) => squeeze(x, -1), shaped([1, 3]), moved),
];

/** The axis of x that each axis of the result takes. */
function transposed(permutation: readonly number[]) {
  return (x: Values) =>
    generate(
      permutation.map((axis) => x.shape[axis]!),
      (position) =>
        at(
          x,
          x.shape.map((_, axis) => position[permutation.indexOf(axis)]!),
        ),
    );
}

const rearrangements: readonly OpCase[] = [
  defineCase('transpose', 'a matrix', [float32([3, 5])], (x) => transpose(x), transposed([1, 0]), moved),
  defineCase('transpose', 'a scalar', [float32([])], (x) => transpose(x), transposed([]), moved),
  defineCase('transpose', 'nothing', [float32([0, 2])], (x) => transpose(x), transposed([1, 0]), moved),
  defineCase(
    'transpose',
    'three axes',
    [float32([2, 3, 5])],
    (x) => transpose(x, [1, -1, 0]),
    transposed([1, 2, 0]),
    moved,
  ),
  defineCase(
    'transpose',
    'added to itself',
    [float32([7, 7])],
    (x) => add(x, transpose(x)),
    (x) => generate([7, 7], ([i, j]) => at(x, [i!, j!]) + at(x, [j!, i!])),
    { tolerance: rounding },
  ),
  defineCase(
    'slice',
    'one axis',
    [float32([9])],
    (x) => slice(x, [2], [-1], [3]),
    (x) => generate([2], ([i]) => at(x, [2 + 3 * i!])),
    moved,
  ),
  defineCase(
    'slice',
    'the first axis of three',
    [float32([4, 3, 2])],
    (x) => slice(x, [-2]),
    (x) => generate([2, 3, 2], ([i, j, k]) => at(x, [2 + i!, j!, k!])),
    moved,
  ),
  defineCase(
    'slice',
    'nothing',
    [float32([4, 3])],
    (x) => slice(x, [1], [1]),
    () => ({ shape: [0, 3], data: [] }),
    moved,
  ),
  defineCase(
    'slice',
    'of a transposed slice',
    [float32([6, 5])],
    (x) => slice(transpose(slice(x, [1, 0], [6, 5], [2, 2])), [1, 1]),
    (x) => generate([2, 2], ([i, j]) => at(x, [1 + 2 * (1 + j!), 2 * (1 + i!)])),
    moved,
  ),
  ...(
    [
      [[3], [4, 3]],
      [[], [2, 2]],
      [
        [4, 1],
        [4, 5],
      ],
      [
        [1, 3, 1],
        [2, 3, 4],
      ],
      [[1], [0]],
    ] as const
  ).map(([from, to]) =>
    defineCase(
      'broadcastTo',
      `[${from}] to [${to}]`,
      [float32(from)],
      (x) => broadcastTo(x, to),
      (x) => generate(to, (position) => broadcastAt(x, position)),
      moved,
    ),
  ),
  defineCase(
    'sumTo',
    'the reverse of broadcasting',
    [float32([2, 3, 4])],
    (x) => sumTo(x, [3, 1]),
    (x) =>
      generate([3, 1], ([j]) => {
        let sum = 0;
        for (let i = 0; i < 2; i++) for (let k = 0; k < 4; k++) sum += at(x, [i, j!, k]);
        return sum;
      }),
  ),
  defineCase(
    'stopGradient',
    'the same numbers',
    [float32([5])],
    (x) => stopGradient(x),
    (x) => x,
    {
      ...moved,
      gradient: 0,
    },
  ),
];

/** `fill` outside the place of x. */
function padded(shape: Shape, before: readonly number[], fill: number) {
  return (x: Values) =>
    generate(shape, (position) => {
      const inner = position.map((p, axis) => p - before[axis]!);
      return inner.every((p, axis) => p >= 0 && p < x.shape[axis]!) ? at(x, inner) : fill;
    });
}

const assemblies: readonly OpCase[] = [
  defineCase('pad', 'a vector', [float32([3])], (x) => pad(x, [[2, 1]]), padded([6], [2], 0), moved),
  defineCase(
    'pad',
    'an image, with a value',
    [float32([2, 3, 4, 1])],
    (x) =>
      pad(
        x,
        [
          [0, 0],
          [1, 2],
          [3, 0],
          [0, 0],
        ],
        -0.5,
      ),
    padded([2, 6, 7, 1], [0, 1, 3, 0], -0.5),
    moved,
  ),
  defineCase(
    'pad',
    'nothing',
    [float32([0, 2])],
    (x) =>
      pad(
        x,
        [
          [1, 2],
          [0, 0],
        ],
        3,
      ),
    padded([3, 2], [1, 0], 3),
    moved,
  ),
  defineCase('pad', 'a scalar', [float32([])], (x) => pad(x, []), padded([], [], 0), moved),
  defineCase(
    'pad',
    'int32, transposed',
    [int32([2, 3], integers(-9, 9))],
    (x) =>
      pad(
        transpose(x),
        [
          [1, 0],
          [0, 1],
        ],
        7,
      ),
    (x) => padded([4, 3], [1, 0], 7)(transposed([1, 0])(x)),
    { ...moved, gradient: 0 },
  ),
  defineCase(
    'concatenate',
    'three of different extents',
    [float32([2, 3]), float32([2, 0]), float32([2, 4])],
    (...x) => concatenate(x, 1),
    (a, _, c) => generate([2, 7], ([i, j]) => (j! < 3 ? at(a, [i!, j!]) : at(c, [i!, j! - 3]))),
    moved,
  ),
  defineCase(
    'concatenate',
    'one',
    [float32([3])],
    (x) => concatenate([x]),
    (x) => x,
    moved,
  ),
  defineCase(
    'concatenate',
    'with itself',
    [float32([2, 3])],
    (x) => concatenate([x, transpose(x).reshape([2, 3]), x], 0),
    (x) =>
      generate([6, 3], ([i, j]) => {
        if (i! < 2 || i! >= 4) return at(x, [i! % 2, j!]);
        const index = 3 * (i! - 2) + j!;
        return at(x, [index % 2, Math.floor(index / 2)]);
      }),
    moved,
  ),
  defineCase(
    'concatenate',
    'uint8',
    [uint8([3], integers(0, 255)), uint8([2], integers(0, 255))],
    (a, b) => concatenate([a, b], -1),
    (a, b) => ({ shape: [5], data: [...Array.from(a.data), ...Array.from(b.data)] }),
    { ...moved, gradient: 0 },
  ),
];

export const viewCases: readonly OpCase[] = [...reshapes, ...rearrangements, ...assemblies];
