import { randomBits } from '../../core/random.js';
import type { Elastic } from './augmentation.js';
import { counters, type Draws } from './draws.js';

/**
 * Odd widths of three moving averages, one after another, that come closest to a Gaussian of this deviation: the
 * variance of a moving average of width w is (w² − 1) / 12 (Kovesi, "Fast almost-Gaussian filtering", DICTA 2010).
 */
export function averageWidths(sigma: number): readonly [number, number, number] {
  const ideal = Math.sqrt(4 * sigma * sigma + 1);
  const low = 2 * Math.floor((ideal - 1) / 2) + 1;
  // as good either way: the wider one, whose deviation is nearer
  const narrow = Math.ceil((12 * sigma * sigma - 3 * low * low - 12 * low - 9) / (-4 * low - 4) - 0.5);
  const width = (i: number) => (i < narrow ? low : low + 2);
  return [width(0), width(1), width(2)];
}

/** Rows of numbers, with rows of zeros before and behind them. */
class Rows {
  readonly values: Float64Array;

  constructor(
    readonly count: number,
    /** Numbers of a row. */
    readonly length: number,
    readonly margin: number,
  ) {
    this.values = new Float64Array((count + 2 * margin) * length);
  }

  /** Becomes the sums of so many rows of another about each of its rows. */
  sumOf({ values: from }: Rows, window: number): void {
    const { values: to, count, length, margin } = this;
    const half = (window - 1) / 2;
    const begin = margin * length;
    const end = begin + count * length;
    for (let i = begin; i < begin + length; i++) {
      let sum = 0;
      for (let y = 0; y <= half; y++) sum += from[i + y * length]!;
      to[i] = sum;
    }
    // what enters and what leaves the window of the row before
    const enters = half * length;
    const leaves = -(half + 1) * length;
    for (let i = begin + length; i < end; i++) {
      to[i] = to[i - length]! + (from[i + enters]! - from[i + leaves]!);
    }
  }
}

/**
 * A random field of displacements: noise from −1 to 1 for each pixel, smoothed, times alpha. As Simard et al. have it,
 * nothing lies beyond the edges, so what is near them moves less.
 *
 * The noise is whole numbers and so are all sums, below 2^53 in practice: exact, and rounded alike everywhere if not.
 */
export class ElasticField {
  /** Displacement of each pixel, 16.16 fixed point. */
  readonly x: Int32Array;
  readonly y: Int32Array;
  /** Two of each. `[width, 2, height]`: noise, and sums along x; `[height, 2, width]`: sums along y too. */
  private readonly columns: readonly [Rows, Rows];
  private readonly rows: readonly [Rows, Rows];
  private readonly windows: readonly [number, number, number];
  private readonly factor: number;

  constructor(
    private readonly height: number,
    private readonly width: number,
    { alpha, sigma }: Elastic,
  ) {
    this.x = new Int32Array(height * width);
    this.y = new Int32Array(height * width);
    this.windows = averageWidths(sigma);
    const [a, b, c] = this.windows;
    const margin = (Math.max(a, b, c) + 1) / 2;
    this.columns = [new Rows(width, 2 * height, margin), new Rows(width, 2 * height, margin)];
    this.rows = [new Rows(height, 2 * width, margin), new Rows(height, 2 * width, margin)];
    const weight = a * b * c;
    // noise up to 4095 and sums over twice three windows become pixels with 16 bits behind the point
    this.factor = (alpha * 65536) / (4095 * weight * weight);
  }

  draw({ key, sample }: Draws): void {
    const { columns, rows, height, width } = this;
    const { values, margin } = columns[0];
    for (let x = 0, i = 0; x < width; x++) {
      const start = (x + margin) * 2 * height;
      for (let y = 0; y < height; y++, i++) {
        // odd numbers from -4095 to 4095, so that their mean is 0
        const bits = randomBits(counters.elastic + i, key, sample);
        values[start + y] = 2 * (bits & 4095) - 4095;
        values[start + height + y] = 2 * (bits >>> 12) - 4095;
      }
    }
    this.smooth(columns);
    this.turn(columns[1], rows[0]);
    this.smooth(rows);
    this.finish(rows[1]);
  }

  /** From the first to the second. */
  private smooth([first, second]: readonly [Rows, Rows]): void {
    const [a, b, c] = this.windows;
    second.sumOf(first, a);
    first.sumOf(second, b);
    second.sumOf(first, c);
  }

  /** Columns become rows. */
  private turn({ values: from, margin }: Rows, { values: to }: Rows): void {
    const { height, width } = this;
    for (let y = 0; y < height; y++) {
      for (let direction = 0; direction < 2; direction++) {
        const start = ((y + margin) * 2 + direction) * width;
        let at = (margin * 2 + direction) * height + y;
        for (let x = 0; x < width; x++, at += 2 * height) to[start + x] = from[at]!;
      }
    }
  }

  private finish({ values, margin }: Rows): void {
    const { height, width, factor, x: fieldX, y: fieldY } = this;
    for (let y = 0, i = 0; y < height; y++) {
      const start = (y + margin) * 2 * width;
      for (let x = 0; x < width; x++, i++) {
        fieldX[i] = Math.floor(values[start + x]! * factor + 0.5);
        fieldY[i] = Math.floor(values[start + width + x]! * factor + 0.5);
      }
    }
  }
}
