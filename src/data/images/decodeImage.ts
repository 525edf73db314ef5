/** Pictures in a page: PNG is decoded here, what photos hold by the browser. */
import { checkBytes } from '../../core/check.js';
import { DataError } from '../../core/errors.js';
import { decodePicture } from './decode.js';
import { checkChannels, type InputImage, toInputImage } from './inputImage.js';
import { unpackers } from './pageUnpackers.js';
import type { Preparation } from './prepare.js';

const largestFile = 2 ** 26;

/**
 * Decodes a PNG, JPEG, WebP or BMP picture that a page has, such as a file that was chosen or dropped, as `readImage` does in
 * Node: turned as the camera was held, gray (ITU-R BT.601 luma) or red, green and blue, transparency over white, or black
 * below bright ink, resized by areas to `[height, width, channels]`. `predict` takes its `pixels`.
 *
 * @param picture the bytes of the file, or the file
 * @param shape of the model's images; default [28, 28, 1]
 * @param preparation `invert` and `centerDigits`; default: neither
 * @throws DataError when it is no sound picture, or larger than 64 MB; UsageError for a shape with other than 1 or 3 channels
 */
export async function decodeImage(
  picture: Uint8Array | ArrayBuffer | Blob,
  shape: readonly [number, number, number] = [28, 28, 1],
  preparation: Preparation = {},
): Promise<InputImage> {
  checkChannels('decodeImage', shape);
  const name = typeof File !== 'undefined' && picture instanceof File ? picture.name : 'decodeImage';
  if (!(picture instanceof Blob || picture instanceof ArrayBuffer))
    checkBytes('decodeImage: picture', picture);
  const size = picture instanceof Blob ? picture.size : picture.byteLength;
  if (size > largestFile) throw new DataError(`${name}: ${size} bytes, the limit is ${largestFile}`);
  const bytes =
    picture instanceof Uint8Array
      ? picture
      : new Uint8Array(picture instanceof Blob ? await picture.arrayBuffer() : picture);
  return toInputImage(await decodePicture(bytes, name, unpackers), shape, preparation);
}
