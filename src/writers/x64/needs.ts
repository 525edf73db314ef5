/**
 * How many registers a statement takes for itself, beside those of variables: `Integers` and `Vectors` without the code.
 * What an instruction takes for its operands it keeps until it is written.
 */
import type { Expression } from '../wasm/expressions.js';
import type { Statement } from '../wasm/function.js';
import { floatComparisons, integerComparisons, plainBinary, plainUnary, withConstant } from './codes.js';
import type { X64Level } from './frame.js';
import { isComparison, scaleOf } from './integers.js';

/** Integer instructions that compute their first operand in the register of the result. */
const inPlace: ReadonlySet<string> = new Set([
  ...['i32.add', 'i32.sub', 'i32.mul', 'i32.and', 'i32.or', 'i32.shl', 'i32.shrS', 'i32.shrU'],
]);

const hasTwo: ReadonlySet<string> = new Set(
  [plainBinary, floatComparisons, integerComparisons].flatMap((table) => Object.keys(table)),
);
/** Computed beside the register of the result where an operand is in it. */
const sequences: ReadonlySet<string> = new Set([
  ...['f32x4.min', 'f32x4.max', 'i32x4.neg', 'i32x4.truncSatF32x4S'],
]);
/** What needs one more register on the way. */
const withOther: ReadonlySet<string> = new Set([
  ...['f32x4.min', 'f32x4.max', 'i32x4.truncSatF32x4S', 'i8x16.shuffle'],
]);

/** What decides the needs of its statements. */
interface Placed {
  readonly level: X64Level;
  /** Float32 in a vector. */
  readonly lanes: number;
  readonly types: readonly string[];
  /** Whether a variable lives on the stack. */
  onStack(variable: number): boolean;
}

/** Of one statement. */
export class Needs {
  integers = 0;
  vectors = 0;
  private heldIntegers = 0;
  private heldVectors = 0;

  constructor(
    private readonly body: Placed,
    statement: Statement,
  ) {
    const { operands, kind } = statement;
    const [a, b] = operands;
    if (kind === 'set') this.set(statement.local, a!);
    else if (kind === 'store') {
      const isVector = statement.instruction !== 'i32.store' && statement.instruction !== 'i32.store8';
      if (isVector) this.vector(b!);
      else this.integer(b!);
      this.address(a!, statement.immediates[0]!);
      if (statement.instruction === 'v128.storeLanes' && statement.immediates[1] !== 4) this.takeMask();
    } else if (kind === 'if' || kind === 'branchIf') this.condition(a!);
    else {
      for (const operand of operands) {
        this.integer(operand);
        // arguments of a call stand in registers one after another
        if (kind === 'call') this.heldIntegers = 0;
      }
    }
  }

  private set(variable: number, value: Expression): void {
    const integer = this.body.types[variable] === 'i32';
    if (this.body.onStack(variable)) {
      if (integer) this.integer(value);
      else this.vector(value);
    } else if (integer) this.integerInto(value, !reads(value, variable));
    else this.vectorInto(value, !reads(value, variable), variable);
  }

  private takeInteger(): void {
    this.heldIntegers++;
    if (this.heldIntegers > this.integers) this.integers = this.heldIntegers;
  }

  private takeVector(): void {
    this.heldVectors++;
    if (this.heldVectors > this.vectors) this.vectors = this.heldVectors;
  }

  /** Whether it is a variable in a register. */
  private own({ instruction, immediates }: Expression): boolean {
    return instruction === 'local' && !this.body.onStack(immediates[0]!);
  }

  private integer(e: Expression): void {
    if (this.own(e)) return;
    this.takeInteger();
    this.integerInto(e, true);
  }

  private integerInto({ instruction, operands, immediates, constant }: Expression, safe: boolean): void {
    if (constant !== undefined || instruction === 'local') return;
    const { heldIntegers } = this;
    const a = operands[0]!;
    if (instruction === 'select') {
      if (!safe) this.takeInteger();
      this.integerInto(operands[1]!, true);
      this.integer(a);
      this.condition(operands[2]!);
    } else if (instruction === 'i32.load' || instruction === 'i32.load8U') this.address(a, immediates[0]!);
    else if (instruction === 'i32.eqz') this.condition(a);
    else if (instruction === 'i32x4.bitmask') {
      const { heldVectors } = this;
      this.vector(a);
      this.heldVectors = heldVectors;
    } else {
      if (safe && inPlace.has(instruction) && !this.own(a)) this.integerInto(a, true);
      else this.integer(a);
      const b = operands[1];
      if (b !== undefined && b.constant === undefined)
        this.integer(scaleOf(instruction, b) === undefined ? b : b.operands[0]!);
    }
    this.heldIntegers = heldIntegers;
  }

  private condition(e: Expression): void {
    const { heldIntegers } = this;
    const { instruction, operands } = e;
    if (instruction === 'i32.eqz') this.condition(operands[0]!);
    else if (isComparison(instruction)) {
      this.integer(operands[0]!);
      if (operands[1]!.constant === undefined) this.integer(operands[1]!);
    } else this.integer(e);
    this.heldIntegers = heldIntegers;
  }

  private address(e: Expression, offset: number): void {
    const far = offset > 0x7fffffff;
    if (e.constant !== undefined && (e.constant >>> 0) + offset <= 0x7fffffff) return;
    if (!far) this.integer(e);
    else {
      this.takeInteger();
      this.integerInto(e, true);
    }
  }

