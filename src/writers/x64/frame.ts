/** Where the values of a function are: variables in registers or on the stack, temporaries in registers that are free. */
import { BackendError } from '../../core/errors.js';
import type { Expression } from '../wasm/expressions.js';
import type { Address, Code, Memory, Width } from './encoder.js';
import { rsp } from './encoder.js';

/** The instructions that may be used: 256 bits with fused multiply-add, or 512 with 32 registers and masks. */
export type X64Level = 'avx2' | 'avx512';

/** Registers of one kind. */
export class Bank {
  /** By variable: its register, or its place on the stack. */
  private registers: readonly (number | undefined)[] = [];
  private slots: readonly (number | undefined)[] = [];
  /** The temporaries that are taken, a bit for each, and the registers that are left for more. */
  private taken = 0;
  private free = 0;
  /** All that were ever used, a bit for each. */
  used = 0;

  /** By variable: registers, and places of those that have none. */
  settle(registers: readonly (number | undefined)[], slots: readonly (number | undefined)[]): void {
    this.registers = registers;
    this.slots = slots;
    for (let variable = 0; variable < registers.length; variable++) {
      const register = registers[variable];
      if (register !== undefined) this.used |= 1 << register;
    }
  }

  /** Before each statement: the registers that no variable has. */
  begin(free: number): void {
    this.free = free;
    this.taken = 0;
  }

  /** The register of a variable, or undefined if it lives on the stack. */
  register(variable: number): number | undefined {
    return this.registers[variable];
  }

  /** The place of a variable on the stack. */
  slot(variable: number): Address {
    return { base: rsp, displacement: this.slots[variable] ?? 0 };
  }

  take(): number {
    const { free } = this;
    if (free === 0) throw new BackendError('x64: no register is left for a temporary value');
    const register = 31 - Math.clz32(free);
    const bit = 1 << register;
    this.free = free & ~bit;
    this.taken |= bit;
    this.used |= bit;
    return register;
  }

  /** Gives a temporary back; does nothing to the register of a variable. */
  give(register: number): void {
    if ((this.taken >> register) & 1) {
      this.taken &= ~(1 << register);
      this.free |= 1 << register;
    }
  }
}

/** Constants of vectors, 64-byte aligned, at the end of the code. */
export class Pool {
  private readonly offsets = new Map<string | number, number>();
  readonly words: number[] = [];

  /** The place of a vector of these words, repeated as often as the width asks for. */
  vector(words: readonly number[], width: Width): Memory {
    const first = words[0]!;
    let same = true;
    for (let index = 1; index < words.length; index++) same &&= words[index] === first;
    const key = same ? first : `${width} ${words.join()}`;
    let at = this.offsets.get(key);
    if (at === undefined) {
      at = 4 * this.words.length;
      const lanes = width / 4;
      for (let word = 0; word < 16; word++) this.words.push(words[(word % lanes) % words.length]!);
      this.offsets.set(key, at);
    }
    return { constant: at };
  }
}

/** What the printers of one function share. */
export interface Frame {
  readonly code: Code;
  readonly pool: Pool;
  readonly level: X64Level;
  /** Bytes of a vector. */
  readonly width: Width;
  readonly integers: Bank;
  readonly vectors: Bank;
  /** An integer register ← the highest bit of each lane of a vector, lane 0 the lowest. */
  bitmask(vector: Expression, register: number): void;
  /** Where a vector may be put on the stack for a moment. */
  readonly spare: Address;
}
