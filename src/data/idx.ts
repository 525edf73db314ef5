import { constants, gunzipSync } from 'node:zlib';
import { bytesOf } from '../core/dtype.js';
import { DataError, reasonOf } from '../core/errors.js';
import { largestInMemory } from './memory.js';
import { readFileWithin, TooLarge } from './readFile.js';
import { TooLong, unzipWithin } from './unzip.js';

/**
 * The idx format of the MNIST family: two zero bytes, a byte for the element type, a byte for the rank, the sizes as
 * big-endian uint32, then the elements, row-major and big-endian.
 */
export interface IdxArray {
  readonly dtype: 'uint8' | 'int32';
  readonly shape: readonly number[];
  readonly data: Uint8Array | Int32Array;
  /** The whole file, decompressed: what a raw hash is of. */
  readonly raw: Uint8Array;
}

/** The form that a file has to have. */
export interface IdxForm {
  readonly dtype: 'uint8' | 'int32';
  readonly shape: readonly number[];
}

interface Header extends IdxForm {
  readonly headerBytes: number;
  readonly dataBytes: number;
}

const elementTypes: Readonly<Record<number, IdxForm['dtype'] | undefined>> = { 8: 'uint8', 12: 'int32' };
const otherTypes: Readonly<Record<number, string | undefined>> = {
  9: 'int8',
  11: 'int16',
  13: 'float32',
  14: 'float64',
};

/** Bytes in memory: the elements of int32 are there as they are stored, and decoded. */
const bytesHeld = ({ dtype }: Pick<IdxForm, 'dtype'>, dataBytes: number) =>
  dtype === 'int32' ? 2 * dataBytes : dataBytes;

const formText = ({ dtype, shape }: IdxForm) => `${dtype} [${shape.join(', ')}]`;

/** Bytes of a whole idx file of this form, not compressed. */
export function idxBytes({ dtype, shape }: IdxForm): number {
  return 4 + 4 * shape.length + shape.reduce((product, size) => product * size, bytesOf[dtype]);
}

function readHeader(bytes: Uint8Array, file: string): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) {
    throw new DataError(
      `${file}: truncated: an idx header takes at least 4 bytes, the file holds ${bytes.length}`,
    );
  }
  const [first, second, type, rank] = bytes as unknown as [number, number, number, number];
  const other = otherTypes[type];
  if (
    first !== 0 ||
    second !== 0 ||
    rank === 0 ||
    (elementTypes[type] === undefined && other === undefined)
  ) {
    const magic = view.getUint32(0).toString(16).padStart(8, '0');
    throw new DataError(
      `${file}: not an idx file: it begins with 0x${magic}, not with two zero bytes and a type`,
    );
  }
  const dtype = elementTypes[type];
  if (dtype === undefined) {
    throw new DataError(`${file}: idx elements must be uint8 or int32: the header says ${other}`);
  }
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes) {
    throw new DataError(
      `${file}: truncated: an idx header of rank ${rank} takes ${headerBytes} bytes, the file holds ${bytes.length}`,
    );
  }
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const dataBytes = shape.reduce((product, size) => product * size, bytesOf[dtype]);
  // before anything is allocated for it
  if (!(bytesHeld({ dtype }, dataBytes) <= largestInMemory)) {
    throw new DataError(
      `${file}: too large: its header says ${formText({ dtype, shape })}, the limit is ${largestInMemory} bytes in memory`,
      { hint: 'Keep fewer images in it.' },
    );
  }
  return { dtype, shape, headerBytes, dataBytes };
}

function checkForm(found: IdxForm, expected: IdxForm, file: string): void {
  if (formText(found) === formText(expected)) return;
  // Labels have one axis, or two where there is more than a class to tell; images have three.
  const kind = ({ shape }: IdxForm) => (shape.length > 2 ? 'images' : 'labels');
  const mislabeled = `It looks like a file of ${kind(found)} under the name of a file of ${kind(expected)}.`;
  const hint = kind(found) === kind(expected) ? undefined : mislabeled;
  throw new DataError(`${file}: holds ${formText(found)} where ${formText(expected)} is expected`, {
    ...(hint !== undefined && { hint }),
  });
}

