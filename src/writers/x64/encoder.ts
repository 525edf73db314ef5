/**
 * The bytes of x86-64 instructions, as the manuals of Intel and AMD have them: legacy encodings for integers, VEX and EVEX
 * for vectors. Registers are numbers: 0 to 15 for integers (rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 …), 0 to 31 for
 * vectors; from 16 on, and for 512 bits, an instruction takes its EVEX form.
 */
import { BackendError } from '../../core/errors.js';

export const [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** base + index·scale + displacement. */
export interface Address {
  readonly base: number;
  readonly index?: number | undefined;
  readonly scale?: 1 | 2 | 4 | 8;
  readonly displacement: number;
}

/** An address, or a place in the pool of constants. */
export type Memory = Address | { readonly constant: number };

/** A register, or memory. */
export type Place = number | Memory;

/** 128, 256 or 512 bits. */
export type Width = 16 | 32 | 64;

/** A vector instruction. */
export interface VectorCode {
  /** 1: 0F, 2: 0F 38, 3: 0F 3A. */
  readonly map: 1 | 2 | 3;
  /** 0: none, 1: 66, 2: F3, 3: F2. */
  readonly prefix: 0 | 1 | 2 | 3;
  readonly opcode: number;
  /** W of the EVEX form; of the VEX form too, where `vexW` says so. */
  readonly w?: 1;
  readonly vexW?: 1;
  /** Bytes of the memory operand, where it is not a whole vector: EVEX counts displacements in them. */
  readonly bytes?: number;
}

/** The operands: that of ModRM.reg, mostly the destination; that of the prefix, 0 if there is none; register or memory. */
export type VectorOperands = readonly [reg: number, source: number, rm: Place];

/** How a vector instruction is encoded. */
export interface VectorForm {
  readonly width: Width;
  readonly immediate?: number | undefined;
  /** A mask register of the EVEX form. */
  readonly mask?: number | undefined;
  /** Lanes outside of the mask become zero. */
  readonly zero?: boolean | undefined;
  /** There is no VEX form, or it is not wanted. */
  readonly evex?: boolean | undefined;
  /** The index of the memory operand is a vector register. */
  readonly vectorIndex?: boolean | undefined;
}

/** A place in the code that jumps go to. */
export interface Target {
  at: number | undefined;
  readonly jumps: number[];
}

/** Conditions by their number in the opcodes of jumps, moves and sets; the lowest bit negates. */
export const conditions = { below: 2, notBelow: 3, equal: 4, notEqual: 5, notAbove: 6, above: 7 } as const;
export const signedConditions = { less: 12, notLess: 13, notGreater: 14, greater: 15 } as const;

/** A place that waits for what is written later: four bytes at `at`, relative to `from`. */
interface Fixup {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** No instruction is longer, whatever stands in front of it. */
const longest = 32;

const plainForm = {};

/** Code that is being written. */
export class Code {
  private bytes = new Uint8Array(8192);
  length = 0;
  /** By number of the function that is called, by offset in the pool. */
  readonly calls: Fixup[] = [];
  readonly constants: Fixup[] = [];

  /** What has been written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }

  byte(value: number): void {
    this.room()[this.length++] = value;
  }

  word(value: number): void {
    const bytes = this.room();
    const { length } = this;
    bytes[length] = value;
    bytes[length + 1] = value >> 8;
    bytes[length + 2] = value >> 16;
    bytes[length + 3] = value >> 24;
    this.length = length + 4;
  }

  /** The bytes, with room for one more instruction. */
  private room(): Uint8Array {
    if (this.length + longest > this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    return this.bytes;
  }

  /** Writes the distance of a fixup. */
  patch({ at, from }: Pick<Fixup, 'at' | 'from'>, to: number): void {
    const { length } = this;
    this.length = at;
    this.word(to - from);
    this.length = length;
  }

  /** An integer instruction: opcode bytes, ModRM.reg, ModRM.rm. `wide`: 64 bits. */
  integer(
    opcode: readonly number[],
    reg: number,
    rm: Place,
    { wide = false, bytes = 0 }: { readonly wide?: boolean; readonly bytes?: number } = plainForm,
  ): void {
    const inMemory = typeof rm !== 'number' && 'base' in rm;
    const index = inMemory ? (rm.index ?? 0) : 0;
    const base = typeof rm === 'number' ? rm : inMemory ? rm.base : 0;
    const rex = 0x40 | (wide ? 8 : 0) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (base >> 3);
    const first = opcode[0]!;
    const mandatory = first === 0x66 || first === 0xf3 || first === 0xf2;
    const written = this.room();
    let at = this.length;
    if (mandatory) written[at++] = first;
    // of single bytes, the registers 4 to 7 are others without this prefix
    const byteRegister = first === 0x88 && reg >= 4;
    if (rex !== 0x40 || byteRegister) written[at++] = rex;
    for (let index = mandatory ? 1 : 0; index < opcode.length; index++) written[at++] = opcode[index]!;
    this.length = at;
    this.modRm(reg, rm, bytes);
  }

  /** The short form of push (0x50) and pop (0x58). */
  stack(opcode: 0x50 | 0x58, reg: number): void {
    if (reg >= 8) this.byte(0x41);
    this.byte(opcode | (reg & 7));
  }

  /** reg ← value */
  moveConstant(reg: number, value: number): void {
    if (reg >= 8) this.byte(0x41);
    this.byte(0xb8 | (reg & 7));
    this.word(value);
  }

  /** reg ← reg op value, for the group of opcodes 0x81 and 0x83: 0 add, 1 or, 4 and, 5 sub, 7 compare. */
  withConstant(operation: number, rm: Place, value: number, wide = false): void {
    const short = value >= -128 && value <= 127;
    this.integer([short ? 0x83 : 0x81], operation, rm, { wide, bytes: short ? 1 : 4 });
    if (short) this.byte(value & 0xff);
    else this.word(value);
  }

  vector(code: VectorCode, operands: VectorOperands, form: VectorForm): void {
    const { width, immediate, mask } = form;
    // by index: taking arrays apart is slow in code that runs for the first time
    const reg = operands[0];
    const source = operands[1];
    const rm = operands[2];
    const isRegister = typeof rm === 'number';
    const inMemory = !isRegister && 'base' in rm;
    const index = inMemory && rm.index !== undefined ? rm.index : 0;
    const base = isRegister ? rm : inMemory ? rm.base : 0;
    const high = reg > 15 || source > 15 || (isRegister ? rm > 15 : index > 15);
    const evex = width === 64 || high || mask !== undefined || form.evex === true;
    const bytes = this.room();
    let at = this.length;
    if (evex) {
      const x = isRegister ? base >> 4 : index >> 3;
      const extended =
        (((reg >> 3) & 1) * 0x80) | ((x & 1) * 0x40) | (((base >> 3) & 1) * 0x20) | ((reg >> 4) * 0x10);
      const length = width === 64 ? 0x40 : width === 32 ? 0x20 : 0;
      const v = form.vectorIndex ? index : source;
      bytes[at++] = 0x62;
      bytes[at++] = (~extended & 0xf0) | code.map;
      bytes[at++] = ((code.w ?? 0) << 7) | ((~source & 15) << 3) | 4 | code.prefix;
      bytes[at++] = (form.zero ? 0x80 : 0) | length | ((~v >> 1) & 8) | (mask ?? 0);
    } else {
      const last = ((~source & 15) << 3) | (width === 32 ? 4 : 0) | code.prefix;
      const r = (~reg << 4) & 0x80;
      if (code.map === 1 && index < 8 && base < 8 && code.vexW !== 1) {
        bytes[at++] = 0xc5;
        bytes[at++] = r | last;
      } else {
        bytes[at++] = 0xc4;
        bytes[at++] = r | ((~index << 3) & 0x40) | ((~base << 2) & 0x20) | code.map;
        bytes[at++] = ((code.vexW ?? 0) << 7) | last;
      }
    }
    bytes[at++] = code.opcode;
    this.length = at;
    this.modRm(reg, rm, immediate === undefined ? 0 : 1, evex ? (code.bytes ?? width) : 1);
    if (immediate !== undefined) this.byte(immediate & 0xff);
  }

  /** A new target, to be placed by `place`. */
  target(): Target {
    return { at: undefined, jumps: [] };
  }

  place(target: Target): void {
    target.at = this.length;
    for (const at of target.jumps) this.patch({ at, from: at + 4 }, this.length);
  }

  /** Jumps, always or on a condition. */
  jump(target: Target, condition?: number): void {
    if (condition === undefined) this.byte(0xe9);
    else {
      this.byte(0x0f);
      this.byte(0x80 | condition);
    }
    if (target.at === undefined) target.jumps.push(this.length);
    this.word(target.at === undefined ? 0 : target.at - this.length - 4);
  }

  call(target: number): void {
    this.byte(0xe8);
    this.calls.push({ at: this.length, from: this.length + 4, to: target });
    this.word(0);
  }

  /** ModRM, SIB and displacement. `following`: bytes of immediates behind; `unit`: of a displacement of one byte. */
  private modRm(reg: number, rm: Place, following: number, unit = 1): void {
    const field = (reg & 7) << 3;
    const bytes = this.room();
    let at = this.length;
    if (typeof rm === 'number') {
      bytes[at] = 0xc0 | field | (rm & 7);
      this.length = at + 1;
      return;
    }
    if ('constant' in rm) {
      bytes[at++] = field | 5;
      this.constants.push({ at, from: at + 4 + following, to: rm.constant });
      this.length = at + 4;
      return;
    }
    const { base, index, scale = 1, displacement } = rm;
    if (displacement !== (displacement | 0)) {
      throw new BackendError(`x64: a displacement must be an integer of 32 bits: got ${displacement}`);
    }
    const scaled = displacement / unit;
    const short = scaled === (scaled | 0) && scaled >= -128 && scaled <= 127;
    // rbp and r13 as a base always have a displacement
    const mode = displacement === 0 && (base & 7) !== rbp ? 0 : short ? 0x40 : 0x80;
    if (index === undefined && (base & 7) !== rsp) bytes[at++] = mode | field | (base & 7);
    else {
      bytes[at++] = mode | field | 4;
      bytes[at++] = ((31 - Math.clz32(scale)) << 6) | (((index ?? rsp) & 7) << 3) | (base & 7);
    }
    if (mode === 0x40) bytes[at++] = scaled;
    this.length = at;
    if (mode === 0x80) this.word(displacement);
  }
}
