/** Images with borders: a copy in scratch memory, so that windows may hang over the edge. */
import type { FourAxes } from '../../src/core/shape.js';
import { type FunctionBuilder, type I32, i32 } from '../../src/writers/wasm/assembler.js';
import type { Padding } from '../contract.js';
import { wholeLines } from '../toolkit/wasm/units.js';

/** Where the pixels of an image land in a frame: pixel (i, j) at (top + i · steps[0], left + j · steps[1]). */
interface Place {
  readonly top: number;
  readonly left: number;
  readonly steps: readonly [number, number];
}

/** An image `[height, width, channels]` in a frame of zeros. Pixels that land outside are left out. */
export class Frame {
  readonly channels: number;
  /** The frame is the image itself: nothing is copied. */
  readonly plain: boolean;
  /** Bytes of an image, of a line of the frame, and of the whole frame in cache lines. */
  readonly imageBytes: number;
  readonly lineBytes: number;
  readonly frameBytes: number;

  constructor(
    readonly image: readonly [number, number, number],
    readonly size: readonly [number, number],
    readonly place: Place,
  ) {
    const [height, width, channels] = image;
    const { top, left, steps } = place;
    this.channels = channels;
    this.plain =
      [top, left, steps[0] - 1, steps[1] - 1].every((value) => value === 0) &&
      height === size[0] &&
      width === size[1];
    this.imageBytes = 4 * height * width * channels;
    this.lineBytes = 4 * size[1] * channels;
    this.frameBytes = wholeLines(size[0] * this.lineBytes);
  }

  /** The images `[…, height, width, channels]` with a convolution's padding around each. */
  static padded([, height, width, channels]: FourAxes, { top, bottom, left, right }: Padding): Frame {
    const size = [height + top + bottom, width + left + right] as const;
    return new Frame([height, width, channels], size, { top, left, steps: [1, 1] });
  }

  /** With as many zeros below and on the right as this size takes. */
  atLeast([height, width]: readonly [number, number]): Frame {
    const size = [Math.max(height, this.size[0]), Math.max(width, this.size[1])] as const;
    return new Frame(this.image, size, this.place);
  }

  /** Bytes of scratch that it takes. */
  get bytes(): number {
    return this.plain ? 0 : this.frameBytes;
  }

  /** Steps between its pixels. */
  get steps(): readonly [number, number] {
    return this.place.steps;
  }

  /** Its part of explain(). */
  get note(): string[] {
    return this.plain ? [] : ['framed image'];
  }

  /** The rows of the frame outside which all pixels are zeros: the first, and one past the last. */
  get filledRows(): [number, number] {
    const { top, steps } = this.place;
    const [first, last] = inside(top, steps[0], this.image[0], this.size[0]);
    return first === last ? [0, 0] : [top + first * steps[0], top + (last - 1) * steps[0] + 1];
  }

  /** Zeros everywhere: what lies between and around pixels stays so for all images. */
  clear(f: FunctionBuilder, at: I32): void {
    if (!this.plain) f.fill(at, 0, this.frameBytes);
  }

  /** The address of an image with its border: where it stands, or at `at`, where it is copied to. */
  open(f: FunctionBuilder, images: I32, index: I32, at: I32): I32 {
    const source = f.let(i32.add(images, i32.mul(index, this.imageBytes)));
    if (this.plain) return source;
    this.fill(f, source, at);
    return at;
  }

  /** Like `open`, and copied where it is plain too. */
  copy(f: FunctionBuilder, images: I32, index: I32, at: I32): I32 {
    const address = this.open(f, images, index, at);
    if (this.plain) f.copy(at, address, this.imageBytes);
    return at;
  }

  private fill(f: FunctionBuilder, source: I32, at: I32): void {
    const [height, width, channels] = this.image;
    const { top, left, steps } = this.place;
    const pixel = 4 * channels;
    const [firstRow, lastRow] = inside(top, steps[0], height, this.size[0]);
    const [firstColumn, lastColumn] = inside(left, steps[1], width, this.size[1]);
    if (lastColumn === firstColumn) return;
    f.loop(firstRow, lastRow, 1, (row) => {
      const from = f.let(i32.sum(source, i32.mul(row, width * pixel), firstColumn * pixel));
      const line = i32.mul(i32.add(i32.mul(row, steps[0]), top), this.lineBytes);
      const to = f.let(i32.sum(at, line, (left + firstColumn * steps[1]) * pixel));
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
}

/** The first and one past the last index i with 0 ≤ start + i · step < extent, among `count`. */
function inside(start: number, step: number, count: number, extent: number): [number, number] {
  const first = start >= 0 ? 0 : Math.ceil(-start / step);
  const last = Math.min(count, start >= extent ? 0 : Math.floor((extent - 1 - start) / step) + 1);
  return [Math.min(first, last), last];
}
