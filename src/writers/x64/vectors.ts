/** Values of vectors in machine code: what an expression's instructions are in AVX2 and AVX-512. */
import { BackendError } from '../../core/errors.js';
import { type Expression, floatBits } from '../wasm/expressions.js';
import {
  codes,
  floatComparisons,
  integerComparisons,
  plainBinary,
  plainUnary,
  withConstant,
} from './codes.js';
import {
  type Address,
  type Place,
  rax,
  type VectorCode,
  type VectorForm,
  type VectorOperands,
} from './encoder.js';
import type { Frame } from './frame.js';
import type { Integers } from './integers.js';
import { loadPart, loads } from './vectorMemory.js';
import { shuffle } from './vectorShuffle.js';

const shiftCodes: Readonly<Record<string, { readonly group: number; readonly code: VectorCode }>> = {
  'i32x4.shl': { group: 6, code: codes.shiftLeft },
  'i32x4.shrU': { group: 2, code: codes.shiftRight },
  'i32x4.shrS': { group: 4, code: codes.shiftSigned },
};

/** What an instruction has besides its operands. */
type Details = Partial<Omit<VectorForm, 'vectorIndex'>>;

/** Values that are one instruction, or nearly, and that most code is made of. */
type Write = (v: Vectors, e: Expression, register: number, safe: boolean) => void;

export class Vectors {
  private readonly whole: VectorForm;

  constructor(
    readonly frame: Frame,
    readonly integers: Integers,
  ) {
    this.whole = { width: frame.width };
  }

  /** A register that holds the value: that of a variable, or a temporary, to be given back. */
  value(e: Expression): number {
    const own = this.own(e);
    if (own !== undefined) return own;
    const register = this.frame.vectors.take();
    this.into(e, register, true);
    return register;
  }

  give(place: Place, other?: Place): void {
    if (typeof place === 'number') this.frame.vectors.give(place);
    else this.integers.giveAddress(place);
    if (other !== undefined) this.give(other);
  }

  /** A register or memory that holds the value. */
  place(e: Expression): Place {
    if (e.instruction === 'v128.load') return this.integers.address(e.operands[0]!, e.immediates[0]!);
    if (e.instruction === 'v128.const') return this.frame.pool.vector(e.immediates, this.frame.width);
    if (e.instruction === 'local' && this.own(e) === undefined)
      return this.frame.vectors.slot(e.immediates[0]!);
    return this.value(e);
  }

  /** One instruction, as wide as the vectors of the function unless told. */
  emit(code: VectorCode, operands: VectorOperands, rest?: Details): void {
    this.frame.code.vector(code, operands, rest === undefined ? this.whole : { ...this.whole, ...rest });
  }

  move(register: number, from: number): void {
    if (register !== from) this.emit(codes.move, [register, 0, from]);
  }

  /** register ← value. `safe`: nothing in `e` reads the register. */
  into(e: Expression, register: number, safe: boolean): void {
    const write = writes.get(e.instruction);
    if (write === undefined) this.rare(e, register, safe);
    else write(this, e, register, safe);
  }

  /** A variable's value. */
  variable(e: Expression, register: number): void {
    const own = this.own(e);
    if (own !== undefined) this.move(register, own);
    else this.emit(codes.load, [register, 0, this.place(e)]);
  }

  /** What takes more than one instruction: computed beside the register where that is read meanwhile. */
  private rare(e: Expression, register: number, safe: boolean): void {
    const { instruction, operands } = e;
    if (instruction in shiftCodes) this.shift(e, register);
    else if (instruction in floatComparisons || instruction in integerComparisons)
      this.compare(e, register, safe);
    else if (instruction === 'f32x4.splat' || instruction === 'f32x4.extractLane') this.scalar(e, register);
    else if (instruction === 'i32x4.splat' || instruction === 'i8x16.splat') this.splat(e, register);
    else if (instruction === 'i16x8.extendLowI8x16U' || instruction === 'i32x4.extendLowI16x8U') {
      const code = instruction === 'i16x8.extendLowI8x16U' ? codes.widenBytes : codes.widenWords;
      const from = this.value(operands[0]!);
      this.emit(code, [register, 0, from]);
      this.give(from);
    } else if (instruction === 'i8x16.shuffle') shuffle(this, e, register);
    else if (safe) this.sequence(e, register);
    else {
      const result = this.frame.vectors.take();
      this.sequence(e, result);
      this.move(register, result);
      this.give(result);
    }
  }

