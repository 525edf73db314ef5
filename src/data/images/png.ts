import { DataError, reasonOf } from '../../core/errors.js';
import { checkPictureSize } from './limits.js';
import type { Samples } from './picture.js';
import {
  type Chunk,
  channelsOf,
  checkCrc,
  type Header,
  packedBytes,
  readChunks,
  readHeader,
} from './pngChunks.js';
import { samplesOf } from './pngPixels.js';

/** Bytes that are unpacked at once: of these deflate makes 16 MB at most. */
const stride = 2 ** 14;

/** Bytes of a zlib stream around what it packs. */
const emptyZlib = 6;

/** Unpacks the pixels into as many bytes as are expected. Throws an Error when there are more, or fewer. */
async function unpackPixels(packed: readonly Uint8Array[], expected: number): Promise<Uint8Array> {
  const { Unzlib, unzlibSync } = await import('fflate');
  const [first] = packed;
  const pixels = new Uint8Array(expected + 1);
  let found = 0;
  if (packed.length === 1 && first!.length > emptyZlib && first!.length <= stride) {
    // most pictures of a dataset: streaming takes 160 KB for each
    found = unzlibSync(first!, { out: pixels }).length;
  } else {
    const unpacking = new Unzlib((piece) => {
      if (found + piece.length <= pixels.length) pixels.set(piece, found);
      found += piece.length;
    });
    for (const data of packed) {
      for (let at = 0; at < data.length && found <= expected; at += stride) {
        unpacking.push(data.subarray(at, at + stride));
      }
    }
    if (found <= expected) unpacking.push(new Uint8Array(0), true);
  }
  if (found === expected) return pixels.subarray(0, expected);
  throw new Error(`${expected} bytes of pixels are expected, it holds ${found < expected ? found : 'more'}`);
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
  const expected = packedBytes(header);
  checkPictureSize(header, file, expected);
  try {
    for (const chunk of chunks) checkCrc(chunk);
    const packed = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data);
    const data = samplesOf(await unpackPixels(packed, expected), header);
    const { width, height } = header;
    const reading = header.colorType === 3 ? indexed : direct;
    return { width, height, ...reading(data, chunks, header) };
  } catch (cause) {
    throw new DataError(`${file}: corrupt PNG: ${reasonOf(cause)}`, { cause });
  }
}

const dataOf = (chunks: readonly Chunk[], type: string) => chunks.find((chunk) => chunk.type === type)?.data;

/** Red, green, blue and alpha of each color, 0 to 255. */
function paletteOf(chunks: readonly Chunk[]): number[][] {
  const colors = dataOf(chunks, 'PLTE') ?? new Uint8Array(0);
  const alphas = dataOf(chunks, 'tRNS') ?? new Uint8Array(0);
  const count = colors.length / 3;
  if (!Number.isInteger(count)) throw new Error(`a palette of ${colors.length} bytes, three are a color`);
  if (alphas.length > count) throw new Error(`${alphas.length} alphas for ${count} colors of the palette`);
  return Array.from({ length: count }, (_, i) => [...colors.subarray(3 * i, 3 * i + 3), alphas[i] ?? 255]);
}

/** The one gray or color that is transparent, if there is. */
function transparencyOf(chunks: readonly Chunk[], { colorType }: Header): number[] | undefined {
  const data = dataOf(chunks, 'tRNS');
  if (data === undefined) return undefined;
  if (colorType > 2) throw new Error('a transparent color beside an alpha channel');
  const expected = 2 * channelsOf[colorType]!;
  if (data.length !== expected)
    throw new Error(`a transparent color of ${data.length} bytes, not ${expected}`);
  return Array.from({ length: expected / 2 }, (_, i) => 256 * data[2 * i]! + data[2 * i + 1]!);
}

/** Reads samples one by one, wherever they begin in their byte. */
function sampleReader(data: Uint8Array, { width, depth, colorType }: Header) {
  const perRow = width * channelsOf[colorType]!;
  if (depth === 8) return (y: number, i: number) => data[y * perRow + i]!;
  if (depth === 16) {
    return (y: number, i: number) => {
      const at = 2 * (y * perRow + i);
      return 256 * data[at]! + data[at + 1]!;
    };
  }
  const bytesPerRow = Math.ceil((perRow * depth) / 8);
  const mask = (1 << depth) - 1;
  return (y: number, i: number) => {
    const bit = i * depth;
    return (data[y * bytesPerRow + (bit >> 3)]! >> (8 - depth - (bit & 7))) & mask;
  };
}

type Reading = Omit<Samples, 'width' | 'height'>;

function indexed(data: Uint8Array, chunks: readonly Chunk[], header: Header): Reading {
  const palette = paletteOf(chunks);
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
      for (let c = 0; c < 4; c++) row[4 * x + c] = color[c]!;
    }
  };
  return { colored: true, transparent: palette.some(([, , , alpha]) => alpha! < 255), readRow };
}

function direct(data: Uint8Array, chunks: readonly Chunk[], header: Header): Reading {
  const transparency = transparencyOf(chunks, header);
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
