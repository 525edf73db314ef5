import type { Shape } from '../../../src/core/shape.js';
import { conv2d } from '../../../src/tensor/ops/conv2d.js';
import { depthwiseConv2d } from '../../../src/tensor/ops/depthwise.js';
import type { PaddingOption, Pair } from '../../../src/tensor/ops/geometry.js';
import { averagePool2d, globalAveragePool2d, maxPool2d } from '../../../src/tensor/ops/pool.js';
import { transpose } from '../../../src/tensor/ops/views.js';
import {
  at,
  defineCase,
  distinct,
  exact,
  float32,
  generate,
  listed,
  type OpCase,
  type Values,
} from './define.js';

type Four = readonly [number, number, number, number];

interface Geometry {
  readonly strides?: Pair;
  readonly padding?: PaddingOption;
}

/** Where the windows of one direction start, worked out as Keras documents it. */
function starts(
  extent: number,
  size: number,
  stride: number,
  padding: 'valid' | 'same' | [number, number],
): number[] {
  if (padding === 'same') {
    const count = Math.ceil(extent / stride);
    const needed = Math.max(size + (count - 1) * stride - extent, 0);
    return Array.from({ length: count }, (_, i) => i * stride - Math.floor(needed / 2));
  }
  const [before, after] = padding === 'valid' ? [0, 0] : padding;
  const found: number[] = [];
  for (let start = -before; start + size <= extent + after; start += stride) found.push(start);
  return found;
}

/** The first pixels of all windows, in rows and columns. */
function windows(
  image: Shape,
  size: readonly [number, number],
  { strides = 1, padding = 'valid' }: Geometry,
) {
  const [down, right] = typeof strides === 'number' ? [strides, strides] : strides;
  const vertical: [number, number] | undefined =
    typeof padding === 'object' ? [padding.top, padding.bottom] : undefined;
  const horizontal: [number, number] | undefined =
    typeof padding === 'object' ? [padding.left, padding.right] : undefined;
  const named = padding === 'same' ? 'same' : 'valid';
  return {
    rows: starts(image[1]!, size[0], down, vertical ?? named),
    columns: starts(image[2]!, size[1], right, horizontal ?? named),
  };
}

/** Calls `visit` for every pixel of a window that lies inside the image. */
function eachPixel(
  image: Shape,
  [height, width]: readonly [number, number],
  [top, left]: readonly [number, number],
  visit: (y: number, x: number, a: number, b: number) => void,
): void {
  for (let a = 0; a < height; a++) {
    for (let b = 0; b < width; b++) {
      const [y, x] = [top + a, left + b];
      if (y >= 0 && y < image[1]! && x >= 0 && x < image[2]!) visit(y, x, a, b);
    }
  }
}

function convolution(x: Values, filter: Values, geometry: Geometry): Values {
  const [height, width, inputs, outputs] = filter.shape as Four;
  const { rows, columns } = windows(x.shape, [height, width], geometry);
  return generate([x.shape[0]!, rows.length, columns.length, outputs], ([n, i, j, o]) => {
    let sum = 0;
    eachPixel(x.shape, [height, width], [rows[i!]!, columns[j!]!], (p, q, a, b) => {
      for (let c = 0; c < inputs; c++) sum += at(x, [n!, p, q, c]) * at(filter, [a, b, c, o!]);
    });
    return sum;
  });
}

