/** Photos in a page: the browser unpacks them. Bundlers of pages put this in the place of `unpackers.ts` (src/vendor/site.ts). */
import { BackendError } from '../../core/errors.js';
import type { Unpack, Unpackers } from './decode.js';

/** As they are stored: turned, and laid on a ground, by what does so with all formats. */
const unpack: Unpack = async (bytes, { exif }) => {
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

export const unpackers: Unpackers = { JPEG: unpack, WebP: unpack, BMP: unpack };
