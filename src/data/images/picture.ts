/** A decoded picture: row-major `[height, width, channels]`, from 0 (black) to 255 (white), not rounded. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Gray, or red, green and blue. */
  readonly channels: number;
  readonly values: ArrayLike<number>;
}

/** Luma of ITU-R BT.601. */
export const luma = (red: number, green: number, blue: number) => 0.299 * red + 0.587 * green + 0.114 * blue;

/** Gray by luma, or a color of three equal channels. */
export function withChannels(picture: Picture, channels: number): Picture {
  if (picture.channels === channels) return picture;
  const { width, height, values } = picture;
  const count = width * height;
  const converted = new Float64Array(count * channels);
  for (let i = 0; i < count; i++) {
    if (channels === 1) converted[i] = luma(values[3 * i]!, values[3 * i + 1]!, values[3 * i + 2]!);
    else converted.fill(values[i]!, 3 * i, 3 * i + 3);
  }
  return { width, height, channels, values: converted };
}

/**
 * How much of each of `from` cells every one of `to` equal intervals covers, as a share of the interval: resizing by
 * areas along one axis.
 */
function coverage(from: number, to: number): { start: number; weights: number[] }[] {
  const length = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [low, high] = [i * length, (i + 1) * length];
    const start = Math.floor(low);
    const cells = Math.min(from, Math.ceil(high)) - start;
    const weights = Array.from({ length: cells }, (_, cell) => {
      const overlap = Math.min(high, start + cell + 1) - Math.max(low, start + cell);
      return overlap / length;
    });
    return { start, weights };
  });
}

/**
 * The picture as bytes `[newHeight, newWidth, channels]`. Each new pixel is the mean of the area that it covers, rounded;
 * the proportions of the picture are not kept. Of the same size nothing but rounding is done.
 */
export function resize(
  { width, height, channels, values }: Picture,
  newHeight: number,
  newWidth: number,
): Uint8Array {
  if (width === newWidth && height === newHeight) return Uint8Array.from(values, Math.round);
  const columns = coverage(width, newWidth);
  const rows = coverage(height, newHeight);
  const rowLength = newWidth * channels;
  const narrow = new Float64Array(height * rowLength);
  for (let y = 0; y < height; y++) {
    columns.forEach(({ start, weights }, x) => {
      for (let c = 0; c < channels; c++) {
        const first = (y * width + start) * channels + c;
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i]! * values[first + i * channels]!;
        narrow[y * rowLength + x * channels + c] = sum;
      }
    });
  }
  const pixels = new Uint8Array(newHeight * rowLength);
  rows.forEach(({ start, weights }, y) => {
    for (let at = 0; at < rowLength; at++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * narrow[(start + i) * rowLength + at]!;
      pixels[y * rowLength + at] = Math.round(sum);
    }
  });
  return pixels;
}
