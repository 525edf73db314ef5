/**
 * One function in machine code. Its arguments are on the stack, 8 bytes each; it keeps every integer register that it
 * uses, and no vector register. The body is written first: its head, which saves the registers, stands behind it.
 */
import { BackendError } from '../../core/errors.js';
import type { Expression } from '../wasm/expressions.js';
import type { Label, Statement } from '../wasm/function.js';
import { allocate } from './allocate.js';
import { codes } from './codes.js';
import { type Address, type Code, rax, rcx, rdi, rdx, rsi, rsp, type Target, type Width } from './encoder.js';
import { Bank, type Frame, type Pool, type X64Level } from './frame.js';
import { Integers } from './integers.js';
import { type Interval, type Lives, livesOf } from './intervals.js';
import type { X64Function } from './module.js';
import { Needs, reads } from './needs.js';
import { storeVector } from './vectorMemory.js';
import { Vectors } from './vectors.js';

/** All but rax and rdx, the stack and the memory's address. */
const integerRegisters = [1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
const vectorRegisters = {
  avx2: Array.from({ length: 16 }, (_, index) => index),
  avx512: Array.from({ length: 32 }, (_, index) => index),
} as const;

const integerSlot = 8;

/** What a function has become. */
interface PrintedFunction {
  /** Offset of its first instruction. */
  readonly entry: number;
  /** How many variables that are vectors found no register. */
  readonly spilledVectors: number;
}

export class FunctionPrinter implements Frame {
  readonly integers = new Bank();
  readonly vectors = new Bank();
  readonly width: Width;
  spare: Address;
  private readonly int: Integers;
  private readonly vec: Vectors;
  private readonly lives: Lives;
  private readonly types: readonly string[];
  private readonly ends: { label: number; target: Target }[] = [];
  private depth = 0;
  /** The number of the statement that is next (`livesOf`). */
  private at = 1;
  private free: { integers: Int32Array; vectors: Int32Array } | undefined;

  constructor(
    private readonly body: X64Function,
    readonly code: Code,
    readonly pool: Pool,
    readonly level: X64Level,
  ) {
    this.width = (4 * body.lanes) as Width;
    this.types = [...body.parameters, ...body.variables];
    this.spare = { base: rsp, displacement: 0 };
    this.int = new Integers(this);
    this.vec = new Vectors(this, this.int);
    this.lives = livesOf(body);
  }

  print(): PrintedFunction {
    const { code, lives } = this;
    const { integers, vectors } = this.place();
    const outgoing = this.outgoing();
    let size = 8 * outgoing;
    const next = (bytes: number, alignment: number) => {
      const at = Math.ceil(size / alignment) * alignment;
      size = at + bytes;
      return at;
    };
    const saved = next(8, 8);
    const slotsOf = (variables: ReadonlySet<number>, bytes: number) => {
      const slots: (number | undefined)[] = [];
      for (const variable of variables) slots[variable] = next(bytes, bytes);
      return slots;
    };
    this.integers.settle(integers.registers, slotsOf(integers.spilled, integerSlot));
    this.vectors.settle(vectors.registers, slotsOf(vectors.spilled, this.width));
    this.spare = { base: rsp, displacement: next(64, 64) };
    this.free = { integers: integers.free, vectors: vectors.free };

    const start = code.length;
    this.all(this.body.statements);
    const used = integerRegisters.filter((register) => (this.integers.used >> register) & 1);
    // the epilogue
    code.integer([0x8b], rsp, { base: rsp, displacement: saved }, { wide: true });
    for (const register of used.toReversed()) code.stack(0x58, register);
    code.byte(0xc3);
    // the head
    const entry = code.length;
    for (const register of used) code.stack(0x50, register);
    code.integer([0x8b], rax, rsp, { wide: true });
    code.withConstant(5, rsp, Math.ceil(size / 64) * 64, true);
    code.withConstant(4, rsp, -64, true);
    code.integer([0x89], rax, { base: rsp, displacement: saved }, { wide: true });
    this.arguments(8 * used.length + 8);
    for (const interval of lives.intervals) if (interval.zeroed) this.zero(interval);
    code.byte(0xe9);
    code.word(start - code.length - 4);
    return { entry, spilledVectors: vectors.spilled.size };
  }

  bitmask(vector: Expression, register: number): void {
    this.vec.bitmask(vector, register);
  }

  /**
   * Registers for all variables. What statements need for themselves depends on what is on the stack, and so on; mostly
   * nothing has to be.
   */
  private place() {
    const { intervals, calls } = this.lives;
    const isVector = ({ variable }: Interval) => this.types[variable] !== 'i32';
    const acrossCall = ({ from, to }: Interval) => calls.some((at) => from < at && at < to);
    const vectorIntervals = intervals.filter(isVector);
    const integerIntervals = intervals.filter((interval) => !isVector(interval));
    let spilledIntegers: ReadonlySet<number> = new Set();
    let spilledVectors: ReadonlySet<number> = new Set(
      vectorIntervals.filter(acrossCall).map(({ variable }) => variable),
    );
    for (;;) {
      const demand = this.demand(spilledIntegers, spilledVectors);
      const integers = allocate(integerIntervals, integerRegisters, demand('integers'), spilledIntegers);
      const vectors = allocate(
        vectorIntervals,
        vectorRegisters[this.level],
        demand('vectors'),
        spilledVectors,
      );
      if (integers.spilled.size === spilledIntegers.size && vectors.spilled.size === spilledVectors.size)
        return { integers, vectors };
      spilledIntegers = integers.spilled;
      spilledVectors = vectors.spilled;
    }
  }

  /** Registers that statements need, while these variables live on the stack: counted only where a bound does not do. */
  private demand(spilledIntegers: ReadonlySet<number>, spilledVectors: ReadonlySet<number>) {
    const { count, enough, statements } = this.lives;
    const bounded = spilledIntegers.size === 0 && spilledVectors.size === 0;
    const counted: (Needs | undefined)[] = [];
    const body = {
      ...{ level: this.level, lanes: this.body.lanes, types: this.types },
      onStack: (variable: number) => spilledIntegers.has(variable) || spilledVectors.has(variable),
    };
    return (kind: 'integers' | 'vectors') => ({
      count,
      enough: bounded ? enough[kind] : undefined,
      exact(at: number): number {
        const statement = statements[at];
        if (statement === undefined) return 0;
        counted[at] ??= new Needs(body, statement);
        return counted[at][kind];
      },
    });
  }

  /** The most arguments of a call. */
  private outgoing(): number {
    const { calls, statements } = this.lives;
    return Math.max(0, ...calls.map((at) => statements[at]!.operands.length));
  }

  private arguments(above: number): void {
    for (const [index, type] of this.body.parameters.entries()) {
      if (type !== 'i32') throw new BackendError(`x64: parameters are integers: got ${type}`);
      const from = { base: rax, displacement: above + 8 * index };
      const register = this.integers.register(index);
      this.code.integer([0x8b], register ?? rdx, from);
      if (register === undefined) this.code.integer([0x89], rdx, this.integers.slot(index));
    }
  }

  private zero({ variable }: Interval): void {
    const { code } = this;
    const integer = this.types[variable] === 'i32';
    const bank = integer ? this.integers : this.vectors;
    const register = bank.register(variable);
    if (register !== undefined && integer) code.moveConstant(register, 0);
    else if (register !== undefined) this.vec.emit(codes.xor, [register, register, register]);
    else {
      const slot = bank.slot(variable);
      code.moveConstant(rdx, 0);
      for (let at = 0; at < (integer ? integerSlot : this.width); at += 8)
        code.integer([0x89], rdx, { ...slot, displacement: slot.displacement + at }, { wide: true });
    }
  }

  private all(statements: readonly Statement[]): void {
    for (const statement of statements) this.statement(statement);
    this.at++;
  }

  private statement(statement: Statement): void {
    const at = this.at++;
    this.integers.begin(this.free!.integers[at]!);
    this.vectors.begin(this.free!.vectors[at]!);
    if ('body' in statement) this.nested(statement);
    else this.simple(statement);
  }

  private simple(statement: Exclude<Statement, { body: unknown }>): void {
    const { operands } = statement;
    const { code } = this;
    switch (statement.kind) {
      case 'set':
        this.set(statement.local, operands[0]!);
        return;
      case 'store':
        this.store(statement);
        return;
      case 'copy':
      case 'fill':
        this.block(statement.kind, operands);
        return;
      case 'call':
        for (const [index, operand] of operands.entries()) {
          const value = this.int.value(operand);
          code.integer([0x89], value, { base: rsp, displacement: 8 * index });
          this.int.give(value);
        }
        code.call(statement.target);
        return;
      case 'branch':
        code.jump(this.labeled(statement.label));
        return;
      case 'branchIf':
        code.jump(this.labeled(statement.label), this.int.condition(operands[0]!));
    }
  }

  private set(variable: number, value: Expression): void {
    const integer = this.types[variable] === 'i32';
    const bank = integer ? this.integers : this.vectors;
    const print = integer ? this.int : this.vec;
    const register = bank.register(variable);
    if (register !== undefined) {
      print.into(value, register, !reads(value, variable));
      return;
    }
    const temporary = print.value(value);
    const slot = bank.slot(variable);
    if (integer) this.code.integer([0x89], temporary, slot);
    else this.vec.emit(codes.store, [temporary, 0, slot]);
    print.give(temporary);
  }

  private store({ instruction, operands, immediates }: Extract<Statement, { kind: 'store' }>): void {
    if (instruction !== 'i32.store' && instruction !== 'i32.store8') {
      storeVector(this.vec, instruction, operands, immediates);
      return;
    }
    const value = this.int.value(operands[1]!);
    const memory = this.int.address(operands[0]!, immediates[0]!);
    if (instruction === 'i32.store') this.code.integer([0x89], value, memory);
    else {
      this.int.move(rax, value);
      this.code.integer([0x88], rax, memory);
    }
    this.int.giveAddress(memory);
    this.int.give(value);
  }

  /** String instructions want their operands in rdi, rsi (or rax) and rcx, which are put aside. */
  private block(kind: 'copy' | 'fill', operands: readonly Expression[]): void {
    const { code } = this;
    const values = operands.map((operand) => this.int.value(operand));
    const fixed = [rdi, rsi, rcx];
    for (const register of fixed) code.stack(0x50, register);
    for (const value of values) code.stack(0x50, value);
    for (const register of [rcx, kind === 'copy' ? rsi : rax, rdi]) code.stack(0x58, register);
    // addresses from the memory's begin
    code.integer([0x03], rdi, 15, { wide: true });
    if (kind === 'copy') {
      code.integer([0x03], rsi, 15, { wide: true });
      const [backward, done] = [code.target(), code.target()];
      // forward unless the destination begins within the source
      code.integer([0x8b], rax, rdi, { wide: true });
      code.integer([0x2b], rax, rsi, { wide: true });
      code.integer([0x39], rcx, rax, { wide: true });
      code.jump(backward, 2);
      for (const byte of [0xf3, 0xa4]) code.byte(byte);
      code.jump(done);
      code.place(backward);
      code.integer([0x8d], rdi, { base: rdi, index: rcx, displacement: -1 }, { wide: true });
      code.integer([0x8d], rsi, { base: rsi, index: rcx, displacement: -1 }, { wide: true });
      for (const byte of [0xfd, 0xf3, 0xa4, 0xfc]) code.byte(byte);
      code.place(done);
    } else for (const byte of [0xf3, 0xaa]) code.byte(byte);
    for (const register of fixed.toReversed()) code.stack(0x58, register);
    for (const value of values) this.int.give(value);
  }

  private labeled(label: Label): Target {
    return this.ends.find((end) => end.label === label.depth)?.target ?? this.code.target();
  }

  private nested(statement: Extract<Statement, { body: unknown }>): void {
    const { code } = this;
    const target = code.target();
    this.depth++;
    if (statement.kind === 'if') {
      const otherwise = code.target();
      code.jump(otherwise, this.int.condition(statement.operands[0]!) ^ 1);
      this.labeledAs(target, () => {
        this.all(statement.body);
        if (statement.otherwise) {
          code.jump(target);
          code.place(otherwise);
          this.all(statement.otherwise);
        } else code.place(otherwise);
      });
      code.place(target);
    } else if (statement.kind === 'block') {
      this.labeledAs(target, () => this.all(statement.body));
      code.place(target);
    } else {
      code.place(target);
      this.labeledAs(target, () => this.all(statement.body));
      this.at++;
    }
    this.depth--;
  }

  private labeledAs(target: Target, body: () => void): void {
    this.ends.push({ label: this.depth, target });
    body();
    this.ends.pop();
  }
}
