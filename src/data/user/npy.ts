import { DataError } from '../../core/errors.js';

/** An array of numpy's: row-major. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

type Reader = (view: DataView, at: number, little: boolean) => number;

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
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

const signature = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * Decodes a .npy file (numpy.lib.format, versions 1 to 3): whole numbers, floating-point numbers and booleans of up to 64
 * bits, either byte order.
 *
 * @param name of the file, for errors
 * @throws DataError: not such a file, truncated, of elements that are no numbers, or in the order of Fortran
 */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || !signature.every((byte, i) => bytes[i] === byte)) {
    throw new DataError(`${name}: not a .npy file`);
  }
  const wide = bytes[6]! > 1;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(bytes.subarray(wide ? 12 : 10, start));
  const [, order, form] = /'descr':\s*'([<>|=])(\w\d+)'/.exec(header) ?? [];
  const [, sizes] = /'shape':\s*\(([\d, ]*)\)/.exec(header) ?? [];
  const read = readers[form ?? ''];
  if (read === undefined || sizes === undefined) {
    throw new DataError(`${name}: its elements are not numbers`, {
      hint: 'numpy.asarray(values, dtype="uint8") makes numbers of them, for labels "int64".',
    });
  }
  if (/'fortran_order':\s*True/.test(header)) {
    throw new DataError(`${name}: it is stored column by column`, {
      hint: 'numpy.ascontiguousarray stores it row by row.',
    });
  }
  const shape = sizes
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const itemBytes = Number(form!.slice(1));
  if (bytes.length - start !== count * itemBytes) {
    throw new DataError(
      `${name}: truncated or too long: [${shape.join(', ')}] takes ${count * itemBytes} bytes, ${bytes.length - start} follow its header`,
    );
  }
  if (form === 'u1') return { shape, data: bytes.subarray(start) };
  const data = new Float64Array(count);
  const little = order !== '>';
  for (let i = 0; i < count; i++) data[i] = read(view, start + i * itemBytes, little);
  return { shape, data };
}
