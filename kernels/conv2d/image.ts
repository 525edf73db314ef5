/** Images with borders: a copy in scratch memory, so that windows may hang over the edge. */
import { type FunctionBuilder, type I32, i32 } from '../../src/writers/wasm/assembler.js';

/**
 * Where the pixels of a source image `[height, width, channels]` land in a frame of `[frameHeight, frameWidth, channels]`:
 * pixel (i, j) at (top + i · steps[0], left + j · steps[1]). Pixels that land outside are left out.
 */
export interface Frame {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly frameHeight: number;
  readonly frameWidth: number;
  readonly top: number;
  readonly left: number;
  readonly steps: readonly [number, number];
}

/** Whether the frame is the image itself: nothing to copy. */
export function isPlain({ height, width, frameHeight, frameWidth, top, left, steps }: Frame): boolean {
  return (
    top === 0 &&
    left === 0 &&
    steps[0] === 1 &&
    steps[1] === 1 &&
    height === frameHeight &&
    width === frameWidth
  );
}

/** Bytes of scratch that the frame takes, 64-byte aligned; 0 for a plain one. */
export function frameBytes(frame: Frame): number {
  if (isPlain(frame)) return 0;
  return Math.ceil((4 * frame.frameHeight * frame.frameWidth * frame.channels) / 64) * 64;
}

/** The first and one past the last index i with 0 ≤ start + i · step < extent, among `count`. */
function inside(start: number, step: number, count: number, extent: number): [number, number] {
  const first = start >= 0 ? 0 : Math.ceil(-start / step);
  const last = Math.min(count, start >= extent ? 0 : Math.floor((extent - 1 - start) / step) + 1);
  return [Math.min(first, last), last];
}

/** The rows of the frame outside which all pixels are zeros: the first, and one past the last. */
export function filledRows({ height, frameHeight, top, steps }: Frame): [number, number] {
  const [first, last] = inside(top, steps[0], height, frameHeight);
  return first === last ? [0, 0] : [top + first * steps[0], top + (last - 1) * steps[0] + 1];
}

/** Zeros everywhere: what lies between and around pixels stays so for all images. */
export function emitClearFrame(f: FunctionBuilder, frame: Frame, address: I32): void {
  if (!isPlain(frame)) f.fill(address, 0, frameBytes(frame));
}

/** Copies the pixels of the image at `source` into the frame at `address`. */
export function emitFillFrame(f: FunctionBuilder, frame: Frame, source: I32, address: I32): void {
  const { height, width, channels, frameHeight, frameWidth, top, left, steps } = frame;
  const pixel = 4 * channels;
  const [firstRow, lastRow] = inside(top, steps[0], height, frameHeight);
  const [firstColumn, lastColumn] = inside(left, steps[1], width, frameWidth);
  if (lastColumn === firstColumn) return;
  f.loop(firstRow, lastRow, 1, (row) => {
    const from = f.let(i32.sum(source, i32.mul(row, width * pixel), firstColumn * pixel));
    const line = i32.mul(i32.add(i32.mul(row, steps[0]), top), frameWidth * pixel);
    const to = f.let(i32.sum(address, line, (left + firstColumn * steps[1]) * pixel));
    if (steps[1] === 1) {
      f.copy(to, from, (lastColumn - firstColumn) * pixel);
      return;
    }
    f.loop(firstColumn, lastColumn, 1, () => {
      f.copy(to, from, pixel);
      f.increase(from, pixel);
      f.increase(to, steps[1] * pixel);
    });
  });
}