const convolutions: readonly (readonly [string, Four, Four, Geometry])[] = [
  ['1x1', [2, 3, 3, 4], [1, 1, 4, 5], {}],
  ['3x3 valid', [2, 7, 6, 3], [3, 3, 3, 4], {}],
  ['3x3 same', [2, 5, 7, 2], [3, 3, 2, 3], { padding: 'same' }],
  ['one pixel', [1, 1, 1, 1], [1, 1, 1, 1], {}],
  ['one channel in, eight out', [3, 8, 8, 1], [3, 3, 1, 8], {}],
  ['strides 2 same, even extent', [2, 8, 6, 2], [3, 3, 2, 3], { strides: 2, padding: 'same' }],
  ['strides 2 valid', [1, 9, 7, 2], [3, 2, 2, 5], { strides: 2 }],
  ['strides 3, 1, an even filter, same', [1, 10, 5, 2], [4, 2, 2, 3], { strides: [3, 1], padding: 'same' }],
  ['padding of its own', [1, 4, 5, 2], [3, 3, 2, 2], { padding: { top: 2, bottom: 0, left: 1, right: 3 } }],
  ['the filter as large as the image', [3, 4, 5, 2], [4, 5, 2, 7], {}],
  ['no image', [0, 5, 5, 2], [3, 3, 2, 4], {}],
  ['strides larger than the filter', [2, 9, 9, 3], [2, 2, 3, 2], { strides: 4 }],
  ['17 channels, 11 filters', [1, 6, 6, 17], [3, 3, 17, 11], { padding: 'same' }],
];

/** Filters that wasm takes by F(4x4, 3x3) are up to ten times as far off as sums in order (docs/decisions/0005). */
function convolutionTolerance([height, width, inputs, outputs]: Four) {
  const byWinograd = height === 3 && width === 3 && Math.min(inputs, outputs) >= 8;
  return { absolute: byWinograd ? 1e-4 : 1e-5, relative: 1e-5 };
}

const convolutionCases: readonly OpCase[] = [
  ...convolutions.map(([detail, image, filter, geometry]) =>
    defineCase(
      'conv2d',
      detail,
      [float32(image), float32(filter)],
      (x, w) => conv2d(x, w, geometry),
      (x, w) => convolution(x, w, geometry),
      { tolerance: convolutionTolerance(filter) },
    ),
  ),
  defineCase(
    'conv2d',
    'images with channels first',
    [float32([2, 3, 5, 4]), float32([2, 2, 3, 2])],
    (x, w) => conv2d(transpose(x, [0, 2, 3, 1]), w),
    (x, w) => {
      const images = generate([2, 5, 4, 3], ([n, i, j, c]) => at(x, [n!, c!, i!, j!]));
      return convolution(images, w, {});
    },
  ),
];

function depthwiseConvolution(x: Values, filter: Values, geometry: Geometry): Values {
  const [height, width, channels, multiplier] = filter.shape as Four;
  const { rows, columns } = windows(x.shape, [height, width], geometry);
  return generate([x.shape[0]!, rows.length, columns.length, channels * multiplier], ([n, i, j, o]) => {
    const [c, q] = [Math.floor(o! / multiplier), o! % multiplier];
    let sum = 0;
    eachPixel(x.shape, [height, width], [rows[i!]!, columns[j!]!], (p, r, a, b) => {
      sum += at(x, [n!, p, r, c]) * at(filter, [a, b, c, q]);
    });
    return sum;
  });
}

const depthwiseConvolutions: readonly (readonly [string, Four, Four, Geometry])[] = [
  ['3x3 valid', [2, 5, 6, 3], [3, 3, 3, 1], {}],
  ['3x3 same, two filters for each channel', [2, 4, 5, 5], [3, 3, 5, 2], { padding: 'same' }],
  ['strides 2 same, even extent', [1, 6, 4, 2], [3, 3, 2, 1], { strides: 2, padding: 'same' }],
  ['strides 3, 2 valid, pixels left over', [1, 9, 6, 2], [2, 3, 2, 3], { strides: [3, 2] }],
  ['padding of its own', [1, 3, 4, 2], [2, 2, 2, 1], { padding: { top: 1, bottom: 0, left: 0, right: 2 } }],
  ['one pixel', [3, 1, 1, 1], [1, 1, 1, 1], {}],
  ['no image', [0, 4, 4, 2], [3, 3, 2, 1], {}],
];

const depthwiseCases: readonly OpCase[] = depthwiseConvolutions.map(([detail, image, filter, geometry]) =>
  defineCase(
    'depthwiseConv2d',
    detail,
    [float32(image), float32(filter)],
    (x, w) => depthwiseConv2d(x, w, geometry),
    (x, w) => depthwiseConvolution(x, w, geometry),
    { tolerance: { absolute: 1e-5, relative: 1e-5 } },
  ),
);

