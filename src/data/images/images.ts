import { readFile, stat } from 'node:fs/promises';
import { DataError, reasonOf, UsageError } from '../../core/errors.js';
import { resize } from './picture.js';
import { decodePng } from './png.js';

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
 * Reads a PNG as a dataset's images are: gray (ITU-R BT.601 luma) or red, green and blue, transparency over white, resized
 * by areas to `[height, width, channels]`. An 8-bit picture of that form is kept bit for bit.
 *
 * Throws DataError naming the file when it cannot be read or is no sound PNG, UsageError for a shape with other than 1 or
 * 3 channels.
 */
export async function readImage(
  path: string,
  shape: readonly [number, number, number] = [28, 28, 1],
): Promise<InputImage> {
  const [height, width, channels] = shape;
  if (channels !== 1 && channels !== 3)
    throw new UsageError(`readImage: the shape must have 1 or 3 channels: [${shape.join(', ')}]`);
  const image = await decodePng(await readPicture(path), path, channels);
  return {
    pixels: resize(image, height, width),
    shape,
    original: { width: image.width, height: image.height },
  };
}

/** The bytes of a picture's file. Throws DataError naming it when it cannot be read, or holds more than 64 MB. */
export async function readPicture(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > largestFile) throw new Error(`${size} bytes, the limit is ${largestFile}`);
    return await readFile(path);
  } catch (cause) {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
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
