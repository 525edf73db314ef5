/** The parts of WebAssembly's binary format. */

const utf8 = new TextEncoder();

/** Bytes that are written one behind the other. */
export class ByteWriter {
  private bytes = new Uint8Array(512);
  private length = 0;

  byte(value: number): void {
    if (this.length === this.bytes.length) this.makeRoom(1);
    this.bytes[this.length++] = value;
  }

  all(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) this.byte(values[i]!);
  }

  /** Unsigned LEB128: seven bits per byte, least significant first, the high bit set while more follow. */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit integer: ends when the rest is only sign. */
  signed(value: number): void {
    let rest = value | 0;
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** The four little-endian bytes of a 32-bit integer. */
  word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >> shift) & 0xff);
  }

  /** A length-prefixed UTF-8 name. */
  text(name: string): void {
    const bytes = utf8.encode(name);
    this.unsigned(bytes.length);
    this.all(bytes);
  }

  /** What another has written, behind its length. */
  sized(part: ByteWriter): void {
    this.unsigned(part.length);
    this.part(part);
  }

  /** What another has written. */
  part(part: ByteWriter): void {
    if (this.length + part.length > this.bytes.length) this.makeRoom(part.length);
    this.bytes.set(part.bytes.subarray(0, part.length), this.length);
    this.length += part.length;
  }

  /** A counted vector of items, each of which `write` writes. */
  vector<T>(items: readonly T[], write: (item: T, index: number) => void): void {
    this.unsigned(items.length);
    items.forEach(write);
  }

  /** A copy of all that is written. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }

  private makeRoom(more: number): void {
    const longer = new Uint8Array(2 * this.bytes.length + more);
    longer.set(this.bytes);
    this.bytes = longer;
  }
}
