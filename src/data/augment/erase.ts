import { randomBits, randomUniform } from '../../core/random.js';
import { type Augmentation, type Erase, eraseDefaults } from './augmentation.js';
import { counters, drawBelow, drawBetween } from './draws.js';

/** Places tried for a rectangle: one that is too long for the image is drawn anew. */
const attempts = 20;

/** What cuts pieces out of images. */
export class Eraser {
  private readonly fill: number;

  constructor(
    private readonly height: number,
    private readonly width: number,
    private readonly channels: number,
    private readonly augmentation: Pick<Augmentation, 'erase' | 'cutout' | 'fill'>,
  ) {
    this.fill = augmentation.fill ?? 0;
  }

  apply(target: Uint8Array, start: number, key: number, sample: number): void {
    const { erase, cutout } = this.augmentation;
    if (erase !== undefined) this.erase(erase, target, start, key, sample);
    if (cutout !== undefined) this.cut(cutout, target, start, key, sample);
  }

  /** Height √(area · aspect), width √(area / aspect), anywhere within the image. */
  private erase(erase: Erase, target: Uint8Array, start: number, key: number, sample: number): void {
    const { height, width } = this;
    const { probability, area, aspect } = eraseDefaults;
    if (randomUniform(counters.erase, key, sample) >= (erase.probability ?? probability)) return;
    const [least, most] = erase.area ?? area;
    const [flat, tall] = erase.aspect ?? aspect;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const counter = counters.erasePlace + 4 * attempt;
      const pixels = height * width * drawBetween(counter, key, sample, least, most);
      const ratio = drawBetween(counter + 1, key, sample, flat, tall);
      const rows = Math.round(Math.sqrt(pixels * ratio));
      const columns = Math.round(Math.sqrt(pixels / ratio));
      if (rows > height || columns > width) continue;
      const top = drawBelow(counter + 2, key, sample, height - rows + 1);
      const left = drawBelow(counter + 3, key, sample, width - columns + 1);
      if (erase.value === 'random') this.scatter(target, start, top, left, rows, columns, key, sample);
      else this.blank(target, start, top, left, rows, columns, erase.value ?? this.fill);
      return;
    }
  }

  /** A square about a pixel, which may reach beyond the image. An even side has one pixel more above and to the left. */
  private cut(side: number, target: Uint8Array, start: number, key: number, sample: number): void {
    const { height, width } = this;
    const half = Math.floor(side / 2);
    const y = drawBelow(counters.cutoutY, key, sample, height) - half;
    const x = drawBelow(counters.cutoutX, key, sample, width) - half;
    const [top, left] = [Math.max(0, y), Math.max(0, x)];
    const [rows, columns] = [Math.min(height, y + side) - top, Math.min(width, x + side) - left];
    this.blank(target, start, top, left, rows, columns, this.fill);
  }

  private blank(
    target: Uint8Array,
    start: number,
    top: number,
    left: number,
    rows: number,
    columns: number,
    value: number,
  ): void {
    const { width, channels } = this;
    for (let y = top; y < top + rows; y++) {
      const first = start + (y * width + left) * channels;
      target.fill(value, first, first + columns * channels);
    }
  }

  private scatter(
    target: Uint8Array,
    start: number,
    top: number,
    left: number,
    rows: number,
    columns: number,
    key: number,
    sample: number,
  ): void {
    const { width, channels } = this;
    for (let y = top; y < top + rows; y++) {
      const first = (y * width + left) * channels;
      for (let at = first; at < first + columns * channels; at++) {
        target[start + at] = randomBits(counters.erasePixels + at, key, sample) >>> 16;
      }
    }
  }
}
