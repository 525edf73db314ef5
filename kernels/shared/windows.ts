/**
 * Walks of a window over NHWC images, four channels at a time, with the bounds that padding needs:
 * `forEachWindowVector` from the side of the windows (pools), `forEachPixelVector` from the side of the pixels (their
 * gradients, so that no two units write the same place).
 */
import type { Shape } from '../../src/core/shape.js';
import { type FunctionBuilder, type I32, i32, select } from '../../src/writers/assembler.js';
import type { Padding } from '../contract.js';
import { forEachVector, type VectorPlace } from './units.js';

export interface WindowGeometry {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: Padding;
  /** `[batch, height, width, channels]` of the images; `[batch, rows, columns]` of the grid of windows. */
  readonly images: readonly [number, number, number, number];
  readonly grid: readonly [number, number];
}

export function geometryOf(
  { window, strides, padding }: Pick<WindowGeometry, 'window' | 'strides' | 'padding'>,
  images: Shape,
  windows: Shape,
): WindowGeometry {
  return {
    ...{ window, strides, padding },
    images: images as unknown as WindowGeometry['images'],
    grid: [windows[1]!, windows[2]!],
  };
}

/** Windows of up to this many pixels that all lie inside the image are written out. */
const straightLinePixels = 16;

/** Byte offsets of a vector of channels from the start of an array of 4-byte elements. */
export interface ChannelVector {
  readonly base: I32;
  readonly constant: number;
  /** Offset among the channels alone. */
  readonly channel: VectorPlace;
  readonly lanes: number;
}

/** One pixel under a window. */
export interface Tap {
  /** Where the other side's vector lies: the image's for windows, the grid's for pixels. */
  readonly base: I32;
  readonly constant: number;
  /** Row-major position in the window, padding counted. */
  readonly position: I32;
  /** How many pixels of the window lie inside the image. */
  readonly count: I32;
}

export type TapVisitor = (visit: (tap: Tap) => void) => void;

function smaller(f: FunctionBuilder, a: I32, b: I32): I32 {
  return f.let(select(i32.ltS(a, b), a, b));
}

function larger(f: FunctionBuilder, a: I32, b: I32): I32 {
  return f.let(select(i32.gtS(a, b), a, b));
}

/** The range of a window's pixels, along one axis, that lie inside the image. */
interface Span {
  readonly from: I32;
  readonly to: I32;
  /** Of the window's first pixel in the image; negative in the padding. */
  readonly first: I32;
}

function spanOf(
  f: FunctionBuilder,
  index: I32,
  stride: number,
  before: number,
  extent: number,
  window: number,
): Span {
  const first = f.let(i32.sub(i32.mul(index, stride), before));
  const from = larger(f, i32.const(0), i32.sub(0, first));
  const to = larger(f, from, smaller(f, i32.const(window), i32.sub(extent, first)));
  return { from, to, first };
}

/** Whether no window reaches beyond the image. */
function isInside({ window, strides, padding, images, grid }: WindowGeometry): boolean {
  return (
    padding.top === 0 &&
    padding.left === 0 &&
    (grid[0] - 1) * strides[0] + window[0] <= images[1] &&
    (grid[1] - 1) * strides[1] + window[1] <= images[2]
  );
}

/**
 * Emits the windows of one row of the grid (`row` counts over the batch). `body` writes one vector of the grid; inside
 * it `forEachTap` walks the pixels of the window in row-major order, with offsets in the images.
 */
