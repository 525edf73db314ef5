/**
 * Writes HDF5 files of groups and float32 datasets, the part of the format that Keras's weights need.
 * https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html (superblock 0, object headers 1)
 */
import type { Shape } from '../../core/shape.js';

export interface Hdf5Dataset {
  readonly shape: Shape;
  readonly data: Float32Array;
}

export interface Hdf5Group {
  /** Groups and datasets by name. */
  readonly members: ReadonlyMap<string, Hdf5Group | Hdf5Dataset>;
  /** Texts by name. */
  readonly attributes?: ReadonlyMap<string, string>;
}

const superblockBytes = 96;
const undefinedAddress = 0xffffffffffffffffn;

/** Little-endian bytes, one after the other. */
class Bytes {
  private readonly parts: number[] = [];

  u8(...values: number[]): this {
    this.parts.push(...values);
    return this;
  }

  u16(value: number): this {
    return this.u8(value & 0xff, value >> 8);
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }

  u64(value: number | bigint): this {
    const big = BigInt(value);
    return this.u32(Number(big & 0xffffffffn)).u32(Number(big >> 32n));
  }

  text(value: string): this {
    for (const byte of new TextEncoder().encode(value)) this.parts.push(byte);
    return this;
  }

  append({ parts }: Bytes): this {
    for (const byte of parts) this.parts.push(byte);
    return this;
  }

  /** Zeros up to a multiple of 8. */
  pad(): this {
    while (this.parts.length % 8 !== 0) this.parts.push(0);
    return this;
  }

  get length(): number {
    return this.parts.length;
  }

  get content(): Uint8Array {
    return Uint8Array.from(this.parts);
  }
}

interface Message {
  readonly type: number;
  readonly body: Bytes;
}

const message = (type: number, body: Bytes): Message => ({ type, body: body.pad() });

const dataspace = (shape: Shape): Bytes => {
  const body = new Bytes().u8(1, shape.length, 0, 0, 0, 0, 0, 0);
  for (const extent of shape) body.u64(extent);
  return body;
};

/** IEEE, 32 bits, little-endian: where sign, exponent and mantissa lie. */
const float32Type = () => new Bytes().u8(0x11, 0x20, 31, 0).u32(4).u16(0).u16(32).u8(23, 8, 0, 23).u32(127);

/** UTF-8 of a fixed length, filled up with zeros. */
const textType = (length: number) => new Bytes().u8(0x13, 0x11, 0, 0).u32(length);

function attribute(name: string, value: string): Message {
  const label = new Bytes().text(name).u8(0);
  const content = new Bytes().text(value);
  const type = textType(Math.max(1, content.length));
  const space = dataspace([]);
  const body = new Bytes().u8(1, 0).u16(label.length).u16(type.length).u16(space.length);
  body.append(label.pad()).append(type.pad()).append(space.pad()).append(content);
  if (content.length === 0) body.u8(0);
  return message(0x000c, body);
}

function link(name: string, address: number): Message {
  const label = new Bytes().text(name);
  // a hard link whose name is UTF-8 and up to 65,535 bytes long
  const body = new Bytes().u8(1, 0x11, 1).u16(label.length).append(label).u64(address);
  return message(0x0006, body);
}

/** An object header: counts of messages and references, then the messages. */
function header(messages: readonly Message[]): Bytes {
  const body = new Bytes();
  for (const { type, body: content } of messages) {
    body.u16(type).u16(content.length).u8(0, 0, 0, 0).append(content);
  }
  return new Bytes().u8(1, 0).u16(messages.length).u32(1).u32(body.length).u32(0).append(body);
}

class Writer {
  private readonly chunks: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  private end = superblockBytes;

  place(bytes: Uint8Array): number {
    const at = Math.ceil(this.end / 8) * 8;
    this.chunks.push({ at, bytes });
    this.end = at + bytes.length;
    return at;
  }

  dataset({ shape, data }: Hdf5Dataset): number {
    const address = this.place(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return this.place(
      header([
        message(0x0001, dataspace(shape)),
        message(0x0003, float32Type()),
        // no fill value, space taken at once
        message(0x0005, new Bytes().u8(2, 1, 1, 0)),
        message(0x0008, new Bytes().u8(3, 1).u64(address).u64(data.byteLength)),
      ]).content,
    );
  }

  group({ members, attributes = new Map() }: Hdf5Group): number {
    const links = [...members].map(([name, member]) =>
      link(name, 'members' in member ? this.group(member) : this.dataset(member)),
    );
    return this.place(
      header([
        // links stand in the header itself, in no order
        message(0x0002, new Bytes().u8(0, 0).u64(undefinedAddress).u64(undefinedAddress)),
        message(0x000a, new Bytes().u8(0, 0)),
        ...links,
        ...[...attributes].map(([name, value]) => attribute(name, value)),
      ]).content,
    );
  }

  file(root: Hdf5Group): Uint8Array {
    const address = this.group(root);
    const bytes = new Uint8Array(this.end);
    for (const { at, bytes: part } of this.chunks) bytes.set(part, at);
    const superblock = new Bytes()
      .u8(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)
      // versions; addresses and lengths of 8 bytes
      .u8(0, 0, 0, 0, 0, 8, 8, 0)
      .u16(4)
      .u16(16)
      .u32(0)
      .u64(0)
      .u64(undefinedAddress)
      .u64(this.end)
      .u64(undefinedAddress)
      // the root group's entry
      .u64(0)
      .u64(address)
      .u32(0)
      .u32(0)
      .u64(0)
      .u64(0);
    bytes.set(superblock.content, 0);
    return bytes;
  }
}

/** The bytes of a file with that root group. */
export function encodeHdf5(root: Hdf5Group): Uint8Array {
  return new Writer().file(root);
}
