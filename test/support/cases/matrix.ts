import type { Shape } from '../../../src/core/shape.js';
import { gather, oneHot } from '../../../src/tensor/ops/gather.js';
import { matmul } from '../../../src/tensor/ops/matmul.js';
import { slice, transpose } from '../../../src/tensor/ops/views.js';
import {
  at,
  type CaseOptions,
  defineCase,
  exact,
  float32,
  generate,
  int32,
  integers,
  listed,
  type OpCase,
  range,
  uint8,
  type Values,
} from './define.js';

/** Σ_k a[…, m, k] · b[…, k, n]; a batch extent of 1, or one that is missing, repeats. */
function product(a: Values, b: Values, shape: Shape): Values {
  const batchAt = (x: Values, position: readonly number[]) =>
    x.shape.slice(0, -2).map((extent, axis) => {
      const added = shape.length - x.shape.length;
      return extent === 1 ? 0 : position[added + axis]!;
    });
  return generate(shape, (position) => {
    const [m, n] = position.slice(-2) as [number, number];
    return range(a.shape.at(-1)!).reduce(
      (sum, k) => sum + at(a, [...batchAt(a, position), m, k]) * at(b, [...batchAt(b, position), k, n]),
      0,
    );
  });
}

const products: readonly (readonly [Shape, Shape, Shape])[] = [
  [
    [3, 4],
    [4, 5],
    [3, 5],
  ],
  [
    [1, 1],
    [1, 1],
    [1, 1],
  ],
  [
    [13, 29],
    [29, 17],
    [13, 17],
  ],
  [
    [64, 48],
    [48, 32],
    [64, 32],
  ],
  [
    [7, 1],
    [1, 11],
    [7, 11],
  ],
  [
    [1, 67],
    [67, 1],
    [1, 1],
  ],
  [
    [0, 3],
    [3, 2],
    [0, 2],
  ],
  [
    [2, 0],
    [0, 3],
    [2, 3],
  ],
  [
    [2, 3, 4],
    [4, 5],
    [2, 3, 5],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
    [2, 3, 5],
  ],
  [
    [3, 1, 2, 3],
    [4, 3, 5],
    [3, 4, 2, 5],
  ],
  [
    [2, 3],
    [5, 3, 4],
    [5, 2, 4],
  ],
];

const sums: CaseOptions = { tolerance: { absolute: 1e-5, relative: 1e-5 } };

const matmuls: readonly OpCase[] = [
  ...products.map(([a, b, shape]) =>
    defineCase(
      'matmul',
      `[${a}] · [${b}]`,
      [float32(a), float32(b)],
      matmul,
      (x, y) => product(x, y, shape),
      sums,
    ),
  ),
  defineCase(
    'matmul',
    'with its own transpose',
    [float32([5, 9])],
    (x) => matmul(x, transpose(x)),
    (x) =>
      generate([5, 5], ([i, j]) => range(9).reduce((sum, k) => sum + at(x, [i!, k]) * at(x, [j!, k]), 0)),
    sums,
  ),
  defineCase(
    'matmul',
    'both sides transposed and sliced',
    [float32([7, 6]), float32([5, 14])],
    (a, b) => matmul(transpose(slice(a, [1], [6])), transpose(slice(b, [], [], [1, 3]))),
    (a, b) =>
      generate([6, 5], ([i, j]) =>
        range(5).reduce((sum, k) => sum + at(a, [1 + k, i!]) * at(b, [j!, 3 * k]), 0),
      ),
    sums,
  ),
];

const gathers: readonly OpCase[] = [
  defineCase(
    'gather',
    'rows, one of them twice',
    [float32([5, 3]), int32([4], listed([4, 0, 4, 2]))],
    (table, indices) => gather(table, indices),
    (table, indices) => generate([4, 3], ([i, j]) => at(table, [at(indices, [i!]), j!])),
    { tolerance: exact },
  ),
  defineCase(
    'gather',
    'an axis in the middle, indices of two axes',
    [float32([2, 7, 3]), uint8([2, 2], integers(0, 6))],
    (table, indices) => gather(table, indices, 1),
    (table, indices) => generate([2, 2, 2, 3], ([o, i, j, e]) => at(table, [o!, at(indices, [i!, j!]), e!])),
    { tolerance: exact },
  ),
  defineCase(
    'gather',
    'outside the table',
    [float32([3, 2]), int32([4], listed([-1, 3, 1, 1000]))],
    (table, indices) => gather(table, indices),
    (table, indices) => generate([4, 2], ([i, j]) => (at(indices, [i!]) === 1 ? at(table, [1, j!]) : 0)),
    { tolerance: exact },
  ),
  defineCase(
    'gather',
    'a scalar index',
    [float32([3, 2]), int32([], listed([2]))],
    (table, indices) => gather(table, indices),
    (table) => generate([2], ([j]) => at(table, [2, j!])),
    { tolerance: exact },
  ),
  defineCase(
    'gather',
    'no index',
    [float32([3, 2]), int32([0], listed([0]))],
    (table, indices) => gather(table, indices),
    () => ({ shape: [0, 2], data: [] }),
    { tolerance: exact },
  ),
  defineCase(
    'gather',
    'uint8 images, normalized',
    [uint8([6, 4, 4], integers(0, 255)), int32([3], integers(0, 5))],
    (table, indices) =>
      gather(table, indices)
        .cast('float32')
        .multiply(1 / 255),
    (table, indices) => generate([3, 4, 4], ([i, y, x]) => at(table, [at(indices, [i!]), y!, x!]) / 255),
    { gradient: 0 },
  ),
  defineCase(
    'gather',
    'a transposed table',
    [float32([3, 5]), int32([2], integers(0, 4))],
    (table, indices) => gather(transpose(table), indices),
    (table, indices) => generate([2, 3], ([i, j]) => at(table, [j!, at(indices, [i!])])),
    { tolerance: exact },
  ),
];

const oneHots: readonly OpCase[] = [
  defineCase(
    'oneHot',
    'class numbers, two outside',
    [int32([5], listed([0, 3, -1, 2, 4]))],
    (x) => oneHot(x, 4),
    (x) => generate([5, 4], ([i, c]) => Number(at(x, [i!]) === c)),
    { tolerance: exact, gradient: 0 },
  ),
  defineCase(
    'oneHot',
    'uint8, two axes',
    [uint8([2, 3], integers(0, 9))],
    (x) => oneHot(x, 10),
    (x) => generate([2, 3, 10], ([i, j, c]) => Number(at(x, [i!, j!]) === c)),
    { tolerance: exact, gradient: 0 },
  ),
];

export const matrixCases: readonly OpCase[] = [...matmuls, ...gathers, ...oneHots];
