/**
 * The safetensors format: a length (u64, little-endian), a JSON header of that length, then the bytes of all tensors
 * one after the other, row-major and little-endian.
 * https://huggingface.co/docs/safetensors/index#format
 */
import { bytesOf, type Dtype, dtypeOf, type HostArray } from '../../core/dtype.js';
import { DataError } from '../../core/errors.js';
import { isObject } from '../../core/json.js';
import { parseBounded, shown } from '../../core/schema.js';
import { formatShape, type Shape, sizeOf } from '../../core/shape.js';

export interface StoredTensor {
  readonly shape: Shape;
  /** Row-major; its type is the dtype. */
  readonly data: HostArray;
}

export interface Safetensors {
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Texts by name, from the header's `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

const lengthBytes = 8;
/** Where the tensors begin is a multiple of this, so that the file can be mapped into memory. */
const alignment = 8;
/** As in the format's own implementation. */
const largestHeader = 100_000_000;

const nameOf: Readonly<Record<Dtype, string>> = { float32: 'F32', int32: 'I32', uint8: 'U8' };
const dtypeNamed = new Map(Object.entries(nameOf).map(([dtype, name]) => [name, dtype as Dtype]));

/** The bytes of a file that holds these tensors, in this order. */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  const entries: [string, unknown][] = [['__metadata__', Object.fromEntries(metadata)]];
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    const start = end;
    end += data.byteLength;
    entries.push([name, { dtype: nameOf[dtypeOf(data)!], shape, data_offsets: [start, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const dataStart = Math.ceil((lengthBytes + json.length) / alignment) * alignment;
  const bytes = new Uint8Array(dataStart + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - lengthBytes), true);
  bytes.set(json, lengthBytes);
  bytes.fill(0x20, lengthBytes + json.length, dataStart);
  let position = dataStart;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

function parseHeader(
  bytes: Uint8Array,
  file: string,
): { header: Readonly<Record<string, unknown>>; dataStart: number } {
  if (bytes.length < lengthBytes) {
    throw new DataError(`${file}: not a safetensors file: ${bytes.length} bytes hold no header length`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(largestHeader)) {
    throw new DataError(
      `${file}: not a safetensors file: a header of ${length} bytes is over ${largestHeader}`,
    );
  }
  const dataStart = lengthBytes + Number(length);
  if (dataStart > bytes.length) {
    throw new DataError(
      `${file}: truncated: the header should end at byte ${dataStart}, the file at ${bytes.length}`,
    );
  }
  let header: unknown;
  try {
    header = parseBounded(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(lengthBytes, dataStart)),
    );
  } catch (cause) {
    throw new DataError(`${file}: the header of ${length} bytes is not JSON`, { cause });
  }
  if (!isObject(header)) throw new DataError(`${file}: the header is not a JSON object`);
  return { header, dataStart };
}

function parseMetadata(value: unknown, file: string): Map<string, string> {
  if (value === undefined) return new Map();
  const entries = isObject(value) ? Object.entries(value) : undefined;
  if (!entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw new DataError(`${file}: __metadata__ in the header must be texts by name`);
  }
  return new Map(entries);
}

interface Entry {
  readonly name: string;
  /** As the format calls it. */
  readonly dtype: string;
  readonly shape: Shape;
  readonly start: number;
  readonly end: number;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Bytes of a number by the format's names of dtypes. */
type Widths = ReadonlyMap<string, number>;

const ownWidths: Widths = new Map(
  [...dtypeNamed].map(([name, dtype]): [string, number] => [name, bytesOf[dtype]]),
);

/** Every dtype of the format whose numbers are whole bytes. */
const allWidths: Widths = new Map([
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3'].map((name): [string, number] => [name, 1]),
  ...['I16', 'U16', 'F16', 'BF16'].map((name): [string, number] => [name, 2]),
  ...['I32', 'U32', 'F32'].map((name): [string, number] => [name, 4]),
  ...['I64', 'U64', 'F64'].map((name): [string, number] => [name, 8]),
]);

function parseEntry(name: string, value: unknown, file: string, widths: Widths): Entry {
  const where = `${file}: tensor '${name}'`;
  if (!isObject(value)) throw new DataError(`${where}: its entry in the header is not a JSON object`);
  const { dtype, shape, data_offsets: offsets } = value;
  const width = typeof dtype === 'string' ? widths.get(dtype) : undefined;
  if (typeof dtype !== 'string' || width === undefined) {
    const known = [...widths.keys()].join(', ');
    throw new DataError(`${where}: its dtype must be one of ${known}: ${shown(dtype)}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new DataError(`${where}: its shape must be a list of integers ≥ 0: ${shown(shape)}`);
  }
  const [start, end] = Array.isArray(offsets) && offsets.length === 2 ? offsets : [];
  if (!isCount(start) || !isCount(end) || start > end) {
    throw new DataError(`${where}: its data_offsets must be two ascending integers ≥ 0: ${shown(offsets)}`);
  }
  const expected = sizeOf(shape) * width;
  if (end - start !== expected) {
    throw new DataError(
      `${where}: ${dtype} ${formatShape(shape)} takes ${expected} bytes, its data_offsets span ${end - start}`,
    );
  }
  return { name, dtype, shape, start, end };
}

/** Throws unless the tensors fill the bytes after the header from end to end, each byte once. */
function checkLayout(entries: readonly Entry[], dataBytes: number, file: string): void {
  let position = 0;
  for (const { name, start, end } of entries) {
    if (end > dataBytes) {
      throw new DataError(
        `${file}: truncated: tensor '${name}' ends at byte ${end} of the data, which has ${dataBytes}`,
      );
    }
    if (start !== position) {
      const what = start < position ? 'overlaps the one before it' : 'leaves a gap before it';
      throw new DataError(`${file}: tensor '${name}' ${what}: it starts at byte ${start}, not ${position}`);
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw new DataError(`${file}: the tensors end at byte ${position} of the data, which has ${dataBytes}`);
  }
}

function readData(bytes: Uint8Array, dtype: Dtype): HostArray {
  // A copy, since the bytes need not be aligned.
  const { buffer } = new Uint8Array(bytes);
  if (dtype === 'float32') return new Float32Array(buffer);
  return dtype === 'int32' ? new Int32Array(buffer) : new Uint8Array(buffer);
}

/** A tensor of any dtype, as the file has it. */
interface RawTensor {
  readonly name: string;
  /** As the format calls it, such as F16. */
  readonly dtype: string;
  readonly shape: Shape;
  /** Part of the file. */
  readonly bytes: Uint8Array;
}

function readLayout(
  bytes: Uint8Array,
  file: string,
  widths: Widths,
): { readonly tensors: readonly RawTensor[]; readonly metadata: ReadonlyMap<string, string> } {
  const { header, dataStart } = parseHeader(bytes, file);
  const { __metadata__: stored, ...rest } = header;
  const metadata = parseMetadata(stored, file);
  const entries = Object.entries(rest)
    .map(([name, value]) => parseEntry(name, value, file, widths))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  checkLayout(entries, bytes.length - dataStart, file);
  const data = bytes.subarray(dataStart);
  return {
    metadata,
    tensors: entries.map(({ start, end, ...entry }) => ({ ...entry, bytes: data.subarray(start, end) })),
  };
}

/** As `decodeSafetensors`, of all dtypes of the format. */
export function decodeAnySafetensors(bytes: Uint8Array, file: string): ReturnType<typeof readLayout> {
  return readLayout(bytes, file, allWidths);
}

/**
 * Reads a file of float32, int32 and uint8 tensors.
 *
 * @param file names the file in errors.
 *
 * Throws DataError for anything that the format does not allow: a header that is cut off, no JSON or contradicts the
 * file's size, tensors that overlap, leave gaps or whose shapes contradict their bytes, other dtypes.
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const { tensors, metadata } = readLayout(bytes, file, ownWidths);
  const decoded = tensors.map(({ name, dtype, shape, bytes: content }): [string, StoredTensor] => [
    name,
    { shape, data: readData(content, dtypeNamed.get(dtype)!) },
  ]);
  return { tensors: new Map(decoded), metadata };
}
