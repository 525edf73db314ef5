/**
 * Walks of a window over NHWC images from the side of the pixels: the gradients of pools, in which every pixel is
 * written once, by what the windows above it send, so that no two units write the same place.
 */
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  select,
  type V128,
} from '../../../src/writers/wasm/assembler.js';
import type { EpiloguePosition } from './epilogue.js';
import { forEachVector, placeInRow } from './units.js';
import { paddingBefore, spanOf, type WindowGeometry } from './windows.js';

/** A window above the pixels of a row. */
interface WindowAbove {
  /** Its vector in the grid: byte offset in an array of 4-byte elements, and lanes that exist. */
  readonly base: I32;
  readonly constant: number;
  readonly lanes: number;
  /** Row-major position, within the window, of the first column of the pixels' row. */
  readonly rowStart: I32;
  /** How many pixels of the window lie inside the image. */
  readonly count: I32;
}

interface PixelBody {
  /** Reads what a window has to send, and gives what it sends to the pixel in one of its columns. */
  open(window: WindowAbove): (column: I32) => V128;
  /** Takes the finished sum of a pixel. */
  store(place: EpiloguePosition, sum: V128): void;
}

/** Cells (a window and the gap behind it) as wide as this or wider are not written out column by column. */
const straightLineColumns = 8;

/** Tells whether no pixel has more than one window above it, so that windows can be walked instead. */
function isDisjoint({ window, strides }: WindowGeometry): boolean {
  return strides[0] >= window[0] && strides[1] >= window[1] && strides[1] <= straightLineColumns;
}

/** Emits one row of an image, `row` counted over the batch. */
export function forEachPixelVector(
  f: FunctionBuilder,
  geometry: WindowGeometry,
  row: I32,
  body: PixelBody,
): void {
  if (isDisjoint(geometry)) disjoint(f, geometry, row, body);
  else overlapping(f, geometry, row, body);
}

/** The windows above a pixel along one axis: a half-open range of the grid. */
function coverOf(f: FunctionBuilder, { window, strides, grid }: WindowGeometry, axis: 0 | 1, padded: I32) {
  const stride = i32.const(strides[axis]);
  const later = i32.add(i32.divU(i32.sub(padded, window[axis]), stride), 1);
  const from = f.let(select(i32.ltU(padded, i32.const(window[axis])), i32.const(0), later));
  const end = f.let(i32.add(i32.divU(padded, stride), 1));
  const bounded = f.let(select(i32.ltU(end, i32.const(grid[axis])), end, i32.const(grid[axis])));
  return { from, to: f.let(select(i32.gtU(bounded, from), bounded, from)) };
}

/** The number of pixels of a window inside the image. */
function countOf(f: FunctionBuilder, geometry: WindowGeometry, i: I32, j: I32): I32 {
  const [rows, columns] = [spanOf(f, geometry, 0, i), spanOf(f, geometry, 1, j)];
  return i32.mul(i32.sub(rows.to, rows.from), i32.sub(columns.to, columns.from));
}

/** A pixel gathers from the windows above it, in their row-major order. */
function overlapping(f: FunctionBuilder, geometry: WindowGeometry, row: I32, body: PixelBody): void {
  const { window, strides, images, grid } = geometry;
  const [, height, width, channels] = images;
  const image = f.let(i32.divU(row, i32.const(height)));
  const p = f.let(i32.add(i32.sub(row, i32.mul(image, height)), paddingBefore(geometry, 0)));
  const rows = coverOf(f, geometry, 0, p);
  const gridRow = f.let(i32.mul(image, grid[0]));
  f.loop(0, width, 1, (column) => {
    const q = f.let(i32.add(column, paddingBefore(geometry, 1)));
    const columns = coverOf(f, geometry, 1, q);
    const target = f.let(i32.mul(i32.add(i32.mul(row, width), column), 4 * channels));
    forEachVector(f, channels, 1, (vector) => {
      const { at, constant, lanes } = vector;
      const sum = f.let(f32x4.const(0));
      f.loop(rows.from, rows.to, 1, (i) => {
        const a = i32.sub(p, i32.mul(i, strides[0]));
        f.loop(columns.from, columns.to, 1, (j) => {
          const b = i32.sub(q, i32.mul(j, strides[1]));
          const cell = i32.add(i32.mul(i32.add(gridRow, i), grid[1]), j);
          const base = f.let(i32.add(i32.mul(cell, 4 * channels), at));
          const rowStart = i32.mul(a, window[1]);
          const send = body.open({ base, constant, lanes, rowStart, count: countOf(f, geometry, i, j) });
          f.set(sum, f32x4.add(sum, send(b)));
        });
      });
      body.store(placeInRow(f, target, vector), sum);
    });
  });
}