  private vector(e: Expression): void {
    if (this.own(e)) return;
    this.takeVector();
    this.vectorInto(e, true, undefined);
  }

  /** Whether an instruction can read the value where it is. */
  private inMemory({ instruction, immediates }: Expression): boolean {
    if (instruction === 'v128.load' || instruction === 'v128.const') return true;
    return instruction === 'local' && this.body.onStack(immediates[0]!);
  }

  private place(e: Expression): void {
    if (e.instruction === 'v128.load') this.address(e.operands[0]!, e.immediates[0]!);
    else if (!this.inMemory(e)) this.vector(e);
  }

  private first(e: Expression, safe: boolean): void {
    if (safe && !this.own(e)) this.vectorInto(e, true, undefined);
    else this.vector(e);
  }

  /** @param target the variable whose register it is */
  private vectorInto(e: Expression, safe: boolean, target: number | undefined): void {
    const { instruction, operands, immediates } = e;
    if (instruction === 'local' || instruction === 'v128.const' || instruction === 'f32.const') return;
    const { heldIntegers, heldVectors } = this;
    const [a, b] = operands;
    if (instruction === 'f32x4.relaxedMadd') this.multiplyAdd(operands, safe, target);
    else if (instruction in plainUnary) this.place(a!);
    else if (instruction in withConstant) this.first(a!, safe);
    else if (this.exchanged(e)) {
      this.first(b!, safe);
      this.place(a!);
    } else if (hasTwo.has(instruction)) {
      this.first(a!, safe);
      this.place(b!);
    } else if (instruction === 'v128.gather' || instruction === 'v128.loadLanes') {
      this.address(a!, immediates[0]!);
      if (instruction === 'v128.gather') {
        this.takeInteger();
        this.takeVector();
        this.takeVector();
      }
      if (instruction === 'v128.gather' || !this.plain(immediates[1]!)) this.takeMask();
    } else if (instruction === 'i32x4.splat' || instruction === 'i8x16.splat') this.integer(a!);
    else if (instruction.startsWith('v128.load')) {
      if (b !== undefined) this.vector(b);
      this.address(a!, immediates[0]!);
    } else this.rare(e, safe);
    this.heldIntegers = heldIntegers;
    this.heldVectors = heldVectors;
  }

  private multiplyAdd(operands: readonly Expression[], safe: boolean, target: number | undefined): void {
    let [a, b, c] = operands as [Expression, Expression, Expression];
    if (this.inMemory(a)) [a, b] = [b, a];
    const isTarget = ({ instruction, immediates }: Expression) =>
      instruction === 'local' && target !== undefined && immediates[0] === target;
    if (!isTarget(c)) {
      if (!safe && !isTarget(a)) this.takeVector();
      if (isTarget(a) || (!this.own(a) && this.inMemory(c))) {
        if (!isTarget(a)) this.vectorInto(a, true, undefined);
        this.vector(b);
        this.place(c);
        return;
      }
      this.vectorInto(c, true, undefined);
    }
    this.vector(a);
    this.place(b);
  }

  /** Whether the second operand of two is computed first. */
  private exchanged({ instruction, operands }: Expression): boolean {
    const plain = plainBinary[instruction];
    if (plain !== undefined) {
      const { swapped = false, commutes = false } = plain;
      return swapped || (commutes && this.inMemory(operands[0]!) && !this.inMemory(operands[1]!));
    }
    const floats = floatComparisons[instruction];
    if (floats !== undefined) return floats[1];
    return this.body.lanes < 16 && integerComparisons[instruction]?.swapped === true;
  }

  /** What takes more than one instruction. */
  private rare({ instruction, operands }: Expression, safe: boolean): void {
    const [a, b] = operands;
    if (instruction === 'v128.bitselect' || instruction === 'f32x4.relaxedLaneselect') {
      if (!safe) this.takeVector();
      const mask = operands[2]!;
      if (this.body.level === 'avx512') {
        this.vectorInto(mask, true, undefined);
        this.vector(a!);
        this.place(b!);
      } else {
        const chosen = instruction === 'f32x4.relaxedLaneselect';
        this.vector(mask);
        this.vector(chosen ? b! : a!);
        if (!chosen) this.takeVector();
        this.place(chosen ? a! : b!);
      }
      return;
    }
    if (!safe && sequences.has(instruction)) this.takeVector();
    for (const operand of operands) {
      if (operand.type !== 'i32') this.vector(operand);
      else if (operand.constant === undefined) {
        // the count of a shift, in a vector too
        this.integer(operand);
        this.takeVector();
      }
    }
    if (withOther.has(instruction)) this.takeVector();
  }

  /** Whether these lanes are a scalar or a whole vector. */
  private plain(lanes: number): boolean {
    return lanes === 1 || lanes === 2 || lanes === 4 || lanes === this.body.lanes;
  }

  /** AVX2 has the lanes that are meant in a register. */
  private takeMask(): void {
    if (this.body.level === 'avx2') this.takeVector();
  }
}

/** Whether a value reads a variable. */
export function reads({ instruction, operands, immediates }: Expression, variable: number): boolean {
  if (instruction === 'local' && immediates[0] === variable) return true;
  for (let index = 0; index < operands.length; index++) if (reads(operands[index]!, variable)) return true;
  return false;
}
