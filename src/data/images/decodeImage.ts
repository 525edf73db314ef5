/** Pictures in a page: PNG is decoded here, what photos hold by the browser. */
import { BackendError, DataError } from '../../core/errors.js';
import { decodePicture, type Unpack } from './decode.js';
import { checkChannels, type InputImage, toInputImage } from './inputImage.js';
import type { Preparation } from './prepare.js';

const largestFile = 2 ** 26;

/** As they are stored: turned, and laid on a ground, by what does so with all formats. */
const unpackInPage: Unpack = async (bytes, { exif }) => {
  if (globalThis.createImageBitmap === undefined || globalThis.OffscreenCanvas === undefined) {
    throw new BackendError('there is no browser that decodes it', {
      hint: 'In Node.js readImage reads files; PNG is decoded anywhere.',
    });
  }
  const file = bytes.slice();
  // browsers turn pictures themselves, some of them whatever imageOrientation says
  if (exif !== undefined)
    file.fill(0, exif.byteOffset - bytes.byteOffset, exif.byteOffset - bytes.byteOffset + exif.length);
  const bitmap = await createImageBitmap(new Blob([file]), {
    imageOrientation: 'none',
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none',
  });
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    return { width, height, data: context.getImageData(0, 0, width, height).data };
  } finally {
    bitmap.close();
  }
};

const unpackers = { JPEG: unpackInPage, WebP: unpackInPage, BMP: unpackInPage };

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
  const size = picture instanceof Blob ? picture.size : picture.byteLength;
  if (size > largestFile) throw new DataError(`${name}: ${size} bytes, the limit is ${largestFile}`);
  const bytes =
    picture instanceof Uint8Array
      ? picture
      : new Uint8Array(picture instanceof Blob ? await picture.arrayBuffer() : picture);
  return toInputImage(await decodePicture(bytes, name, unpackers), shape, preparation);
}