/** Walks the windows above the row and writes all columns below each, gaps as zeros. */
function disjoint(f: FunctionBuilder, geometry: WindowGeometry, row: I32, body: PixelBody): void {
  const { window, strides, images, grid } = geometry;
  const [, height, width, channels] = images;
  const image = f.let(i32.divU(row, i32.const(height)));
  const p = f.let(i32.add(i32.sub(row, i32.mul(image, height)), paddingBefore(geometry, 0)));
  const i = f.let(i32.divU(p, i32.const(strides[0])));
  const a = f.let(i32.sub(p, i32.mul(i, strides[0])));
  const rowStart = f.let(i32.mul(a, window[1]));
  const imageRow = f.let(i32.mul(row, 4 * width * channels));
  const gridRow = f.let(i32.mul(i32.add(i32.mul(image, grid[0]), i), 4 * grid[1] * channels));

  const zeros = (column: I32) => {
    const start = f.let(i32.add(imageRow, i32.mul(column, 4 * channels)));
    forEachVector(f, channels, 1, (vector) => body.store(placeInRow(f, start, vector), f32x4.const(0)));
  };
  /** Columns `from` to `to` (exclusive) of window j and of the gap behind it. */
  const cell = (j: I32, from: number, to: number) => {
    const column = i32.sub(i32.mul(j, strides[1]), paddingBefore(geometry, 1));
    const corner = f.let(i32.add(imageRow, i32.mul(column, 4 * channels)));
    const source = f.let(i32.add(gridRow, i32.mul(j, 4 * channels)));
    const count = f.let(countOf(f, geometry, i, j));
    forEachVector(f, channels, 2, (vector) => {
      const { at, constant, lanes } = vector;
      const send = body.open({ base: f.let(i32.add(source, at)), constant, lanes, rowStart, count });
      const first = placeInRow(f, corner, vector);
      for (let b = from; b < to; b++) {
        const element = { ...first.element, constant: constant + 4 * b * channels };
        body.store({ ...first, element }, b < window[1] ? send(i32.const(b)) : f32x4.const(0));
      }
    });
  };
  f.if(
    i32.and(i32.ltU(a, i32.const(window[0])), i32.ltU(i, i32.const(grid[0]))),
    () => walkColumns(f, geometry, cell, zeros),
    () => f.loop(0, width, 1, zeros),
  );
}

/** Cuts the columns of an image into whole cells (a window and the gap behind it), parts of cells, and a bare rest. */
function walkColumns(
  f: FunctionBuilder,
  { strides: [, stride], padding: { left }, images: [, , width], grid: [, columns] }: WindowGeometry,
  cell: (j: I32, from: number, to: number) => void,
  zeros: (column: I32) => void,
): void {
  const start = (j: number) => j * stride - left;
  const isWhole = (j: number) => start(j) >= 0 && start(j + 1) <= width;
  const partial = (j: number) => {
    const [from, to] = [Math.max(0, -start(j)), Math.min(stride, width - start(j))];
    if (from < to) cell(i32.const(j), from, to);
  };
  let j = 0;
  for (; j < columns && !isWhole(j); j++) partial(j);
  const firstWhole = j;
  while (j < columns && isWhole(j)) j++;
  f.loop(firstWhole, j, 1, (index) => cell(index, 0, stride));
  for (; j < columns; j++) partial(j);
  f.loop(Math.max(0, start(columns)), width, 1, zeros);
}
