import { BackendError } from '../../core/errors.js';
import { laneImmediate, memoryImmediate, typeByte, unsigned, type ValueType } from './encoding.js';
import { addressed, type Expression, f32, f32x4, type I32, i32, type V128 } from './expressions.js';
import type { SimdLevel } from './simdLevel.js';

/** A parameter or local variable. Used as an expression it reads the value it has at that point of the code. */
export interface Local<T extends ValueType = ValueType> extends Expression<T> {
  readonly index: number;
}

/** A function of the module that is being written, to be called from others. */
export interface FunctionHandle {
  readonly index: number;
  readonly name: string;
  readonly parameters: readonly ValueType[];
}

/** A place that `branch` jumps to: the end of a `block`, the start of a `forever`. */
export interface Label {
  readonly depth: number;
}

type Integer = I32 | number;
type Lanes = V128 | number;
/** What may be assigned to a variable of type T: a number only where it has one meaning. */
type Assignable<T extends ValueType> = T extends 'v128' ? V128 : Expression<T> | number;

/** Opcode of a whole store and of a store of one lane, by type and by lane width in bits. */
const storeCode: Record<ValueType, readonly number[]> = { i32: [0x36], f32: [0x38], v128: [0xfd, 0x0b] };
const storeLaneCode: Record<8 | 16 | 32 | 64, number> = { 8: 0x58, 16: 0x59, 32: 0x5a, 64: 0x5b };

/** Writes the body of one function: statements append themselves in the order they are called. */
export class FunctionBuilder {
  private readonly code: number[] = [];
  private readonly types: ValueType[];
  private depth = 0;

  constructor(
    private readonly parameters: readonly ValueType[],
    /** What `multiplyAdd` becomes. */
    readonly simd: SimdLevel,
  ) {
    this.types = [...parameters];
  }

  /** The parameter at `index`. */
  parameter<T extends ValueType>(index: number, type: T): Local<T> {
    return { type, index, code: [0x20, ...unsigned(index)] };
  }

  /** A new variable: zero when the function starts (not on every turn of a loop around it). */
  local<T extends ValueType>(type: T): Local<T> {
    this.types.push(type);
    return this.parameter(this.types.length - 1, type);
  }

  /** A new variable holding `value`: evaluated once, here. */
  let<T extends ValueType>(value: Expression<T>): Local<T> {
    const local = this.local(value.type);
    this.emit(value.code, [0x21, ...unsigned(local.index)]);
    return local;
  }

  /** local ← value */
  set<T extends ValueType>(local: Local<T>, value: Assignable<T>): void {
    const expression =
      typeof value === 'number' ? (local.type === 'i32' ? i32.const(value) : f32.const(value)) : value;
    this.emit((expression as Expression).code, [0x21, ...unsigned(local.index)]);
  }

  /** local ← local + amount */
  increase(local: Local<'i32'>, amount: Integer): void {
    const sum = i32.add(local, amount);
    if (sum !== local) this.set(local, sum);
  }

  /** a·b + c in every lane: rounded once where the module's level is 'relaxed' (and the machine fuses), else twice. */
  multiplyAdd(a: Lanes, b: Lanes, c: Lanes): V128 {
    if (this.simd === 'baseline') return f32x4.add(f32x4.mul(a, b), c);
    const lift = (lanes: Lanes) => (typeof lanes === 'number' ? f32x4.const(lanes) : lanes);
    return f32x4.relaxedMadd(lift(a), lift(b), lift(c));
  }

  /** memory[address + offset] ← value: 4 bytes of an i32 or f32, 16 of a vector. Nothing need be aligned. */
  store(address: Integer, value: Expression, offset = 0): void {
    const [at, constant] = addressed(address, offset);
    this.emit(at.code, value.code, storeCode[value.type], memoryImmediate(constant));
  }

  /** The low byte of an i32. */
  store8(address: Integer, value: Integer, offset = 0): void {
    const [at, constant] = addressed(address, offset);
    this.emit(at.code, operand(value), [0x3a], memoryImmediate(constant));
  }

  /** One lane of a vector, `bits` wide. */
  storeLane(address: Integer, value: V128, lane: number, bits: 8 | 16 | 32 | 64, offset = 0): void {
    const [at, constant] = addressed(address, offset);
    const immediates = [...memoryImmediate(constant), laneImmediate(lane, 128 / bits)];
    this.emit(at.code, value.code, [0xfd, storeLaneCode[bits]], immediates);
  }

  /** The first `lanes` (1 to 4) 32-bit lanes; writes nothing beyond them. */
  storeLanes(address: Integer, value: V128, lanes: number, offset = 0): void {
    if (lanes === 4) this.store(address, value, offset);
    else if (lanes === 1) this.storeLane(address, value, 0, 32, offset);
    else if (lanes === 2) this.storeLane(address, value, 0, 64, offset);
    else {
      const kept = this.let(value);
      this.storeLane(address, kept, 0, 64, offset);
      this.storeLane(address, kept, laneImmediate(lanes - 1, 4), 32, offset + 8);
    }
  }

