import { DataError } from '../../core/errors.js';

/** The most that a picture may unpack to: 4096 x 4096 of four channels of 16 bits, or a photo of 33 megapixels. */
const largestUnpacked = 2 ** 27;

/**
 * Throws DataError for a picture without pixels, or one that unpacks to more than 128 MB.
 *
 * @param bytes what it unpacks to; default: four bytes a pixel
 */
export function checkPictureSize(
  { width, height }: { readonly width: number; readonly height: number },
  file: string,
  bytes = 4 * width * height,
): void {
  // a row of filters comes with each row of a PNG
  if (width >= 1 && height >= 1 && bytes <= largestUnpacked + height) return;
  throw new DataError(
    `${file}: a picture must have pixels, and unpack to at most ${largestUnpacked} bytes: ${width} x ${height} take ${bytes}`,
    { ...(bytes > 0 && { hint: 'ImageMagick makes a smaller one: mogrify -resize 1024x1024 FILE.' }) },
  );
}
