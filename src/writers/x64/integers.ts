/** Integers, conditions and addresses in machine code. rax and rdx are free between any two values; r15 is the memory. */
import { BackendError } from '../../core/errors.js';
import type { Expression } from '../wasm/expressions.js';
import { type Address, conditions, type Memory, rax, rdx, signedConditions } from './encoder.js';
import type { Frame } from './frame.js';

/** Holds the address of the memory's byte 0. */
const memoryBase = 15;

const comparisons: Readonly<Record<string, number>> = {
  'i32.eq': conditions.equal,
  'i32.ne': conditions.notEqual,
  'i32.ltU': conditions.below,
  'i32.gtU': conditions.above,
  'i32.ltS': signedConditions.less,
  'i32.gtS': signedConditions.greater,
  'i32.geS': signedConditions.notLess,
};
/** Opcode of the form (rm, reg), number of the form with a constant. */
const arithmetic: Readonly<Record<string, { readonly opcode: number; readonly group: number }>> = {
  'i32.add': { opcode: 0x01, group: 0 },
  'i32.or': { opcode: 0x09, group: 1 },
  'i32.and': { opcode: 0x21, group: 4 },
  'i32.sub': { opcode: 0x29, group: 5 },
};
const shifts: Readonly<Record<string, { readonly group: number; readonly prefix: 1 | 2 | 3 }>> = {
  'i32.shl': { group: 4, prefix: 1 },
  'i32.shrU': { group: 5, prefix: 3 },
  'i32.shrS': { group: 7, prefix: 2 },
};
const scales: ReadonlyMap<number | undefined, 1 | 2 | 4 | 8> = new Map([
  [1, 1],
  [2, 2],
  [4, 4],
  [8, 8],
]);

export const isComparison = (instruction: string): boolean => instruction in comparisons;

/** Of a sum with the multiple of an index, where an address can have that. */
export function scaleOf(instruction: string, b: Expression): 1 | 2 | 4 | 8 | undefined {
  if (instruction !== 'i32.add' || b.instruction !== 'i32.mul') return undefined;
  return scales.get(b.operands[1]!.constant);
}

export class Integers {
  constructor(private readonly frame: Frame) {}

  /** A register that holds the value: that of a variable, or a temporary, to be given back. */
  value(e: Expression): number {
    const own = this.own(e);
    if (own !== undefined) return own;
    const register = this.frame.integers.take();
    this.into(e, register, true);
    return register;
  }

  give(register: number): void {
    this.frame.integers.give(register);
  }

  /** register ← value. `safe`: nothing in `e` reads the register. */
  into(e: Expression, register: number, safe: boolean): void {
    const { code } = this.frame;
    const { instruction, operands } = e;
    const a = operands[0];
    const b = operands[1];
    if (e.constant !== undefined) code.moveConstant(register, e.constant);
    else if (instruction === 'local') this.local(e, register);
    else if (instruction in arithmetic) this.arithmetic(e, register, safe);
    else if (instruction in shifts) this.shift(e, register, safe);
    else if (instruction in comparisons || instruction === 'i32.eqz') {
      const condition = this.condition(e);
      code.integer([0x0f, 0x90 | condition], 0, rax);
      code.integer([0x0f, 0xb6], register, rax);
    } else if (instruction === 'i32.mul') this.multiply(a!, b!, register, safe);
    else if (instruction === 'i32.divU') this.divide(a!, b!, register);
    else if (instruction === 'select') this.select(e, register, safe);
    else if (instruction === 'i32.load' || instruction === 'i32.load8U') {
      const memory = this.address(a!, e.immediates[0]!);
      code.integer(instruction === 'i32.load' ? [0x8b] : [0x0f, 0xb6], register, memory);
      this.giveAddress(memory);
    } else if (instruction === 'i32x4.bitmask') this.frame.bitmask(a!, register);
    else throw new BackendError(`x64: no code for ${instruction}`);
  }

  /** Compares, and gives the condition under which the value is not 0. */
  condition(e: Expression): number {
    const { code } = this.frame;
    const a = e.operands[0];
    const b = e.operands[1];
    const compared = comparisons[e.instruction];
    if (compared !== undefined) {
      const left = this.value(a!);
      if (b!.constant !== undefined) code.withConstant(7, left, b!.constant);
      else {
        const right = this.value(b!);
        code.integer([0x39], right, left);
        this.give(right);
      }
      this.give(left);
      return compared;
    }
    if (e.instruction === 'i32.eqz') return this.condition(a!) ^ 1;
    const value = this.value(e);
    code.integer([0x85], value, value);
    this.give(value);
    return conditions.notEqual;
  }

  /** memory[e + offset]; what it needs is given back by `giveAddress`. */
  address(e: Expression, offset: number): Address {
    const constant = e.constant === undefined ? undefined : (e.constant >>> 0) + offset;
    if (constant !== undefined && constant <= 0x7fffffff) {
      return { base: memoryBase, displacement: constant };
    }
    if (offset <= 0x7fffffff) return { base: memoryBase, index: this.value(e), displacement: offset };
    // 64 bits, since the sum may have 33
    const at = this.frame.integers.take();
    this.into(e, at, true);
    this.frame.code.moveConstant(rax, offset | 0);
    this.frame.code.integer([0x01], rax, at, { wide: true });
    return { base: memoryBase, index: at, displacement: 0 };
  }

  giveAddress(memory: Memory): void {
    if ('base' in memory && memory.index !== undefined) this.give(memory.index);
  }