  /** Copies `bytes` bytes; the regions may overlap. */
  copy(destination: Integer, source: Integer, bytes: Integer): void {
    this.emit(operand(destination), operand(source), operand(bytes), [0xfc, 0x0a, 0, 0]);
  }

  /** Sets `bytes` bytes to the low byte of `value`. */
  fill(destination: Integer, value: Integer, bytes: Integer): void {
    this.emit(operand(destination), operand(value), operand(bytes), [0xfc, 0x0b, 0]);
  }

  /** Runs one of the two branches; a constant condition leaves only that branch in the code. */
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    if (condition.constant !== undefined) {
      if (condition.constant !== 0) then();
      else otherwise?.();
      return;
    }
    this.emit(condition.code);
    this.nest(0x04, () => {
      then();
      if (otherwise !== undefined) {
        this.emit([0x05]);
        otherwise();
      }
    });
  }

  /** A region that `branch(leave)` jumps out of. */
  block(body: (leave: Label) => void): void {
    this.nest(0x02, body);
  }

  /** A region that `branch(again)` starts over; without a branch it ends like any other. */
  forever(body: (again: Label) => void): void {
    this.nest(0x03, body);
  }

  branch(label: Label): void {
    this.emit([0x0c, ...unsigned(this.depth - label.depth)]);
  }

  branchIf(label: Label, condition: I32): void {
    this.emit(condition.code, [0x0d, ...unsigned(this.depth - label.depth)]);
  }

  /** Runs `body` while `condition`, read before every turn, is not 0. */
  while(condition: I32, body: () => void): void {
    this.block((leave) =>
      this.forever((again) => {
        this.branchIf(leave, i32.eqz(condition));
        body();
        this.branch(again);
      }),
    );
  }

  /**
   * Counts from `from` up to but without `to` in constant steps: indices or addresses, compared as unsigned numbers.
   * With constant bounds no turn costs nothing, one turn costs no loop. A bound that is neither a constant nor a
   * variable is evaluated once.
   */
  loop(from: Integer, to: Integer, step: number, body: (counter: I32) => void): void {
    if (!Number.isInteger(step) || step < 1) {
      throw new BackendError(`assembler: a loop's step must be an integer above 0: got ${step}`);
    }
    const first = lift(from);
    let bound = lift(to);
    if (first.constant !== undefined && bound.constant !== undefined) {
      const turns = Math.ceil((bound.constant - first.constant) / step);
      if (turns === 1) body(first);
      else if (turns > 1) this.turn(this.let(first), bound, step, body);
      return;
    }
    if (bound.constant === undefined && !('index' in bound)) bound = this.let(bound);
    const counter = this.let(first);
    this.if(i32.ltU(counter, bound), () => this.turn(counter, bound, step, body));
  }

  /** Calls a function that returns nothing. */
  call(target: FunctionHandle, ...values: (Expression | number)[]): void {
    if (values.length !== target.parameters.length) {
      throw new BackendError(
        `assembler: ${target.name} takes ${target.parameters.length} arguments: got ${values.length}`,
      );
    }
    this.emit(...values.map(operand), [0x10, ...unsigned(target.index)]);
  }

  /** The encoded body: declarations of variables in runs of one type, then the code, then its end. */
  encode(result: Expression | undefined): number[] {
    const runs: [number, ValueType][] = [];
    for (const type of this.types.slice(this.parameters.length)) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const declarations = [
      ...unsigned(runs.length),
      ...runs.flatMap(([count, type]) => [...unsigned(count), typeByte[type]]),
    ];
    const body = declarations.concat(this.code, result === undefined ? [] : [...result.code], [0x0b]);
    return unsigned(body.length).concat(body);
  }

  private emit(...parts: (readonly number[])[]): void {
    for (const part of parts) for (const byte of part) this.code.push(byte);
  }

  /** A structured instruction without a result, its body, its end. */
  private nest(opcode: number, body: (label: Label) => void): void {
    this.emit([opcode, 0x40]);
    this.depth++;
    body({ depth: this.depth });
    this.depth--;
    this.emit([0x0b]);
  }

  /** The turns of a loop that is known to have one at least. */
  private turn(counter: Local<'i32'>, bound: I32, step: number, body: (counter: I32) => void): void {
    this.forever((again) => {
      body(counter);
      this.increase(counter, step);
      this.branchIf(again, i32.ltU(counter, bound));
    });
  }
}

function lift(value: Integer): I32 {
  return typeof value === 'number' ? i32.const(value) : value;
}

function operand(value: Expression | number): readonly number[] {
  return typeof value === 'number' ? i32.const(value).code : value.code;
}
