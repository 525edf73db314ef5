/** The chunks of a PNG file and its header, checked before anything is unpacked. PNG, third edition, W3C 2025. */
import { DataError } from '../../core/errors.js';

export interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colorType: number;
  readonly interlaced: boolean;
}

export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** With length, type and checksum. */
  readonly whole: Uint8Array;
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** By color type. */
export const channelsOf: Readonly<Record<number, number | undefined>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
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

function splitChunks(bytes: Uint8Array, file: string): Chunk[] {
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

const needed = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];

/** Chunks that say how the picture is drawn; a decoder that does not know one of those must not draw. */
const isCritical = ({ type }: Chunk) => /^[A-Z]/.test(type);

/** Finds the flaw of the chunks as a list. */
function flawOf(chunks: readonly Chunk[]): string | undefined {
  const types = chunks.map(({ type }) => type);
  if (types[0] !== 'IHDR') return 'it does not begin with a header';
  for (const type of ['IHDR', 'PLTE', 'tRNS']) {
    const count = types.filter((other) => other === type).length;
    if (count > 1) return `there are ${count} ${type} chunks, one may be there`;
  }
  const strange = chunks.find((one) => isCritical(one) && !needed.includes(one.type));
  if (strange !== undefined) return `a critical chunk that is not known: ${JSON.stringify(strange.type)}`;
  const [first, last] = [types.indexOf('IDAT'), types.lastIndexOf('IDAT')];
  if (first < 0) return 'there are no pixels in it';
  if (types.slice(first, last).some((type) => type !== 'IDAT')) return 'its pixels are not in one piece';
  if (types.indexOf('PLTE') > first) return 'its palette comes after its pixels';
  return undefined;
}

/** The chunks that decide what the picture looks like. Throws DataError. */
export function readChunks(bytes: Uint8Array, file: string): Chunk[] {
  const chunks = splitChunks(bytes, file);
  const flaw = flawOf(chunks);
  if (flaw !== undefined) throw new DataError(`${file}: corrupt PNG: ${flaw}`);
  // the others (text, color profiles, …) change nothing here; the decoder need not see them
  return chunks.filter(({ type }) => needed.includes(type));
}

/** Throws DataError for a header that is none, and for pictures that no decoder draws. */
export function readHeader({ data }: Chunk, file: string): Header {
  if (data.length !== 13)
    throw new DataError(`${file}: corrupt PNG: its header has ${data.length} bytes, not 13`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colorType, compression, filter, interlace] = data.subarray(8) as unknown as number[];
  if (!depthsOf[colorType!]?.includes(depth!)) {
    throw new DataError(`${file}: corrupt PNG: no such format: color type ${colorType} with ${depth} bits`);
  }
  if (compression !== 0 || filter !== 0 || interlace! > 1) {
    throw new DataError(
      `${file}: corrupt PNG: no such methods: compression ${compression}, filter ${filter}, interlace ${interlace}`,
    );
  }
  if (interlace !== 0 && depth! < 8) {
    throw new DataError(`${file}: an interlaced PNG must have 8 or 16 bits per channel: ${depth} bits`);
  }
  return { width, height, depth: depth!, colorType: colorType!, interlaced: interlace !== 0 };
}

/** One pass of a picture: every `xStep`th pixel of every `yStep`th row from `x`, `y` on. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly xStep: number;
  readonly yStep: number;
  readonly columns: number;
  readonly rows: number;
}

/** The passes that hold pixels; one, of all, where it is not interlaced. */
export function passesOf({ width, height, interlaced }: Header): Pass[] {
  const passes = interlaced ? interlacePasses : [[0, 0, 1, 1] as const];
  return passes
    .map(([x, y, xStep, yStep]) => {
      const [columns, rows] = [Math.ceil((width - x) / xStep), Math.ceil((height - y) / yStep)];
      return { x, y, xStep, yStep, columns, rows };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** Bytes of the pixels as they are packed: every row of every pass is preceded by the number of its filter. */
export function packedBytes(header: Header): number {
  const bits = header.depth * channelsOf[header.colorType]!;
  return passesOf(header).reduce(
    (sum, { columns, rows }) => sum + rows * (1 + Math.ceil((columns * bits) / 8)),
    0,
  );
}

/** Of each byte, its CRC-32 (ISO 3309). */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** The CRC-32 of bytes, going on from that of the bytes before them. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ crcTable[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

/** Throws an Error for a chunk that is not what was written. */
export function checkCrc({ type, whole }: Chunk): void {
  const end = whole.length - 4;
  const found = crc32(whole.subarray(4, end));
  const stored = new DataView(whole.buffer, whole.byteOffset + end).getUint32(0);
  if (found === stored) return;
  throw new Error(`CRC mismatch for chunk ${type}: it says ${stored}, its bytes give ${found}`);
}