interface PoolRow extends Geometry {
  readonly detail: string;
  readonly image: Four;
  readonly window: readonly [number, number];
}

const pools: readonly PoolRow[] = [
  { detail: '2x2', image: [2, 6, 4, 3], window: [2, 2], strides: 2 },
  { detail: '2x2, a pixel left over', image: [1, 7, 5, 5], window: [2, 2], strides: 2 },
  { detail: '3x2 overlapping', image: [2, 6, 5, 2], window: [3, 2], strides: [2, 1] },
  { detail: '3x3 same', image: [1, 5, 5, 2], window: [3, 3], strides: 2, padding: 'same' },
  {
    detail: 'padding of its own',
    image: [1, 4, 4, 3],
    window: [3, 3],
    strides: 1,
    padding: { top: 2, bottom: 1, left: 0, right: 2 },
  },
  { detail: 'one pixel', image: [1, 1, 1, 1], window: [1, 1], strides: 1 },
  { detail: 'no image', image: [0, 4, 4, 2], window: [2, 2], strides: 2 },
  { detail: 'strides larger than the window', image: [1, 9, 7, 4], window: [2, 2], strides: 3 },
];

function pooled(
  x: Values,
  { window, ...geometry }: PoolRow,
  f: (elements: readonly number[]) => number,
): Values {
  const { rows, columns } = windows(x.shape, window, geometry);
  return generate([x.shape[0]!, rows.length, columns.length, x.shape[3]!], ([n, i, j, c]) => {
    const elements: number[] = [];
    eachPixel(x.shape, window, [rows[i!]!, columns[j!]!], (p, q) => elements.push(at(x, [n!, p, q, c!])));
    return f(elements);
  });
}

/** Only what is set: the ops take no undefined options. */
const geometryOf = ({ strides, padding }: Geometry): Geometry => ({
  ...(strides === undefined ? {} : { strides }),
  ...(padding === undefined ? {} : { padding }),
});

const average = (elements: readonly number[]) => elements.reduce((a, b) => a + b, 0) / elements.length;

const poolCases: readonly OpCase[] = [
  ...pools.flatMap((row) => {
    const size = row.image.reduce((a, b) => a * b, 1);
    const { window } = row;
    return [
      defineCase(
        'maxPool2d',
        row.detail,
        [float32(row.image, distinct(size, -1, 1))],
        (x) => maxPool2d(x, window, geometryOf(row)),
        (x) => pooled(x, row, (elements) => Math.max(...elements)),
        { tolerance: exact },
      ),
      defineCase(
        'averagePool2d',
        row.detail,
        [float32(row.image)],
        (x) => averagePool2d(x, window, geometryOf(row)),
        (x) => pooled(x, row, average),
      ),
    ];
  }),
  defineCase(
    'maxPool2d',
    'negative numbers beside padding',
    [float32([1, 3, 3, 1], listed([-5, -4, -3, -2, -1, -6, -7, -8, -9]))],
    (x) => maxPool2d(x, 2, { padding: 'same' }),
    () => ({ shape: [1, 2, 2, 1], data: [-1, -3, -7, -9] }),
    { tolerance: exact },
  ),
  defineCase(
    'maxPool2d',
    'a window of more than 256 pixels',
    [float32([1, 20, 18, 2], distinct(720, -1, 1))],
    (x) => maxPool2d(x, [17, 16], { strides: 1 }),
    (x) =>
      pooled(x, { detail: '', image: [1, 20, 18, 2], window: [17, 16], strides: 1 }, (elements) =>
        Math.max(...elements),
      ),
    { tolerance: exact },
  ),
  defineCase('globalAveragePool2d', 'all pixels', [float32([3, 5, 4, 7])], globalAveragePool2d, (x) =>
    generate([3, 7], ([n, c]) => {
      let sum = 0;
      for (let i = 0; i < 5; i++) for (let j = 0; j < 4; j++) sum += at(x, [n!, i, j, c!]);
      return sum / 20;
    }),
  ),
];

export const imageCases: readonly OpCase[] = [...convolutionCases, ...depthwiseCases, ...poolCases];