  move(register: number, from: number): void {
    if (register !== from) this.frame.code.integer([0x8b], register, from);
  }

  /** The register of a variable that has one. */
  private own(e: Expression): number | undefined {
    return e.instruction === 'local' ? this.frame.integers.register(e.immediates[0]!) : undefined;
  }

  private local(e: Expression, register: number): void {
    const own = this.own(e);
    if (own !== undefined) this.move(register, own);
    else this.frame.code.integer([0x8b], register, this.frame.integers.slot(e.immediates[0]!));
  }

  /** The value in a register: in this one if it has none of its own and that is safe. */
  private first(e: Expression, register: number, safe: boolean): number {
    if (this.own(e) !== undefined || !safe) return this.value(e);
    this.into(e, register, true);
    return register;
  }

  private arithmetic(e: Expression, register: number, safe: boolean): void {
    const { code } = this.frame;
    const a = e.operands[0]!;
    const b = e.operands[1]!;
    const { opcode, group } = arithmetic[e.instruction]!;
    const left = this.first(a, register, safe);
    const sum = e.instruction === 'i32.add';
    if (b.constant !== undefined) {
      const shifted = sum ? b.constant : -b.constant;
      if (left === register) code.withConstant(group, register, b.constant);
      else if ((sum || e.instruction === 'i32.sub') && shifted === (shifted | 0))
        code.integer([0x8d], register, { base: left, displacement: shifted });
      else {
        this.move(register, left);
        code.withConstant(group, register, b.constant);
      }
      if (left !== register) this.give(left);
      return;
    }
    const scale = scaleOf(e.instruction, b);
    if (scale !== undefined) {
      const index = this.value(b.operands[0]!);
      code.integer([0x8d], register, { base: left, index, scale, displacement: 0 });
      if (left !== register) this.give(left);
      this.give(index);
      return;
    }
    const right = this.value(b);
    if (left === register) code.integer([opcode], right, register);
    else if (right === register && e.instruction !== 'i32.sub') code.integer([opcode], left, register);
    else if (sum) code.integer([0x8d], register, { base: left, index: right, displacement: 0 });
    else {
      this.move(rax, left);
      code.integer([opcode], right, rax);
      this.move(register, rax);
    }
    if (left !== register) this.give(left);
    this.give(right);
  }

  private shift(e: Expression, register: number, safe: boolean): void {
    const { code } = this.frame;
    const [a, count] = e.operands as [Expression, Expression];
    const { group, prefix } = shifts[e.instruction]!;
    const value = this.first(a, register, safe);
    if (count.constant !== undefined) {
      this.move(register, value);
      code.integer([0xc1], group, register, { bytes: 1 });
      code.byte(count.constant & 31);
    } else {
      const by = this.value(count);
      code.vector({ map: 2, prefix, opcode: 0xf7 }, [register, by, value], { width: 16 });
      this.give(by);
    }
    if (value !== register) this.give(value);
  }

  private multiply(a: Expression, b: Expression, register: number, safe: boolean): void {
    const { code } = this.frame;
    const left = this.first(a, register, safe);
    if (b.constant !== undefined) {
      const power = Math.log2(b.constant);
      if (Number.isInteger(power)) {
        this.move(register, left);
        code.integer([0xc1], 4, register, { bytes: 1 });
        code.byte(power);
      } else {
        code.integer([0x69], register, left, { bytes: 4 });
        code.word(b.constant);
      }
    } else {
      const right = this.value(b);
      this.move(rax, left);
      code.integer([0x0f, 0xaf], rax, right);
      this.move(register, rax);
      this.give(right);
    }
    if (left !== register) this.give(left);
  }

  /** A constant divisor d becomes a factor: the high half of x · (⌊2^64 / d⌋ + 1) is ⌊x / d⌋ for x and d below 2^32. */
  private divide(a: Expression, b: Expression, register: number): void {
    const { code } = this.frame;
    const value = this.value(a);
    const divisor = b.constant === undefined ? undefined : b.constant >>> 0;
    const power = divisor === undefined ? Number.NaN : Math.log2(divisor);
    if (Number.isInteger(power)) {
      this.move(register, value);
      if (power > 0) {
        code.integer([0xc1], 5, register, { bytes: 1 });
        code.byte(power);
      }
    } else if (divisor !== undefined && divisor > 0) {
      const factor = (1n << 64n) / BigInt(divisor) + 1n;
      code.byte(0x48);
      code.byte(0xb8);
      code.word(Number(BigInt.asIntN(32, factor)));
      code.word(Number(BigInt.asIntN(32, factor >> 32n)));
      code.integer([0xf7], 4, value, { wide: true });
      this.move(register, rdx);
    } else {
      const by = this.value(b);
      this.move(rax, value);
      code.moveConstant(rdx, 0);
      code.integer([0xf7], 6, by);
      this.move(register, rax);
      this.give(by);
    }
    if (value !== register) this.give(value);
  }

  private select(e: Expression, register: number, safe: boolean): void {
    const [a, b, condition] = e.operands as [Expression, Expression, Expression];
    const result = safe ? register : this.frame.integers.take();
    this.into(b, result, true);
    const other = this.value(a);
    const holds = this.condition(condition);
    this.frame.code.integer([0x0f, 0x40 | holds], result, other);
    this.give(other);
    this.move(register, result);
    if (result !== register) this.give(result);
  }
}