  /** Sequences whose operands must not be in the register of the result. */
  private sequence(e: Expression, register: number): void {
    const { instruction, operands } = e;
    if (instruction === 'f32x4.min' || instruction === 'f32x4.max') this.extreme(e, register);
    else if (instruction === 'i32x4.neg') {
      const from = this.value(operands[0]!);
      this.emit(codes.xor, [register, register, register]);
      this.emit(codes.subtractIntegers, [register, register, from]);
      this.give(from);
    } else if (instruction === 'i32x4.truncSatF32x4S') this.truncate(operands[0]!, register);
    else if (instruction === 'v128.bitselect' || instruction === 'f32x4.relaxedLaneselect')
      this.choose(e, register);
    else throw new BackendError(`x64: no code for ${instruction}`);
  }

  private own(e: Expression): number | undefined {
    return e.instruction === 'local' ? this.frame.vectors.register(e.immediates[0]!) : undefined;
  }

  private first(e: Expression, register: number, safe: boolean): number {
    if (this.own(e) !== undefined || !safe) return this.value(e);
    this.into(e, register, true);
    return register;
  }

  unary({ operands }: Expression, register: number, { code, immediate }: (typeof plainUnary)[string]): void {
    const from = this.place(operands[0]!);
    this.emit(code, [register, 0, from], immediate === undefined ? undefined : { immediate });
    if (from !== register) this.give(from);
  }

  binary(e: Expression, register: number, safe: boolean): void {
    const { code, commutes = false, swapped = false } = plainBinary[e.instruction]!;
    let a = e.operands[0]!;
    let b = e.operands[1]!;
    if (swapped || (commutes && this.inMemory(a) && !this.inMemory(b))) {
      const first = a;
      a = b;
      b = first;
    }
    const left = this.first(a, register, safe);
    const right = this.place(b);
    this.emit(code, [register, left, right]);
    if (left !== register) this.give(left);
    this.give(right);
  }

  /** Tells if an instruction can read the value where it is. */
  private inMemory({ instruction, immediates }: Expression): boolean {
    if (instruction === 'v128.load' || instruction === 'v128.const') return true;
    return instruction === 'local' && this.frame.vectors.register(immediates[0]!) === undefined;
  }

  /** Of a value and a constant that is the same in every lane. */
  joined(e: Expression, register: number, safe: boolean): void {
    const { code, word } = withConstant[e.instruction]!;
    const from = this.first(e.operands[0]!, register, safe);
    this.emit(code, [register, from, this.frame.pool.vector([word], this.frame.width)]);
    if (from !== register) this.give(from);
  }

  constant(words: readonly number[], register: number): void {
    if (words.every((word) => word === 0)) this.emit(codes.xor, [register, register, register]);
    else this.emit(codes.load, [register, 0, this.frame.pool.vector(words, this.frame.width)]);
  }

  floatConstant(value: number, register: number): void {
    this.constant([floatBits(value)], register);
  }

  /** a·b + c in the register of c or of a, as it comes; else c is brought there. */
  multiplyAdd(e: Expression, register: number, safe: boolean): void {
    const { operands } = e;
    const exchanged = this.inMemory(operands[0]!);
    const a = operands[exchanged ? 1 : 0]!;
    const b = operands[exchanged ? 0 : 1]!;
    const c = operands[2]!;
    const ownA = this.own(a);
    const ownC = this.own(c);
    if (ownC === register) {
      const left = this.value(a);
      const right = this.place(b);
      this.emit(codes.multiplyAdd231, [register, left, right]);
      this.give(left, right);
    } else if (ownA === register || (safe && ownA === undefined && this.inMemory(c))) {
      if (ownA !== register) this.into(a, register, true);
      const factor = this.value(b);
      const term = this.place(c);
      this.emit(codes.multiplyAdd213, [register, factor, term]);
      this.give(factor, term);
    } else if (safe) {
      this.into(c, register, true);
      const left = this.value(a);
      const right = this.place(b);
      this.emit(codes.multiplyAdd231, [register, left, right]);
      this.give(left, right);
    } else {
      const result = this.frame.vectors.take();
      this.multiplyAdd(e, result, true);
      this.move(register, result);
      this.give(result);
    }
  }

