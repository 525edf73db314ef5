/** Photos in Node: libjpeg-turbo and libwebp as WebAssembly. Each is loaded when its first picture comes. */
import { createRequire } from 'node:module';
import type { Unpackers } from './decode.js';
import type { Stored } from './orientation.js';

/** bmp-ts gives alpha, blue, green and red. */
function colorsOfBmp(data: Uint8Array): Uint8Array {
  const colors = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 4) {
    for (let c = 0; c < 3; c++) colors[i + c] = data[i + 3 - c]!;
    colors[i + 3] = 255;
  }
  return colors;
}

const require = createRequire(import.meta.url);

/**
 * A damaged JPEG leaves libjpeg-turbo's memory as it was when it gave up, and after a few hundred there is none left: the
 * next picture gets a decoder of its own. To be deleted when @cwasm/jpeg-turbo frees what it took.
 */
function unpackJpeg(bytes: Uint8Array): Stored {
  const path = require.resolve('@cwasm/jpeg-turbo');
  const { decode } = require(path) as typeof import('@cwasm/jpeg-turbo');
  try {
    return decode(bytes);
  } catch (error) {
    delete require.cache[path];
    throw error;
  }
}

export const unpackers: Unpackers = {
  JPEG: async (bytes) => unpackJpeg(bytes),
  WebP: async (bytes) => (await import('@cwasm/webp')).decode(bytes),
  BMP: async (bytes) => {
    const { decode } = await import('bmp-ts');
    const { width, height, data } = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return { width, height, data: colorsOfBmp(data) };
  },
};
