import { readFile, stat } from 'node:fs/promises';
import { DataError, reasonOf, UsageError } from '../core/errors.js';
import { decodeGreyPng, type GreyImage } from './png.js';

/** A picture in the form of a dataset's images. */
export interface InputImage {
  /** `[height, width, channels]`, row-major, 0 to 255. */
  readonly pixels: Uint8Array;
  readonly shape: readonly [number, number, number];
  /** Size of the picture in its file. */
  readonly original: { readonly width: number; readonly height: number };
}

const largestFile = 2 ** 26;

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

/** Each new pixel is the mean of the area that it covers; the proportions of the picture are not kept. */
function resize({ width, height, grey }: GreyImage, newHeight: number, newWidth: number): Uint8Array {
  const columns = coverage(width, newWidth);
  const rows = coverage(height, newHeight);
  const narrow = new Float64Array(height * newWidth);
  for (let y = 0; y < height; y++) {
    columns.forEach(({ start, weights }, x) => {
      const sum = weights.reduce((total, weight, i) => total + weight * grey[y * width + start + i]!, 0);
      narrow[y * newWidth + x] = sum;
    });
  }
  const pixels = new Uint8Array(newHeight * newWidth);
  rows.forEach(({ start, weights }, y) => {
    for (let x = 0; x < newWidth; x++) {
      const sum = weights.reduce(
        (total, weight, i) => total + weight * narrow[(start + i) * newWidth + x]!,
        0,
      );
      pixels[y * newWidth + x] = Math.round(sum);
    }
  });
  return pixels;
}

/**
 * Reads a PNG as a dataset's images are: grey (ITU-R BT.601 luma, transparency over white), resized by areas to
 * `[height, width, 1]`. A grey 8-bit picture of that size is kept bit for bit.
 *
 * Throws DataError naming the file when it cannot be read or is no sound PNG, UsageError for a shape with more than
 * one channel.
 */
export async function readImage(
  path: string,
  shape: readonly [number, number, number] = [28, 28, 1],
): Promise<InputImage> {
  const [height, width, channels] = shape;
  if (channels !== 1)
    throw new UsageError(`readImage: the shape must have one channel: [${shape.join(', ')}]`);
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > largestFile) throw new Error(`${size} bytes, the limit is ${largestFile}`);
    bytes = await readFile(path);
  } catch (cause) {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  const image = await decodeGreyPng(bytes, path);
  return {
    pixels: resize(image, height, width),
    shape,
    original: { width: image.width, height: image.height },
  };
}

/**
 * Whether a picture seems to be dark on bright, where the MNIST family is bright on black: the pixels along its border
 * are brighter than half on average.
 */
export function looksInverted({ pixels, shape }: Pick<InputImage, 'pixels' | 'shape'>): boolean {
  const [height, width, channels] = shape;
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue;
      for (let c = 0; c < channels; c++) sum += pixels[(y * width + x) * channels + c]!;
      count += channels;
    }
  }
  return sum > count * 127.5;
}
