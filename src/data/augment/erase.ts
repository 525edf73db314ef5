import { type Augmentation, type Erase, eraseDefaults } from './augmentation.js';
import { counters, type Draws } from './draws.js';

/** Places tried for a rectangle: one that is too long for the image is drawn anew. */
const attempts = 20;

interface Piece {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
}

/** Cuts pieces out of images. */
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

  /** Cuts pieces out of the image that begins at byte `start` of `target`. */
  apply(target: Uint8Array, start: number, draws: Draws): void {
    const { erase, cutout } = this.augmentation;
    const image = target.subarray(start, start + this.height * this.width * this.channels);
    if (erase !== undefined) this.erase(erase, image, draws);
    if (cutout !== undefined) this.cut(cutout, image, draws);
  }

  /** Height √(area · aspect), width √(area / aspect), anywhere within the image. */
  private erase(erase: Erase, image: Uint8Array, draws: Draws): void {
    const { height, width } = this;
    const { probability, area, aspect } = eraseDefaults;
    if (draws.uniform(counters.erase) >= (erase.probability ?? probability)) return;
    const [least, most] = erase.area ?? area;
    const [flat, tall] = erase.aspect ?? aspect;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const counter = counters.erasePlace + 4 * attempt;
      const pixels = height * width * draws.between(counter, least, most);
      const ratio = draws.between(counter + 1, flat, tall);
      const rows = Math.round(Math.sqrt(pixels * ratio));
      const columns = Math.round(Math.sqrt(pixels / ratio));
      if (rows > height || columns > width) continue;
      const top = draws.below(counter + 2, height - rows + 1);
      const left = draws.below(counter + 3, width - columns + 1);
      const piece: Piece = { top, left, rows, columns };
      if (erase.value === 'random') this.scatter(image, piece, draws);
      else this.blank(image, piece, erase.value ?? this.fill);
      return;
    }
  }

  /** A square about a pixel, which may reach beyond the image. An even side has one pixel more above and to the left. */
  private cut(side: number, image: Uint8Array, draws: Draws): void {
    const { height, width } = this;
    const half = Math.floor(side / 2);
    const y = draws.below(counters.cutoutY, height) - half;
    const x = draws.below(counters.cutoutX, width) - half;
    const [top, left] = [Math.max(0, y), Math.max(0, x)];
    const [rows, columns] = [Math.min(height, y + side) - top, Math.min(width, x + side) - left];
    this.blank(image, { top, left, rows, columns }, this.fill);
  }

  private blank(image: Uint8Array, { top, left, rows, columns }: Piece, value: number): void {
    const { width, channels } = this;
    for (let y = top; y < top + rows; y++) {
      const first = (y * width + left) * channels;
      image.fill(value, first, first + columns * channels);
    }
  }

  private scatter(image: Uint8Array, { top, left, rows, columns }: Piece, draws: Draws): void {
    const { width, channels } = this;
    for (let y = top; y < top + rows; y++) {
      const first = (y * width + left) * channels;
      for (let at = first; at < first + columns * channels; at++) {
        image[at] = draws.bits(counters.erasePixels + at) >>> 16;
      }
    }
  }
}