/**
 * Decodes the bytes of an idx file that is not compressed. uint8 elements are a view of `bytes`, not a copy.
 *
 * @param file the file's name, for errors.
 * @param expected the form that the file must have; without it any form is taken.
 *
 * Throws DataError: not an idx file, truncated, too long, of another form, of another element type.
 */
export function decodeIdx(bytes: Uint8Array, file: string, expected?: IdxForm): IdxArray {
  const { dtype, shape, headerBytes, dataBytes } = readHeader(bytes, file);
  if (expected !== undefined) checkForm({ dtype, shape }, expected, file);
  const held = bytes.length - headerBytes;
  if (held !== dataBytes) {
    const what = held < dataBytes ? 'truncated' : `${held - dataBytes} bytes too long`;
    throw new DataError(
      `${file}: ${what}: its header says ${formText({ dtype, shape })}, ${dataBytes} bytes, and ${held} follow`,
    );
  }
  const start = bytes.byteOffset + headerBytes;
  // Not bytes.subarray(): of a Buffer that is a Buffer, whose slice() does not copy.
  if (dtype === 'uint8') {
    return { dtype, shape, data: new Uint8Array(bytes.buffer, start, dataBytes), raw: bytes };
  }
  const view = new DataView(bytes.buffer, start, dataBytes);
  const data = Int32Array.from({ length: dataBytes / 4 }, (_, i) => view.getInt32(4 * i));
  return { dtype, shape, data, raw: bytes };
}

/** Tells whether the bytes are a gzip file: its magic number and deflate, its only method. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/**
 * Decompresses no more than an idx file of the size in its own header: the first bytes alone tell how many may come,
 * so a small file that would unpack to gigabytes is refused, not unpacked.
 */
async function decompress(bytes: Uint8Array, file: string, expected?: IdxForm): Promise<Uint8Array> {
  const corrupt = (cause: unknown) => {
    throw new DataError(`${file}: corrupt gzip: ${(cause as Error).message}`, { cause });
  };
  let start: Uint8Array;
  try {
    start = gunzipSync(bytes.subarray(0, 1024), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    return corrupt(cause);
  }
  const header = readHeader(start, file);
  if (expected !== undefined) checkForm(header, expected, file);
  const length = header.headerBytes + header.dataBytes;
  try {
    return await unzipWithin(bytes, length, length);
  } catch (cause) {
    if (!(cause instanceof TooLong)) return corrupt(cause);
    throw new DataError(
      `${file}: too long: its header says ${formText(header)}, ${length} bytes in all, and more follow`,
      { cause },
    );
  }
}

/** Like `decodeIdx`, of bytes that may be compressed with gzip, whatever the file is called. */
export async function parseIdx(bytes: Uint8Array, file: string, expected?: IdxForm): Promise<IdxArray> {
  return decodeIdx(isGzip(bytes) ? await decompress(bytes, file, expected) : bytes, file, expected);
}

/**
 * Reads a whole file that should be an idx file of this form, raw or gzipped, and refuses one that is longer than it
 * could be either way. Throws DataError when it cannot be read.
 */
export async function readBounded(path: string, form?: IdxForm): Promise<Uint8Array> {
  const limit = form === undefined ? largestInMemory : longestStored(form);
  try {
    return await readFileWithin(path, limit);
  } catch (cause) {
    if (cause instanceof TooLarge) {
      throw new DataError(`${path}: too long: ${cause.size} bytes, at most ${limit} are expected`, { cause });
    }
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** The most bytes that a file of this form takes, raw or gzipped: deflate adds less than 0.1% to what it cannot shrink. */
export function longestStored(form: IdxForm): number {
  return Math.ceil(idxBytes(form) * 1.001) + 1024;
}

/** Reads an idx file, raw or gzipped. Throws DataError naming the path, see `decodeIdx`. */
export async function readIdx(path: string, expected?: IdxForm): Promise<IdxArray> {
  return parseIdx(await readBounded(path, expected), path, expected);
}
