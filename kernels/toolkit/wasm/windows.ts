/**
 * Walks of a window over NHWC images from the side of the windows, as pools do it, four channels at a time. From the
 * side of the pixels: pixels.ts.
 */
import type { Shape } from '../../../src/core/shape.js';
import { type FunctionBuilder, type I32, i32, select } from '../../../src/writers/wasm/assembler.js';
import type { Padding } from '../../contract.js';
import type { EpiloguePosition } from './epilogue.js';
import { forEachVector, placeInRow } from './units.js';

export interface WindowGeometry {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: Padding;
  /** `[batch, height, width, channels]` of the images. */
  readonly images: readonly [number, number, number, number];
  /** Rows and columns of the grid of windows. */
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

/** Windows of up to this many pixels are written out where they lie inside the image. */
const straightLinePixels = 16;

/** One pixel under one window. */
interface Tap {
  /** Where its vector lies in the images: byte offset in an array of 4-byte elements. */
  readonly base: I32;
  readonly constant: number;
  /** Row-major position in the window, padding counted. */
  readonly position: I32;
  /** How many pixels of the window lie inside the image. */
  readonly count: I32;
}

interface WindowBody {
  /** A window inside the image, at a place of the grid: all its pixels. */
  whole(place: EpiloguePosition, taps: readonly Tap[]): void;
  /** Any window; `first` is the position of its first pixel inside the image, `forEach` walks them in order. */
  part(place: EpiloguePosition, first: I32, forEach: (visit: (tap: Tap) => void) => void): void;
}

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

/** Along axis 0 (rows) or 1 (columns) of the grid. */
export function spanOf(f: FunctionBuilder, geometry: WindowGeometry, axis: 0 | 1, index: I32): Span {
  const { window, strides, images } = geometry;
  const first = f.let(i32.sub(i32.mul(index, strides[axis]), paddingBefore(geometry, axis)));
  const from = larger(f, i32.const(0), i32.sub(0, first));
  const to = larger(f, from, smaller(f, i32.const(window[axis]), i32.sub(images[1 + axis]!, first)));
  return { from, to, first };
}

export function paddingBefore({ padding }: WindowGeometry, axis: 0 | 1): number {
  return axis === 0 ? padding.top : padding.left;
}

/** The half-open range of windows along an axis that lie inside the image. */
function insideRange(geometry: WindowGeometry, axis: 0 | 1): [number, number] {
  const { window, strides, images, grid } = geometry;
  const before = paddingBefore(geometry, axis);
  const from = Math.min(grid[axis], Math.ceil(before / strides[axis]));
  const last = Math.floor((images[1 + axis]! + before - window[axis]) / strides[axis]);
  return [from, Math.max(from, Math.min(grid[axis], last + 1))];
}

/** 1 where `index` is in the range; a constant where the range is all there is, or nothing. */
function isIn(index: I32, [from, to]: readonly [number, number], extent: number): I32 {
  if (to - from === extent) return i32.const(1);
  return to === from ? i32.const(0) : i32.ltU(i32.sub(index, from), i32.const(to - from));
}

/** Emits all windows of one row of the grid, `row` counted over the batch. */
export function forEachWindowVector(
  f: FunctionBuilder,
  geometry: WindowGeometry,
  row: I32,
  body: WindowBody,
): void {
  const { window, images, grid } = geometry;
  const [, height, width, channels] = images;
  const pixels = window[0] * window[1];
  const image = f.let(i32.divU(row, i32.const(grid[0])));
  const i = f.let(i32.sub(row, i32.mul(image, grid[0])));
  const rows = spanOf(f, geometry, 0, i);
  const imageRow = f.let(i32.add(i32.mul(image, height), rows.first));
  const rowInside = isIn(i, insideRange(geometry, 0), grid[0]);
  f.loop(0, grid[1], 1, (j) => {
    const columns = spanOf(f, geometry, 1, j);
    // the first pixel of the window; where it lies before the image it is not read
    const corner = f.let(i32.mul(i32.add(i32.mul(imageRow, width), columns.first), 4 * channels));
    const target = f.let(i32.mul(i32.add(i32.mul(row, grid[1]), j), 4 * channels));
    const whole = () => {
      forEachVector(f, channels, pixels <= 4 ? 8 : 2, (vector) => {
        const source = f.let(i32.add(corner, vector.at));
        const taps = Array.from({ length: pixels }, (_, tap) => {
          const pixel = Math.floor(tap / window[1]) * width + (tap % window[1]);
          const offset = 4 * channels * pixel + vector.constant;
          return { base: source, constant: offset, position: i32.const(tap), count: i32.const(pixels) };
        });
        body.whole(placeInRow(f, target, vector), taps);
      });
    };
    const part = () => {
      const count = f.let(i32.mul(i32.sub(rows.to, rows.from), i32.sub(columns.to, columns.from)));
      const first = i32.add(i32.mul(rows.from, window[1]), columns.from);
      forEachVector(f, channels, 1, (vector) => {
        const { at, constant } = vector;
        body.part(placeInRow(f, target, vector), first, (visit) => {
          f.loop(rows.from, rows.to, 1, (a) => {
            f.loop(columns.from, columns.to, 1, (b) => {
              const pixel = i32.add(i32.mul(a, width), b);
              const base = f.let(i32.sum(corner, at, i32.mul(pixel, 4 * channels)));
              visit({ base, constant, position: i32.add(i32.mul(a, window[1]), b), count });
            });
          });
        });
      });
    };
    if (pixels > straightLinePixels) {
      part();
      return;
    }
    const columnInside = isIn(j, insideRange(geometry, 1), grid[1]);
    const inside =
      rowInside.constant === undefined && columnInside.constant === undefined
        ? i32.and(rowInside, columnInside)
        : rowInside.constant === 1 || columnInside.constant === 0
          ? columnInside
          : rowInside;
    f.if(inside, whole, part);
  });
}
