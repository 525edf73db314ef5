import { DataError, reasonOf } from '../../core/errors.js';
import { checkPictureSize } from './limits.js';
import type { Samples } from './picture.js';
import {
  type Chunk,
  channelsOf,
  type Header,
  packedBytes,
  readChunks,
  readHeader,
  signature,
} from './pngChunks.js';

/** What is unpacked at once: of this much deflate makes 16 MB at most. */
const stride = 2 ** 14;

/** Unpacks the pixels once, piece by piece, so that the decoder is never given more or fewer than it allocates for. */
async function checkPixels(chunks: readonly Chunk[], header: Header, file: string): Promise<void> {
  const { Unzlib } = await import('fflate');
  const expected = packedBytes(header);
  let found = 0;
  const unpacking = new Unzlib((piece) => {
    found += piece.length;
  });
  try {
    for (const { type, data } of chunks) {
      if (type !== 'IDAT') continue;
      for (let at = 0; at < data.length && found <= expected; at += stride) {
        unpacking.push(data.subarray(at, at + stride));
      }
    }
    if (found <= expected) unpacking.push(new Uint8Array(0), true);
  } catch (cause) {
    throw new DataError(`${file}: corrupt PNG: ${reasonOf(cause)}`, { cause });
  }
  if (found !== expected) {
    const held = found < expected ? found : 'more';
    throw new DataError(`${file}: corrupt PNG: ${expected} bytes of pixels are expected, it holds ${held}`);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Decodes a PNG of any color type; 16 bits are scaled to 8 without rounding.
 *
 * @param file the file's name, for errors.
 *
 * Throws DataError: not a PNG, truncated, corrupt, or too large, which is refused before unpacking.
 */
export async function decodePng(bytes: Uint8Array, file: string): Promise<Samples> {
  const chunks = readChunks(bytes, file);
  const header = readHeader(chunks[0]!, file);
  checkPictureSize(header, file, packedBytes(header));
  await checkPixels(chunks, header, file);
  const { decode } = await import('fast-png');
  try {
    const whole = joined([signature, ...chunks.map((chunk) => chunk.whole)]);
    return samplesOf(decode(whole, { checkCrc: true }), header);
  } catch (cause) {
    throw new DataError(`${file}: corrupt PNG: ${reasonOf(cause)}`, { cause });
  }
}

interface Decoded {
  /** Rows of samples, several to a byte where they are smaller. */
  readonly data: ArrayLike<number>;
  /** Red, green, blue and perhaps alpha of each color, 0 to 255. */
  readonly palette?: readonly (readonly number[])[];
  /** The one gray or color that is transparent. */
  readonly transparency?: ArrayLike<number>;
}

/** Reads samples one by one, wherever they begin in their byte. */
function sampleReader(data: ArrayLike<number>, { width, depth, colorType }: Header) {
  const perRow = width * channelsOf[colorType]!;
  if (depth >= 8) return (y: number, i: number) => data[y * perRow + i]!;
  const bytesPerRow = Math.ceil((perRow * depth) / 8);
  const mask = (1 << depth) - 1;
  return (y: number, i: number) => {
    const bit = i * depth;
    return (data[y * bytesPerRow + (bit >> 3)]! >> (8 - depth - (bit & 7))) & mask;
  };
}

function samplesOf(decoded: Decoded, header: Header): Samples {
  const { width, height } = header;
  return header.colorType === 3
    ? { width, height, ...indexed(decoded, header) }
    : { width, height, ...direct(decoded, header) };
}

type Reading = Omit<Samples, 'width' | 'height'>;

function indexed({ data, palette = [] }: Decoded, header: Header): Reading {
  const { width, height } = header;
  const sample = sampleReader(data, header);
  // what is wrong is said before anything is drawn
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (sample(y, x) >= palette.length) throw new Error('a pixel has a color outside the palette');
    }
  }
  const readRow = (y: number, row: Float64Array) => {
    for (let x = 0; x < width; x++) {
      const color = palette[sample(y, x)]!;
      for (let c = 0; c < 3; c++) row[4 * x + c] = color[c]!;
      row[4 * x + 3] = color[3] ?? 255;
    }
  };
  return { colored: true, transparent: palette.some((color) => (color[3] ?? 255) < 255), readRow };
}

function direct({ data, transparency }: Decoded, header: Header): Reading {
  const { width, depth, colorType } = header;
  const channels = channelsOf[colorType]!;
  const colored = channels > 2;
  const hasAlpha = channels % 2 === 0;
  const sample = sampleReader(data, header);
  const scale = 255 / (2 ** depth - 1);
  const isKey = (y: number, at: number) => {
    if (transparency === undefined) return false;
    for (let c = 0; c < channels; c++) if (sample(y, at + c) !== transparency[c]) return false;
    return true;
  };
  const readRow = (y: number, row: Float64Array) => {
    for (let x = 0; x < width; x++) {
      const at = x * channels;
      for (let c = 0; c < 3; c++) row[4 * x + c] = sample(y, colored ? at + c : at) * scale;
      const opacity = hasAlpha ? sample(y, at + channels - 1) * scale : 255;
      row[4 * x + 3] = !hasAlpha && isKey(y, at) ? 0 : opacity;
    }
  };
  return { colored, transparent: hasAlpha || transparency !== undefined, readRow };
}
