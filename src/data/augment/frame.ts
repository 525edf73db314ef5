/** An image with a border, so that what reads near its edges need not ask where it is. One is used for many images. */
export class Frame {
  readonly pixels: Uint8Array;
  /** Bytes from a row to the next. */
  readonly stride: number;

  readonly height: number;
  readonly width: number;
  readonly channels: number;

  /**
   * @param shape height, width, channels
   * @param border pixels on every side; mirrored ones at most a side less 1
   * @param content what the border is: a gray, or the image mirrored at its edges
   */
  constructor(
    shape: readonly [number, number, number],
    readonly border: number,
    private readonly content: number | 'reflect',
  ) {
    const [height, width, channels] = shape;
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.stride = (width + 2 * border) * channels;
    // one row and one pixel more: the neighbors of the last, which have no weight
    this.pixels = new Uint8Array((height + 2 * border + 1) * this.stride + channels);
    if (content !== 'reflect') this.pixels.fill(content);
  }

  /** Takes the image that begins at a byte of `images`. */
  load(images: Uint8Array, start: number): void {
    const { pixels, stride, border, height, channels } = this;
    const rowBytes = this.width * channels;
    let from = start;
    for (let y = 0; y < height; y++) {
      const to = (y + border) * stride + border * channels;
      for (let i = 0; i < rowBytes; i++) pixels[to + i] = images[from + i]!;
      from += rowBytes;
    }
    if (this.content === 'reflect') this.mirror();
  }

  /** The border as the image mirrored at its outermost pixels, which are not repeated. */
  private mirror(): void {
    const { pixels, stride, border, height, width, channels } = this;
    for (let y = border; y < border + height; y++) {
      const left = y * stride + border * channels;
      const right = left + (width - 1) * channels;
      for (let x = 1; x <= border; x++) {
        for (let c = 0; c < channels; c++) {
          pixels[left - x * channels + c] = pixels[left + x * channels + c]!;
          pixels[right + x * channels + c] = pixels[right - x * channels + c]!;
        }
      }
    }
    for (let y = 1; y <= border; y++) {
      const top = border * stride;
      const bottom = (border + height - 1) * stride;
      pixels.copyWithin(top - y * stride, top + y * stride, top + (y + 1) * stride);
      pixels.copyWithin(bottom + y * stride, bottom - y * stride, bottom - (y - 1) * stride);
    }
  }
}
