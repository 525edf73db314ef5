/**
 * A shared object of ELF64 with one piece of code: what dlopen needs and no more (System V ABI, AMD64 supplement). Three
 * parts are mapped, each of whole pages: headers and symbols to read, code to read and execute, the dynamic section to
 * read and write. Nothing is writable and executable, the stack neither.
 */
const page = 4096;
const headerBytes = 64;
const programHeaderBytes = 56;
const symbolBytes = 24;

const wholePages = (bytes: number) => Math.ceil(bytes / page) * page;

/** Writes values of 2, 4 and 8 bytes, one behind the other. */
class Cursor {
  constructor(
    private readonly view: DataView,
    private at: number,
  ) {}
  half(...values: number[]): this {
    for (const value of values) this.view.setUint16(this.next(2), value, true);
    return this;
  }
  word(...values: number[]): this {
    for (const value of values) this.view.setUint32(this.next(4), value, true);
    return this;
  }
  long(...values: number[]): this {
    for (const value of values) this.view.setBigUint64(this.next(8), BigInt(value), true);
    return this;
  }
  private next(bytes: number): number {
    this.at += bytes;
    return this.at - bytes;
  }
}

/**
 * @param code position-independent machine code
 * @param exported functions by name, with their offset in the code
 */
export function sharedObject(
  code: Uint8Array,
  exported: Readonly<Record<string, number>>,
): Uint8Array<ArrayBuffer> {
  const names = Object.keys(exported);
  const text = new TextEncoder().encode(`\0${names.join('\0')}\0`);
  const symbolCount = names.length + 1;
  const programHeaders = 5;
  const hashAt = headerBytes + programHeaders * programHeaderBytes;
  const hashBytes = 4 * (3 + symbolCount);
  const symbolsAt = Math.ceil((hashAt + hashBytes) / 8) * 8;
  const namesAt = symbolsAt + symbolBytes * symbolCount;
  const readable = namesAt + text.length;
  const codeAt = wholePages(readable);
  const dynamicAt = codeAt + wholePages(code.length);
  const dynamicBytes = 16 * 6;
  const bytes = new Uint8Array(dynamicAt + dynamicBytes);
  const view = new DataView(bytes.buffer);
  const at = (offset: number) => new Cursor(view, offset);

  // ELF, 64 bits, little-endian, version 1, System V; a shared object (3) for x86-64 (62)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  at(16).half(3, 62).word(1).long(0, headerBytes, 0).word(0);
  at(52).half(headerBytes, programHeaderBytes, programHeaders, 64, 0, 0);
  // type, flags (1 execute, 2 write, 4 read), offset, address twice, size twice, alignment
  const headers: readonly [type: number, flags: number, offset: number, size: number, alignment: number][] = [
    [1, 4, 0, readable, page],
    [1, 5, codeAt, code.length, page],
    [1, 6, dynamicAt, dynamicBytes, page],
    [2, 6, dynamicAt, dynamicBytes, 8], // PT_DYNAMIC
    [0x6474e551, 6, 0, 0, 16], // PT_GNU_STACK
  ];
  for (const [index, [type, flags, offset, size, alignment]] of headers.entries()) {
    at(headerBytes + index * programHeaderBytes)
      .word(type, flags)
      .long(offset, offset, offset, size, size, alignment);
  }
  // one bucket: a chain of all symbols
  at(hashAt).word(1, symbolCount, symbolCount > 1 ? 1 : 0, 0);
  for (let symbol = 1; symbol < symbolCount; symbol++)
    at(hashAt + 4 * (3 + symbol)).word(symbol + 1 < symbolCount ? symbol + 1 : 0);
  let nameAt = 1;
  for (const [index, name] of names.entries()) {
    // a global function (0x12) of a section that is not undefined
    at(symbolsAt + symbolBytes * (index + 1)).word(nameAt);
    bytes.set([0x12, 0, 1, 0], symbolsAt + symbolBytes * (index + 1) + 4);
    at(symbolsAt + symbolBytes * (index + 1) + 8).long(codeAt + exported[name]!, 0);
    nameAt += name.length + 1;
  }
  bytes.set(text, namesAt);
  bytes.set(code, codeAt);
  // DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_NULL
  at(dynamicAt).long(4, hashAt, 5, namesAt, 6, symbolsAt, 10, text.length, 11, symbolBytes, 0, 0);
  return bytes;
}
