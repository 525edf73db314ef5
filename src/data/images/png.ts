import { inflateSync } from 'node:zlib';
import { DataError } from '../../core/errors.js';
import { luma, type Picture } from './picture.js';

/** Brightness of every pixel, row-major `[height, width]`, from 0 (black) to 255 (white), not rounded. */
export interface GrayImage {
  readonly width: number;
  readonly height: number;
  readonly gray: Float64Array;
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colorType: number;
  readonly interlaced: boolean;
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** With length, type and checksum. */
  readonly whole: Uint8Array;
}

// Far more than a picture of one digit needs, and little enough to unpack without harm.
const largestSide = 4096;
const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const channelsOf: Readonly<Record<number, number | undefined>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const depthsOf: Readonly<Record<number, readonly number[] | undefined>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** Starts of the columns and rows of the seven passes of an interlaced PNG, and the steps between them (Adam7). */
const interlacePasses: readonly (readonly [x: number, y: number, xStep: number, yStep: number])[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

function readChunks(bytes: Uint8Array, file: string): Chunk[] {
  if (!signature.every((byte, i) => bytes[i] === byte)) throw new DataError(`${file}: not a PNG file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = signature.length; chunks.at(-1)?.type !== 'IEND'; ) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Number.POSITIVE_INFINITY;
    const end = at + 12 + length;
    if (end > bytes.length) throw new DataError(`${file}: truncated PNG: it ends in the middle of a chunk`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.push({ type, data: bytes.subarray(at + 8, end - 4), whole: bytes.subarray(at, end) });
    at = end;
  }
  return chunks;
}

function readHeader(first: Chunk | undefined, file: string): Header {
  if (first?.type !== 'IHDR' || first.data.length !== 13) {
    throw new DataError(`${file}: corrupt PNG: it does not begin with a header`);
  }
  const { data } = first;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colorType, interlace] = [data[8]!, data[9]!, data[12]!];
  if (width < 1 || height < 1 || width > largestSide || height > largestSide) {
    throw new DataError(
      `${file}: sides of a PNG must be from 1 to ${largestSide} pixels: ${width} x ${height}`,
    );
  }
  if (!depthsOf[colorType]?.includes(depth)) {
    throw new DataError(`${file}: corrupt PNG: no such format: color type ${colorType} with ${depth} bits`);
  }
  if (interlace !== 0 && depth < 8) {
    throw new DataError(`${file}: an interlaced PNG must have 8 or 16 bits per channel: ${depth} bits`);
  }
  return { width, height, depth, colorType, interlaced: interlace !== 0 };
}

/** Bytes of the pixels as they are packed: every row of every pass is preceded by the number of its filter. */
function packedBytes({ width, height, depth, colorType, interlaced }: Header): number {
  const bits = depth * channelsOf[colorType]!;
  const passes = interlaced ? interlacePasses : [[0, 0, 1, 1] as const];
  return passes.reduce((sum, [x, y, xStep, yStep]) => {
    const columns = Math.ceil((width - x) / xStep);
    const rows = Math.ceil((height - y) / yStep);
    return columns > 0 && rows > 0 ? sum + rows * (1 + Math.ceil((columns * bits) / 8)) : sum;
  }, 0);
}

/** Unpacks the pixels once, within bounds, so that the decoder is never given more or fewer than it allocates for. */
function checkPixels(chunks: readonly Chunk[], header: Header, file: string): void {
  const packed = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data));
  const expected = packedBytes(header);
  let found: number;
  try {
    found = inflateSync(packed, { maxOutputLength: expected }).length;
  } catch (cause) {
    throw new DataError(`${file}: corrupt PNG: ${(cause as Error).message}`, { cause });
  }
  if (found !== expected) {
    throw new DataError(`${file}: corrupt PNG: ${expected} bytes of pixels are expected, it holds ${found}`);
  }
}

/** Rows of samples, several to a byte when they are smaller, as one sample per element. */
function unpackSamples(data: ArrayLike<number>, { width, height, depth, colorType }: Header): Uint16Array {
  const perRow = width * channelsOf[colorType]!;
  if (depth >= 8) return Uint16Array.from(data);
  const bytesPerRow = Math.ceil((perRow * depth) / 8);
  const samples = new Uint16Array(perRow * height);
  for (let row = 0; row < height; row++) {
    for (let i = 0; i < perRow; i++) {
      const bit = i * depth;
      const byte = data[row * bytesPerRow + (bit >> 3)]!;
      samples[row * perRow + i] = (byte >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
    }
  }
  return samples;
}

/** Like `decodePng`, to gray: colors by their luma. */
export async function decodeGrayPng(bytes: Uint8Array, file: string): Promise<GrayImage> {
  const { width, height, values } = await decodePng(bytes, file, 1);
  return { width, height, gray: values as Float64Array };
}

/**
 * Decodes a PNG of any color type: 16 bits are scaled to 8 without rounding, and what is transparent is laid over white,
 * as a viewer or a sheet of paper shows it.
 *
 * @param file the file's name, for errors.
 * @param channels 1 for gray, 3 for colors; default: what the file has, a palette being colors
 *
 * Throws DataError: not a PNG, truncated, corrupt, or with a side above 4096 pixels, which is refused before unpacking.
 */
export async function decodePng(bytes: Uint8Array, file: string, channels?: 1 | 3): Promise<Picture> {
  // The other chunks (text, color profiles, …) change nothing here; the decoder need not see them.
  const needed = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];
  const chunks = readChunks(bytes, file).filter(({ type }) => needed.includes(type));
  const header = readHeader(chunks[0], file);
  checkPixels(chunks, header, file);
  const { decode } = await import('fast-png');
  try {
    const whole = Buffer.concat([Uint8Array.from(signature), ...chunks.map((chunk) => chunk.whole)]);
    return toPicture(decode(whole, { checkCrc: true }), header, channels ?? ownChannels(header));
  } catch (cause) {
    throw new DataError(`${file}: corrupt PNG: ${(cause as Error).message}`, { cause });
  }
}

interface Decoded {
  readonly data: ArrayLike<number>;
  /** Red, green, blue and perhaps alpha of each color, 0 to 255. */
  readonly palette?: readonly (readonly number[])[];
  /** The one gray or color that is transparent. */
  readonly transparency?: ArrayLike<number>;
}

const ownChannels = ({ colorType }: Header) => (channelsOf[colorType]! < 3 && colorType !== 3 ? 1 : 3);

function toPicture({ data, palette, transparency }: Decoded, header: Header, wanted: 1 | 3): Picture {
  const { width, height, depth, colorType } = header;
  const channels = channelsOf[colorType]!;
  const samples = unpackSamples(data, header);
  const scale = 255 / (2 ** depth - 1);
  const values = new Float64Array(width * height * wanted);
  for (let i = 0; i < width * height; i++) {
    const at = i * channels;
    let [red, green, blue] = [0, 0, 0];
    let alpha = 1;
    if (colorType === 3) {
      const color = palette?.[samples[at]!];
      if (color === undefined) throw new Error('a pixel has a color outside the palette');
      [red, green, blue] = color as [number, number, number];
      alpha = (color[3] ?? 255) / 255;
    } else {
      red = samples[at]! * scale;
      [green, blue] = channels < 3 ? [red, red] : [samples[at + 1]! * scale, samples[at + 2]! * scale];
      if (channels === 2 || channels === 4) alpha = (samples[at + channels - 1]! * scale) / 255;
      else if (transparency !== undefined) {
        let equal = true;
        for (let c = 0; c < channels; c++) equal &&= samples[at + c] === transparency[c];
        alpha = equal ? 0 : 1;
      }
    }
    const white = (1 - alpha) * 255;
    if (wanted === 1) {
      const gray = channels < 3 && colorType !== 3 ? red : luma(red, green, blue);
      values[i] = alpha * gray + white;
    } else {
      values[3 * i] = alpha * red + white;
      values[3 * i + 1] = alpha * green + white;
      values[3 * i + 2] = alpha * blue + white;
    }
  }
  return { width, height, channels: wanted, values };
}
