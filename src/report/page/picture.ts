/** Pixels as small PNG pictures. */
import { encode } from 'fast-png';
import { leading } from '../../core/lists.js';

/** Row-major: gray `[height, width]` or color `[height, width, 3]`, 0 to 255. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

export const pngOf = ({ width, height, channels, data }: Pixels): Uint8Array =>
  encode({ width, height, channels, data, depth: 8 });

/** As the address of an image within a page. */
export const dataUrl = (pixels: Pixels): string =>
  `data:image/png;base64,${Buffer.from(pngOf(pixels)).toString('base64')}`;

/** Channels of viridis at tenths (S. van der Walt and N. Smith, 2015): brightness rises evenly, for every kind of sight. */
const viridis: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [72, 36, 117],
  [65, 68, 135],
  [53, 95, 141],
  [42, 120, 142],
  [33, 145, 140],
  [34, 168, 132],
  [68, 191, 112],
  [122, 209, 81],
  [189, 223, 38],
  [253, 231, 37],
];
const blue = [0, 114, 178] as const;
const orange = [213, 94, 0] as const;
const white = [250, 250, 250] as const;

type Color = readonly [number, number, number];

const between = (from: Color, to: Color, share: number) =>
  from.map((value, i) => Math.round(value + share * (to[i]! - value)));

function colored(
  values: ArrayLike<number>,
  width: number,
  height: number,
  color: (value: number) => number[],
): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(color(values[i]!), 3 * i);
  return { width, height, channels: 3, data };
}

/** Numbers of either sign, `[height, width]`: −limit is blue, 0 white, limit orange. */
export function signedPicture(
  values: ArrayLike<number>,
  width: number,
  height: number,
  limit: number,
): Pixels {
  const scale = limit > 0 ? 1 / limit : 0;
  return colored(values, width, height, (value) =>
    between(white, value < 0 ? blue : orange, Math.min(1, Math.abs(value) * scale)),
  );
}

/** Numbers from low (dark violet) to high (yellow), `[height, width]`. */
export function heatPicture(
  values: ArrayLike<number>,
  width: number,
  height: number,
  [low, high]: readonly [number, number],
): Pixels {
  const scale = high > low ? 10 / (high - low) : 0;
  return colored(values, width, height, (value) => {
    const at = Math.min(10, Math.max(0, (value - low) * scale));
    const step = Math.min(9, Math.floor(at));
    return between(viridis[step]!, viridis[step + 1]!, at - step);
  });
}

/** Pictures of one size side by side, `columns` to a row, with a gap of so many pixels, on gray. */
export function montage(pictures: readonly Pixels[], columns: number, gap: number): Pixels {
  const [{ width, height, channels }] = leading(pictures, 1);
  const rows = Math.ceil(pictures.length / columns);
  const across = Math.min(columns, pictures.length);
  const whole = { width: across * (width + gap) - gap, height: rows * (height + gap) - gap };
  const data = new Uint8Array(whole.width * whole.height * channels).fill(128);
  pictures.forEach((picture, i) => {
    const [left, top] = [(i % columns) * (width + gap), Math.floor(i / columns) * (height + gap)];
    for (let y = 0; y < height; y++) {
      const row = picture.data.subarray(y * width * channels, (y + 1) * width * channels);
      data.set(row, ((top + y) * whole.width + left) * channels);
    }
  });
  return { ...whole, channels, data };
}

/** Every pixel as a square of `factor` by `factor`. */
export function enlarge({ width, height, channels, data }: Pixels, factor: number): Pixels {
  const wide = width * factor;
  const large = new Uint8Array(wide * height * factor * channels);
  for (let y = 0; y < height * factor; y++) {
    for (let x = 0; x < wide; x++) {
      const from = (Math.floor(y / factor) * width + Math.floor(x / factor)) * channels;
      large.set(data.subarray(from, from + channels), (y * wide + x) * channels);
    }
  }
  return { width: wide, height: height * factor, channels, data: large };
}