  private shift(e: Expression, register: number): void {
    const [a, count] = e.operands as [Expression, Expression];
    const { group, code } = shiftCodes[e.instruction]!;
    const value = this.value(a);
    if (count.constant !== undefined)
      this.emit(codes.shift, [group, register, value], { immediate: count.constant & 31 });
    else {
      const by = this.integers.value(count);
      const vector = this.frame.vectors.take();
      this.integers.move(rax, by);
      this.frame.code.withConstant(4, rax, 31);
      this.emit(codes.fromInteger, [vector, 0, rax], { width: 16 });
      this.emit(code, [register, value, vector]);
      this.integers.give(by);
      this.give(vector);
    }
    if (value !== register) this.give(value);
  }

  private compare(e: Expression, register: number, safe: boolean): void {
    let [a, b] = e.operands as [Expression, Expression];
    const [predicate, exchanged] = floatComparisons[e.instruction] ?? [undefined, false];
    const integer = integerComparisons[e.instruction];
    const wide = this.frame.width === 64;
    if (exchanged || (integer?.swapped && !wide)) [a, b] = [b, a];
    const left = this.first(a, register, safe);
    const right = this.place(b);
    if (predicate !== undefined) this.compareFloats(predicate, register, left, right);
    else if (wide) {
      this.emit(codes.compareIntegers, [1, left, right], { immediate: integer!.predicate });
      this.emit(codes.maskToLanes, [register, 0, 1], { evex: true });
    } else if (register > 15 || left > 15 || (typeof right === 'number' && right > 15)) {
      this.emit(codes[integer!.code], [1, left, right], { evex: true });
      this.emit(codes.maskToLanes, [register, 0, 1], { evex: true });
      if (integer!.negated) this.negate(register);
    } else {
      this.emit(codes[integer!.code], [register, left, right]);
      if (integer!.negated) this.negate(register);
    }
    if (left !== register) this.give(left);
    this.give(right);
  }

  private negate(register: number): void {
    this.emit(codes.xor, [register, register, this.frame.pool.vector([-1], this.frame.width)]);
  }

  /** A mask of whole lanes; by a mask register where there is no other way. */
  private compareFloats(predicate: number, register: number, left: number, right: Place): void {
    const high = register > 15 || left > 15 || (typeof right === 'number' && right > 15);
    if (this.frame.width < 64 && !high) {
      this.emit(codes.compare, [register, left, right], { immediate: predicate });
      return;
    }
    this.emit(codes.compare, [1, left, right], { immediate: predicate, evex: true });
    this.emit(codes.maskToLanes, [register, 0, 1], { evex: true });
  }

  /** min and max as V8 computes them: both orders, joined so that NaN and the sign of zero come through. */
  private extreme(e: Expression, register: number): void {
    const [a, b] = [this.value(e.operands[0]!), this.value(e.operands[1]!)];
    const other = this.frame.vectors.take();
    const smallest = e.instruction === 'f32x4.min';
    const code = smallest ? codes.minimum : codes.maximum;
    this.emit(code, [other, a, b]);
    this.emit(code, [register, b, a]);
    if (smallest) this.emit(codes.or, [other, other, register]);
    else {
      this.emit(codes.xor, [register, register, other]);
      this.emit(codes.or, [other, other, register]);
      this.emit(codes.subtract, [other, other, register]);
    }
    this.compareFloats(3, register, register, other);
    if (smallest) this.emit(codes.or, [other, other, register]);
    this.emit(codes.shift, [2, register, register], { immediate: 10 });
    this.emit(codes.andNot, [register, register, other]);
    this.give(a, b);
    this.give(other);
  }

