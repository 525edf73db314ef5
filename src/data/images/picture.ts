/** Height, width and channels of an image. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** A picture that is read row by row, so that no more of it need be in memory than its file unpacks to. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Gray, or red, green and blue. */
  readonly channels: number;
  /** Puts row `y`, `[width, channels]`, into `row`: from 0 (black) to 255 (white), not rounded. */
  readonly readRow: (y: number, row: Float64Array) => void;
}

/** The result of a decoder: colors, and how opaque they are. */
export interface Samples {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue may differ. */
  readonly colored: boolean;
  /** Some of it may be transparent. */
  readonly transparent: boolean;
  /** Puts row `y`, `[width, 4]`, into `row`: red, green, blue and alpha, each from 0 to 255, not rounded. */
  readonly readRow: (y: number, row: Float64Array) => void;
}

/** Luma of ITU-R BT.601. */
const luma = (red: number, green: number, blue: number) => 0.299 * red + 0.587 * green + 0.114 * blue;

/** Pixels that are in memory, `[height, width, channels]` row-major. */
export function pictureOf(values: ArrayLike<number>, [height, width, channels]: ImageShape): Picture {
  const length = width * channels;
  const readRow = (y: number, row: Float64Array) => {
    for (let i = 0; i < length; i++) row[i] = values[y * length + i]!;
  };
  return { width, height, channels, readRow };
}

/**
 * What transparent pixels lie over: whatever the drawing stands out from. A drawing in bright ink lies over black, any
 * other over white, as a viewer or a sheet of paper shows it.
 */
function groundOf({ width, height, readRow }: Samples): number {
  const row = new Float64Array(4 * width);
  let [ink, opaque] = [0, 0];
  for (let y = 0; y < height; y++) {
    readRow(y, row);
    for (let i = 0; i < row.length; i += 4) {
      const alpha = row[i + 3]!;
      ink += alpha * luma(row[i]!, row[i + 1]!, row[i + 2]!);
      opaque += alpha;
    }
  }
  return ink > 127.5 * opaque ? 0 : 255;
}

/** A decoded picture in gray or in colors, on its ground. Default: colors if it has any. */
export function toPicture(samples: Samples, channels: number = samples.colored ? 3 : 1): Picture {
  const { width, height, colored, transparent } = samples;
  const ground = transparent ? groundOf(samples) : 0;
  const colors = new Float64Array(4 * width);
  const readRow = (y: number, row: Float64Array) => {
    samples.readRow(y, colors);
    for (let x = 0; x < width; x++) {
      const at = 4 * x;
      const [red, green, blue] = [colors[at]!, colors[at + 1]!, colors[at + 2]!];
      const alpha = transparent ? colors[at + 3]! / 255 : 1;
      const under = (1 - alpha) * ground;
      if (channels === 1) row[x] = alpha * (colored ? luma(red, green, blue) : red) + under;
      else {
        row[3 * x] = alpha * red + under;
        row[3 * x + 1] = alpha * green + under;
        row[3 * x + 2] = alpha * blue + under;
      }
    }
  };
  return { width, height, channels, readRow };
}

/** Gray by luma, or a color of three equal channels. */
export function withChannels(picture: Picture, channels: number): Picture {
  if (picture.channels === channels) return picture;
  const { width, height } = picture;
  const own = new Float64Array(width * picture.channels);
  const readRow = (y: number, row: Float64Array) => {
    picture.readRow(y, own);
    for (let x = 0; x < width; x++) {
      if (channels === 1) row[x] = luma(own[3 * x]!, own[3 * x + 1]!, own[3 * x + 2]!);
      else row.fill(own[x]!, 3 * x, 3 * x + 3);
    }
  };
  return { width, height, channels, readRow };
}

/** Dark on bright becomes bright on dark. */
export function invert(picture: Picture): Picture {
  const length = picture.width * picture.channels;
  const readRow = (y: number, row: Float64Array) => {
    picture.readRow(y, row);
    for (let i = 0; i < length; i++) row[i] = 255 - row[i]!;
  };
  return { ...picture, readRow };
}

/** The whole picture, `[height, width, channels]`, rounded. */
function bytesOfPicture({ width, height, channels, readRow }: Picture): Uint8Array {
  const row = new Float64Array(width * channels);
  const bytes = new Uint8Array(height * row.length);
  for (let y = 0; y < height; y++) {
    readRow(y, row);
    for (let i = 0; i < row.length; i++) bytes[y * row.length + i] = Math.round(row[i]!);
  }
  return bytes;
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
export function resize(picture: Picture, newHeight: number, newWidth: number): Uint8Array {
  const { width, height, channels } = picture;
  if (width === newWidth && height === newHeight) return bytesOfPicture(picture);
  const columns = coverage(width, newWidth);
  const rowLength = newWidth * channels;
  const row = new Float64Array(width * channels);
  const narrow = new Float64Array(rowLength);
  const sums = new Float64Array(rowLength);
  const pixels = new Uint8Array(newHeight * rowLength);
  let last = -1;
  // neighboring rows of the result share at most one row of the picture
  const readNarrow = (y: number) => {
    if (y === last) return;
    last = y;
    picture.readRow(y, row);
    for (const [x, { start, weights }] of columns.entries()) {
      for (let c = 0; c < channels; c++) {
        const first = start * channels + c;
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i]! * row[first + i * channels]!;
        narrow[x * channels + c] = sum;
      }
    }
  };
  for (const [y, { start, weights }] of coverage(height, newHeight).entries()) {
    sums.fill(0);
    for (const [i, weight] of weights.entries()) {
      readNarrow(start + i);
      for (let at = 0; at < rowLength; at++) sums[at]! += weight * narrow[at]!;
    }
    for (let at = 0; at < rowLength; at++) pixels[y * rowLength + at] = Math.round(sums[at]!);
  }
  return pixels;
}
