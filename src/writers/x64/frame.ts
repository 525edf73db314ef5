/** Where the values of a function are: variables in registers or on the stack, temporaries in registers that are free. */
import { BackendError } from '../../core/errors.js';
import type { Address, Code, Memory, Width } from './encoder.js';
import { rsp } from './encoder.js';

/** The instructions that may be used: 256 bits with fused multiply-add, or 512 with 32 registers and masks. */
export type X64Level = 'avx2' | 'avx512';

/** Registers of one kind. */
export class Bank {
  /** Of variables: a register, or a place on the stack. */
  private registers: ReadonlyMap<number, number> = new Map();
  private readonly slots = new Map<number, number>();
  private readonly taken = new Set<number>();
  private free = 0;
  /** Measuring, every variable that is not on the stack has a register of its own, and temporaries never end. */
  private measuring = true;
  private peak = 0;
  /** All that were ever used. */
  readonly used = new Set<number>();

  /** Which variables live on the stack; no more is known while measuring. */
  measure(slots: Iterable<number>): void {
    for (const variable of slots) if (!this.slots.has(variable)) this.slots.set(variable, 0);
  }

  /** The final registers and places. */
  settle(registers: ReadonlyMap<number, number>, slots: ReadonlyMap<number, number>): void {
    this.measuring = false;
    this.registers = registers;
    for (const register of registers.values()) this.used.add(register);
    this.slots.clear();
    for (const [variable, at] of slots) this.slots.set(variable, at);
  }

  /** Before each statement: the registers that no variable has. Gives what the statement before needed at most. */
  begin(free: number): void {
    this.free = free;
    this.peak = 0;
    if (this.taken.size > 0) this.taken.clear();
  }

  get needed(): number {
    return this.peak;
  }

  /** The register of a variable, or undefined if it lives on the stack. */
  register(variable: number): number | undefined {
    if (this.slots.has(variable)) return undefined;
    return this.measuring ? 1000 + variable : this.registers.get(variable);
  }

  /** The place of a variable on the stack. */
  slot(variable: number): Address {
    return { base: rsp, displacement: this.slots.get(variable) ?? 0 };
  }

  take(): number {
    let register = 500 + this.taken.size;
    if (this.measuring) while (this.taken.has(register)) register++;
    else {
      if (this.free === 0) throw new BackendError('x64: no register is left for a temporary value');
      register = 31 - Math.clz32(this.free);
      this.free &= ~(1 << register);
      this.used.add(register);
    }
    this.taken.add(register);
    this.peak = Math.max(this.peak, this.taken.size);
    return register;
  }

  /** Gives a temporary back; does nothing to the register of a variable. */
  give(register: number): void {
    if (this.taken.delete(register) && !this.measuring) this.free |= 1 << register;
  }
}

/** Constants of vectors, 64-byte aligned, at the end of the code. */
export class Pool {
  private readonly offsets = new Map<string, number>();
  readonly words: number[] = [];

  /** The place of a vector of these words, repeated as often as the width asks for. */
  vector(words: readonly number[], width: Width): Memory {
    const first = words[0]!;
    const key = words.every((word) => word === first) ? String(first) : `${width} ${words.join()}`;
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
  /** Where a vector may be put on the stack for a moment. */
  readonly spare: Address;
}
