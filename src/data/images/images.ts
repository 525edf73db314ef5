import { DataError, reasonOf } from '../../core/errors.js';
import { readFileWithin } from '../readFile.js';
import { decodePicture } from './decode.js';
import { checkChannels, type InputImage, toInputImage } from './inputImage.js';
import type { Samples } from './picture.js';
import type { Preparation } from './prepare.js';
import { unpackers } from './unpackers.js';

export type { InputImage } from './inputImage.js';
export { looksInverted } from './prepare.js';

const largestFile = 2 ** 26;

/**
 * Reads a PNG, JPEG, WebP or BMP picture as a dataset's images are: turned as the camera was held, gray (ITU-R BT.601
 * luma) or red, green and blue, transparency over white, or black below bright ink, resized by areas to
 * `[height, width, channels]`. An 8-bit PNG of that form is kept bit for bit.
 *
 * Throws DataError naming the file when it cannot be read or is no sound picture, UsageError for a shape with other than 1
 * or 3 channels.
 */
export async function readImage(
  path: string,
  shape: readonly [number, number, number] = [28, 28, 1],
  preparation: Preparation = {},
): Promise<InputImage> {
  checkChannels('readImage', shape);
  const bytes = await readBytes(path);
  return toInputImage(await decodePicture(bytes, path, unpackers), shape, preparation);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFileWithin(path, largestFile);
  } catch (cause) {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Reads and decodes pictures one by one; while one is worked on, the bytes of the next are being read.
 *
 * @returns gives the next picture. Throws DataError naming it when it cannot be read, or its file is larger than 64 MB.
 */
export function pictureReader(paths: readonly string[]): () => Promise<Samples> {
  let ahead: Promise<Uint8Array> | undefined;
  let next = 0;
  return async () => {
    const path = paths[next++]!;
    const reading = ahead ?? readBytes(path);
    ahead = next < paths.length ? readBytes(paths[next]!) : undefined;
    // it is looked at when its turn comes
    ahead?.catch(() => {});
    return decodePicture(await reading, path, unpackers);
  };
}