  /** NaN becomes 0, what is too large the largest integer. */
  private truncate(operand: Expression, register: number): void {
    const from = this.value(operand);
    const large = this.frame.vectors.take();
    this.compareFloats(0, register, from, from);
    this.emit(codes.and, [register, register, from]);
    const bound = this.frame.pool.vector([0x4f000000], this.frame.width);
    this.compareFloats(13, large, register, bound);
    this.emit(codes.truncate, [register, 0, register]);
    this.emit(codes.xor, [register, register, large]);
    this.give(from, large);
  }

  bitmask(vector: Expression, register: number): void {
    const from = this.value(vector);
    if (this.frame.width < 64 && from < 16) this.emit(codes.signs, [register, 0, from]);
    else {
      this.emit(codes.signsToMask, [1, 0, from], { evex: true });
      this.emit(codes.fromMask, [register, 0, 1], { width: 16 });
    }
    this.give(from);
  }

  private choose(e: Expression, register: number): void {
    const [a, b, mask] = e.operands as [Expression, Expression, Expression];
    if (this.frame.level === 'avx512') {
      this.into(mask, register, true);
      const set = this.value(a);
      const clear = this.place(b);
      this.emit(codes.ternary, [register, set, clear], { immediate: 0xca, evex: true });
      this.give(set, clear);
      return;
    }
    if (e.instruction === 'f32x4.relaxedLaneselect') {
      const [chosen, clear] = [this.value(mask), this.value(b)];
      const set = this.place(a);
      this.emit(codes.blend, [register, clear, set], { immediate: chosen << 4 });
      this.give(chosen, clear);
      this.give(set);
      return;
    }
    const [chosen, set] = [this.value(mask), this.value(a)];
    const clear = this.frame.vectors.take();
    const other = this.place(b);
    this.emit(codes.andNot, [clear, chosen, other]);
    this.emit(codes.and, [register, set, chosen]);
    this.emit(codes.or, [register, register, clear]);
    this.give(chosen, set);
    this.give(clear, other);
  }

  private scalar(e: Expression, register: number): void {
    const from = this.value(e.operands[0]!);
    const lane = e.immediates[0] ?? 0;
    if (e.instruction === 'f32x4.splat') this.emit(codes.broadcastFloat, [register, 0, from]);
    else this.emit(codes.shuffleWords, [register, 0, from], { immediate: lane, width: 16 });
    if (from !== register) this.give(from);
  }

  private splat(e: Expression, register: number): void {
    const from = this.integers.value(e.operands[0]!);
    this.emit(codes.fromInteger, [register, 0, from], { width: 16 });
    const code = e.instruction === 'i32x4.splat' ? codes.broadcastWord : codes.broadcastByte;
    this.emit(code, [register, 0, register]);
    this.integers.give(from);
  }

  /** The address of a value in memory. */
  address(e: Expression, offset: number): Address {
    return this.integers.address(e, offset);
  }
}

const writes: ReadonlyMap<string, Write> = new Map<string, Write>([
  ['local', (v, e, register) => v.variable(e, register)],
  ['f32x4.relaxedMadd', (v, e, register, safe) => v.multiplyAdd(e, register, safe)],
  ['v128.const', (v, e, register) => v.constant(e.immediates, register)],
  ['f32.const', (v, e, register) => v.floatConstant(e.immediates[0]!, register)],
  ...Object.entries<Write>(loads),
  ['v128.loadLanes', loadPart],
  ['v128.gather', loadPart],
  ...Object.keys(plainBinary).map((name): [string, Write] => [
    name,
    (v, e, register, safe) => v.binary(e, register, safe),
  ]),
  ...Object.entries(plainUnary).map(([name, plain]): [string, Write] => [
    name,
    (v, e, register) => v.unary(e, register, plain),
  ]),
  ...Object.keys(withConstant).map((name): [string, Write] => [
    name,
    (v, e, register, safe) => v.joined(e, register, safe),
  ]),
]);