export function forEachWindowVector(
  f: FunctionBuilder,
  geometry: WindowGeometry,
  row: I32,
  body: (place: ChannelVector, forEachTap: TapVisitor) => void,
): void {
  const { window, strides, padding, images, grid } = geometry;
  const [, height, width, channels] = images;
  const straight = isInside(geometry) && window[0] * window[1] <= straightLinePixels;
  const image = f.let(i32.divU(row, i32.const(grid[0])));
  const i = f.let(i32.sub(row, i32.mul(image, grid[0])));
  const rows = spanOf(f, i, strides[0], padding.top, height, window[0]);
  const imageRow = f.let(i32.add(i32.mul(image, height), rows.first));
  f.loop(0, grid[1], 1, (j) => {
    const columns = spanOf(f, j, strides[1], padding.left, width, window[1]);
    // the first pixel of the window; may lie before the image, is then not read
    const corner = f.let(i32.mul(i32.add(i32.mul(imageRow, width), columns.first), 4 * channels));
    const target = f.let(i32.mul(i32.add(i32.mul(row, grid[1]), j), 4 * channels));
    const count = i32.mul(i32.sub(rows.to, rows.from), i32.sub(columns.to, columns.from));
    const inside = straight ? i32.const(window[0] * window[1]) : f.let(count);
    forEachVector(f, channels, straight ? 4 : 1, (channel) => {
      const { at, constant, lanes } = channel;
      const source = f.let(i32.add(corner, at));
      const place = { base: f.let(i32.add(target, at)), constant, channel, lanes };
      body(place, (visit) => {
        if (straight) {
          for (let tap = 0; tap < window[0] * window[1]; tap++) {
            const [a, b] = [Math.floor(tap / window[1]), tap % window[1]];
            const offset = 4 * channels * (a * width + b) + constant;
            visit({ base: source, constant: offset, position: i32.const(tap), count: inside });
          }
          return;
        }
        f.loop(rows.from, rows.to, 1, (a) => {
          f.loop(columns.from, columns.to, 1, (b) => {
            const pixel = i32.add(i32.mul(a, width), b);
            const base = f.let(i32.add(source, i32.mul(pixel, 4 * channels)));
            visit({ base, constant, position: i32.add(i32.mul(a, window[1]), b), count: inside });
          });
        });
      });
    });
  });
}

/** The windows that cover a pixel along one axis: a half-open range of the grid. */
function coverOf(
  f: FunctionBuilder,
  pixel: I32,
  stride: number,
  before: number,
  grid: number,
  window: number,
): { from: I32; to: I32; padded: I32 } {
  const padded = f.let(i32.add(pixel, before));
  const skipped = i32.add(i32.divU(i32.sub(padded, window), i32.const(stride)), 1);
  const from = f.let(select(i32.ltU(padded, i32.const(window)), i32.const(0), skipped));
  const to = smaller(f, i32.const(grid), i32.add(i32.divU(padded, i32.const(stride)), 1));
  return { from, to: larger(f, from, to), padded };
}

/**
 * Emits the pixels of one row of the images (`row` counts over the batch). `body` writes one vector of the image;
 * inside it `forEachTap` walks the windows that cover the pixel in row-major order, with offsets in the grid.
 */
export function forEachPixelVector(
  f: FunctionBuilder,
  geometry: WindowGeometry,
  row: I32,
  body: (place: ChannelVector, forEachTap: TapVisitor) => void,
): void {
  const { window, strides, padding, images, grid } = geometry;
  const [, height, width, channels] = images;
  const image = f.let(i32.divU(row, i32.const(height)));
  const p = f.let(i32.sub(row, i32.mul(image, height)));
  const rows = coverOf(f, p, strides[0], padding.top, grid[0], window[0]);
  const gridRow = f.let(i32.mul(image, grid[0]));
  f.loop(0, width, 1, (q) => {
    const columns = coverOf(f, q, strides[1], padding.left, grid[1], window[1]);
    const target = f.let(i32.mul(i32.add(i32.mul(row, width), q), 4 * channels));
    forEachVector(f, channels, 1, (channel) => {
      const { at, constant, lanes } = channel;
      const place = { base: f.let(i32.add(target, at)), constant, channel, lanes };
      body(place, (visit) => {
        f.loop(rows.from, rows.to, 1, (i) => {
          const spanRows = spanOf(f, i, strides[0], padding.top, height, window[0]);
          const a = i32.sub(rows.padded, i32.mul(i, strides[0]));
          f.loop(columns.from, columns.to, 1, (j) => {
            const spanColumns = spanOf(f, j, strides[1], padding.left, width, window[1]);
            const b = i32.sub(columns.padded, i32.mul(j, strides[1]));
            const cell = i32.add(i32.mul(i32.add(gridRow, i), grid[1]), j);
            visit({
              base: f.let(i32.add(i32.mul(cell, 4 * channels), at)),
              constant,
              position: i32.add(i32.mul(a, window[1]), b),
              count: i32.mul(i32.sub(spanRows.to, spanRows.from), i32.sub(spanColumns.to, spanColumns.from)),
            });
          });
        });
      });
    });
  });
}
