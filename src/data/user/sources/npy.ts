import { DataError } from '../../../core/errors.js';
import { bytesPerImage } from '../../memory.js';

/** An array of numpy's: row-major. */
interface NpyArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** Stored as true and false. */
  readonly logical: boolean;
}

/** Labels in words. */
interface NpyText {
  readonly shape: readonly number[];
  readonly texts: readonly string[];
}

/** The header of a .npy file. */
export interface NpyHeader {
  readonly shape: readonly number[];
  /** Kind and bytes of an element, such as `f4`. */
  readonly form: string;
  readonly little: boolean;
  readonly columnMajor: boolean;
  /** Where the elements begin. */
  readonly start: number;
}

type Reader = (view: DataView, at: number, little: boolean) => number;

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
function readFloat16(view: DataView, at: number, little: boolean): number {
  const bits = view.getUint16(at, little);
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits >> 15 === 1 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** By kind and bytes of an element. */
const readers: Readonly<Record<string, Reader | undefined>> = {
  b1: (view, at) => view.getUint8(at),
  u1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  f2: readFloat16,
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

const signature = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Bytes of an element; text of `U` has four a character. */
function elementBytes(form: string): number {
  const size = Number(form.slice(1));
  return form.startsWith('U') ? 4 * size : size;
}

/**
 * Reads the header of a .npy file (numpy.lib.format, versions 1 to 3) and sees that the elements are all there.
 *
 * @param name of the file, for errors
 * @throws DataError: not such a file, truncated, of elements that are neither numbers nor text
 */
export function readNpyHeader(bytes: Uint8Array, name: string): NpyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || !signature.every((byte, i) => bytes[i] === byte)) {
    throw new DataError(`${name}: not a .npy file`);
  }
  const wide = bytes[6]! > 1;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const text = new TextDecoder().decode(bytes.subarray(wide ? 12 : 10, start));
  const [, order, form] = /'descr':\s*'([<>|=])([a-zA-Z]\d+)'/.exec(text) ?? [];
  const [, sizes] = /'shape':\s*\(([\d, ]*)\)/.exec(text) ?? [];
  if (sizes === undefined || form === undefined || (readers[form] === undefined && !/^[US]\d+$/.test(form))) {
    throw new DataError(`${name}: its elements are neither numbers nor text`, {
      hint: 'numpy.asarray(values, dtype="uint8") makes numbers of them, dtype=str text.',
    });
  }
  const shape = sizes
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  const expected = shape.reduce((product, size) => product * size, elementBytes(form));
  if (bytes.length - start !== expected) {
    throw new DataError(
      `${name}: truncated or too long: [${shape.join(', ')}] takes ${expected} bytes, ${bytes.length - start} follow its header`,
    );
  }
  const columnMajor = shape.length > 1 && /'fortran_order':\s*True/.test(text);
  return { shape, form, little: order !== '>', columnMajor, start };
}

/** Bytes that an array takes in memory beside those that are stored: its numbers, its pixels as bytes, texts. */
export function bytesDecoded({ form, shape, columnMajor }: NpyHeader): number {
  const count = shape.reduce((product, size) => product * size, 1);
  const rows = (shape[0] ?? 0) * bytesPerImage;
  if (/^[US]/.test(form)) return count * (bytesPerImage + 2 * Number(form.slice(1)));
  if (form === 'u1' || form === 'b1') return rows + (columnMajor ? count : 0);
  const numbers = Number(form.slice(1)) <= 2 || form === 'f4' ? 4 : 8;
  return rows + count * (1 + numbers + (columnMajor ? 8 : 0));
}

export const isText = ({ form }: NpyHeader) => /^[US]/.test(form);

/** The elements of `[a, b, c]` in the order of its axes `order`: `[c, a, b]` for [2, 0, 1]. */
export function transpose<T extends { set: unknown }>(
  data: ArrayLike<number>,
  shape: readonly number[],
  order: readonly number[],
  make: (length: number) => T & { [index: number]: number },
): { shape: number[]; data: T & ArrayLike<number> & { [index: number]: number } } {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
  const sizes = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const moved = make(data.length);
  const at = sizes.map(() => 0);
  let from = 0;
  for (let i = 0; i < data.length; i++) {
    moved[i] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++at[axis]! < sizes[axis]!) break;
      from -= sizes[axis]! * steps[axis]!;
      at[axis] = 0;
    }
  }
  return { shape: sizes, data: moved as T & ArrayLike<number> & { [index: number]: number } };
}

/** Decodes a .npy file of numbers: whole and floating-point numbers and booleans of up to 64 bits, either byte order. */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  const header = readNpyHeader(bytes, name);
  const { form, little, start, columnMajor } = header;
  const read = readers[form];
  if (read === undefined) throw new DataError(`${name}: its elements are text, not numbers`);
  const logical = form === 'b1';
  if (!columnMajor) return { shape: header.shape, data: elements(bytes, header, read), logical };
  // stored column by column, it is its own mirror image, stored row by row
  const mirrored = [...header.shape].reverse();
  const order = mirrored.map((_, i) => mirrored.length - 1 - i);
  const data = elements(bytes, { form, little, start }, read);
  const make = (length: number) => (form === 'u1' ? new Uint8Array(length) : new Float64Array(length));
  return { ...transpose(data, mirrored, order, make), logical };
}

function elements(
  bytes: Uint8Array,
  { form, little, start }: Pick<NpyHeader, 'form' | 'little' | 'start'>,
  read: Reader,
): ArrayLike<number> {
  if (form === 'u1' || form === 'b1') return bytes.subarray(start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(form.slice(1));
  const count = (bytes.length - start) / size;
  const data = size <= 2 || form === 'f4' ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) data[i] = read(view, start + i * size, little);
  return data;
}

/** Decodes a .npy file of text, of numpy's `U` (UTF-32) or `S` (bytes, as UTF-8). */
export function decodeNpyText(bytes: Uint8Array, name: string): NpyText {
  const header = readNpyHeader(bytes, name);
  const { shape, form, little, start } = header;
  const size = elementBytes(form);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = size === 0 ? 0 : (bytes.length - start) / size;
  const texts = Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    if (form.startsWith('S'))
      return new TextDecoder().decode(bytes.subarray(at, at + size)).replace(/\0+$/, '');
    let text = '';
    for (let c = 0; c < size; c += 4) {
      const point = view.getUint32(at + c, little);
      if (point > 0x10ffff) throw new DataError(`${name}: text ${i + 1} is damaged`);
      if (point !== 0) text += String.fromCodePoint(point);
    }
    return text;
  });
  return { shape, texts };
}
