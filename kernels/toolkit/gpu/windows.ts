/** Common text of convolutions and pools: images as rows of pixels, and the pairs of pixels and windows. */
import { at } from '../../../src/core/lists.js';
import type { Shape } from '../../../src/core/shape.js';
import type { Padding } from '../../contract.js';
import { type GpuOperand, loop, type Table, tableOf } from './kernel.js';

/** A row-major operand `[…, columns]` as a table of rows `[pixel][channel]`. */
export function pixelTable(name: string, operand: GpuOperand): Table {
  const columns = operand.shape.at(-1)!;
  const rows = operand.shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const view = { shape: [rows, columns], strides: [columns, 1], offset: operand.offset };
  return tableOf(name, view, operand.size);
}

/** A window that slides over images. */
export interface Sliding {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: Padding;
}

const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`);

/**
 * Wraps `body` in conditions, one `if` each: code of a condition that is always true is left out. `otherwise` is what is
 * done where one of them fails.
 */
export function when(
  conditions: readonly string[],
  body: readonly string[],
  otherwise: readonly string[] = [],
): readonly string[] {
  const failed = otherwise.length === 0 ? [] : ['} else {', ...indented(otherwise)];
  return conditions.reduceRight<readonly string[]>(
    (inner, condition) => [`if (${condition}) {`, ...indented(inner), ...failed, '}'],
    body,
  );
}

/** The conditions under which a position of an axis that slides `first … last` lies within `0 … extent − 1`. */
function within(position: string, first: number, last: number, extent: number): string[] {
  return [...(first < 0 ? [`${position} >= 0`] : []), ...(last >= extent ? [`${position} < ${extent}`] : [])];
}

function offsetBy(text: string, amount: number): string {
  if (amount === 0) return text;
  return amount > 0 ? `${text} + ${amount}` : `${text} - ${-amount}`;
}

function times(text: string, factor: number): string {
  return factor === 1 ? text : `${text} * ${factor}`;
}

/** Tells whether a window of the grid reaches outside the image. */
export function reachesOutside({ window, strides, padding }: Sliding, images: Shape, grid: Shape): boolean {
  const ends = [1, 2].map((axis) => (at(grid, axis) - 1) * at(strides, axis - 1) + at(window, axis - 1) - 1);
  const [bottom, right] = [at(ends, 0) - padding.top, at(ends, 1) - padding.left];
  return padding.top > 0 || padding.left > 0 || bottom >= at(images, 1) || right >= at(images, 2);
}

/**
 * A loop over the pixels of window (i, j) that lie inside the image. `body` may use the integers `a` and `b`, the place
 * in the window, and the number `pixel`, the row of `pixelTable` of image n. `frame` is what is done for places outside;
 * it may use `a` and `b`.
 */
export function eachPixelOfWindow(
  { window, strides, padding }: Sliding,
  {
    images,
    grid,
    frame = [],
  }: { readonly images: Shape; readonly grid: Shape; readonly frame?: readonly string[] },
  [n, i, j]: readonly string[],
  body: readonly string[],
): string[] {
  const [height, width] = [at(images, 1), at(images, 2)];
  const lastRow = (at(grid, 1) - 1) * strides[0] + window[0] - 1 - padding.top;
  const lastColumn = (at(grid, 2) - 1) * strides[1] + window[1] - 1 - padding.left;
  return [
    `const top = ${offsetBy(times(i!, strides[0]), -padding.top)};`,
    `const left = ${offsetBy(times(j!, strides[1]), -padding.left)};`,
    `const image = ${times(n!, height)};`,
    ...loop('a', window[0], [
      'const p = top + a;',
      ...when(
        within('p', -padding.top, lastRow, height),
        [
          `const start = (image + p) * ${width};`,
          ...loop('b', window[1], [
            'const q = left + b;',
            ...when(
              within('q', -padding.left, lastColumn, width),
              ['const pixel = start + q;', ...body],
              frame,
            ),
          ]),
        ],
        frame.length === 0 ? [] : loop('b', window[1], frame),
      ),
    ]),
  ];
}

/**
 * A loop over the windows that hold pixel (p, q) of image n. `body` may use the numbers `a` and `b`, the pixel's place in
 * the window, `i` and `j`, the window's place in the grid, and `from`, the row of the grid's `pixelTable`.
 */
export function eachWindowOfPixel(
  { window, strides, padding }: Sliding,
  grid: Shape,
  [n, p, q]: readonly string[],
  body: readonly string[],
): string[] {
  // Of window rows t = 0, 1, … above the last that begins at or above the pixel, at most ⌈window / stride⌉ reach it.
  const counts = [Math.ceil(window[0] / strides[0]), Math.ceil(window[1] / strides[1])] as const;
  const last = (position: string, stride: number) =>
    stride === 1 ? position : `Math.floor((${position} + 0.5) / ${stride})`;
  const inside = (place: string, position: string, axis: 0 | 1) => [
    ...(window[axis] % strides[axis] === 0 ? [] : [`${place} < ${window[axis]}`]),
    `${position} >= 0`,
    `${position} < ${at(grid, axis + 1)}`,
  ];
  // With a stride of 1 the turn is the place itself, and stays the integer that a loop's variable is.
  const [rowTurn, columnTurn] = [strides[0] === 1 ? 'a' : 't', strides[1] === 1 ? 'b' : 'u'];
  return [
    `const reachRow = ${offsetBy(p!, padding.top)};`,
    `const reachColumn = ${offsetBy(q!, padding.left)};`,
    `const lastRow = ${last('reachRow', strides[0])};`,
    `const lastColumn = ${last('reachColumn', strides[1])};`,
    ...loop(rowTurn, counts[0], [
      `const i = lastRow - ${rowTurn};`,
      ...(rowTurn === 'a' ? [] : [`const a = reachRow - i * ${strides[0]};`]),
      ...when(inside('a', 'i', 0), [
        `const line = (${times(n!, at(grid, 1))} + i) * ${at(grid, 2)};`,
        ...loop(columnTurn, counts[1], [
          `const j = lastColumn - ${columnTurn};`,
          ...(columnTurn === 'b' ? [] : [`const b = reachColumn - j * ${strides[1]};`]),
          ...when(inside('b', 'j', 1), ['const from = line + j;', ...body]),
        ]),
      ]),
    ]),
  ];
}
