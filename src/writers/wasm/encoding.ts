import { BackendError } from '../../core/errors.js';

/** The WebAssembly value types that the assembler knows. */
export type ValueType = 'i32' | 'f32' | 'v128';

/** The byte of each value type in the binary format. */
export const typeByte: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/** Unsigned LEB128: seven bits per byte, least significant first, the high bit set while more follow. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer: ends when the rest is only sign. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  while (rest < -0x40 || rest > 0x3f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  bytes.push(rest & 0x7f);
  return bytes;
}

/** The four little-endian bytes of a float32. */
export function float32Bytes(value: number): number[] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value, true);
  return [0, 1, 2, 3].map((index) => view.getUint8(index));
}

/** The low `width` bytes of an integer, little-endian. */
export function integerBytes(value: number, width: 1 | 2 | 4): number[] {
  return Array.from({ length: width }, (_, index) => (value >> (8 * index)) & 0xff);
}

/** A length-prefixed UTF-8 name. */
export function text(name: string): number[] {
  const bytes = [...new TextEncoder().encode(name)];
  return [...unsigned(bytes.length), ...bytes];
}

/** A counted vector of encoded items. */
export function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

/** A section of a module: its id, its size, its content. */
export function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/**
 * The immediates of a memory access: log2 of the alignment hint and the constant byte offset, which the machine adds
 * for free. The hint is always 0 (one byte): engines ignore it, and slices of tensors need not be aligned.
 */
export function memoryImmediate(offset: number): number[] {
  if (!Number.isInteger(offset) || offset < 0 || offset > 0xffff_ffff) {
    throw new BackendError(`assembler: a memory offset must be an integer below 2^32: got ${offset}`);
  }
  return [0, ...unsigned(offset)];
}

/** A checked lane number as its one immediate byte. */
export function laneImmediate(lane: number, lanes: number): number {
  if (!Number.isInteger(lane) || lane < 0 || lane >= lanes) {
    throw new BackendError(`assembler: a lane must be an integer from 0 to ${lanes - 1}: got ${lane}`);
  }
  return lane;
}
