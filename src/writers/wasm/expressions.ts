/**
 * Expressions of the assembler: trees of instructions that know the type of their value. They are text, not results: an
 * expression is evaluated where (and as often as) a statement uses it, so keep what is used twice in a local. Names are
 * those of WebAssembly's instruction set in camel case (`i32x4.shr_s` is `i32x4.shrS`); what becomes of the trees is the
 * business of a printer (binary.ts).
 *
 * A plain number stands for a constant of the expected type wherever an operand is taken; for a vector it fills every
 * lane. Constant i32 arithmetic is folded, since addresses are mostly made of it.
 */
import { BackendError } from '../../core/errors.js';
import type { Instruction, Load, Operation } from './instructions.js';

/** The types of values that the assembler knows. */
export type ValueType = 'i32' | 'f32' | 'v128';

export interface Expression<T extends ValueType = ValueType> {
  readonly type: T;
  readonly instruction: Instruction;
  readonly operands: readonly Expression[];
  /** The constant parts: a number (of a vector: four words or more), the index of a variable, an offset, lanes. */
  readonly immediates: readonly number[];
  /** The value, if it is a known i32. */
  readonly constant?: number;
}
export type I32 = Expression<'i32'>;
export type F32 = Expression<'f32'>;
export type V128 = Expression<'v128'>;

type Operand<T extends ValueType> = Expression<T> | number;
type Lift<T extends ValueType> = (operand: Operand<T>) => Expression<T>;

function node<T extends ValueType>(
  type: T,
  instruction: Instruction,
  operands: readonly Expression[],
  immediates: readonly number[] = none,
): Expression<T> {
  return { type, instruction, operands, immediates };
}

// many are made once, by code that runs for the first time: what is empty is shared, arrays are not taken apart
export const none: readonly never[] = [];

const liftI32: Lift<'i32'> = (operand) =>
  typeof operand === 'number'
    ? { type: 'i32', instruction: 'i32.const', operands: none, immediates: [operand], constant: operand | 0 }
    : operand;
const liftF32: Lift<'f32'> = (operand) =>
  typeof operand === 'number' ? node('f32', 'f32.const', none, [operand]) : operand;
/** Vectors of one number, whose word it is told. */
const liftVector =
  (word: (value: number) => number): Lift<'v128'> =>
  (operand) =>
    typeof operand === 'number' ? vectorOf(...repeated(word(operand))) : operand;
const repeated = (word: number): number[] => [word, word, word, word];
const vectorOf = (...words: number[]): V128 => node('v128', 'v128.const', none, words);
const liftF32x4 = liftVector(floatBits);
const liftI32x4 = liftVector((value) => value | 0);

const aFloat = new Float32Array(1);
const itsBits = new Int32Array(aFloat.buffer);

/** The bits of a number as float32. */
export function floatBits(value: number): number {
  aFloat[0] = value;
  return itsBits[0]!;
}

/** Complains of a lane that is not among `lanes`. */
export function checkedLane(lane: number, lanes: number): number {
  if (!Number.isInteger(lane) || lane < 0 || lane >= lanes) {
    throw new BackendError(`assembler: a lane must be an integer from 0 to ${lanes - 1}: got ${lane}`);
  }
  return lane;
}

/** The name behind the point: `add` of `f32x4.add`. */
type Short<I extends string> = I extends `${string}.${infer K}` ? K : never;

/** A namespace of functions out of instructions. */
function namespace<I extends Instruction, F>(instructions: readonly I[], make: (instruction: I) => F) {
  const entries = instructions.map((name) => [name.slice(name.indexOf('.') + 1), make(name)]);
  return Object.fromEntries(entries) as Record<Short<I>, F>;
}
const unary = <A extends ValueType, I extends Operation>(lift: Lift<A>, ...instructions: I[]) =>
  namespace(instructions, (name) => (a: Operand<A>) => node('v128', name, [lift(a)]));
const binary = <T extends ValueType, I extends Operation>(type: T, lift: Lift<T>, ...instructions: I[]) =>
  namespace(instructions, (name) => (a: Operand<T>, b: Operand<T>) => node(type, name, [lift(a), lift(b)]));
/** Shifts of vectors take one i32 count for all lanes. */
const shifts = <I extends Operation>(...instructions: I[]) =>
  namespace(
    instructions,
    (name) => (a: V128, count: Operand<'i32'>) => node('v128', name, [a, liftI32(count)]),
  );

/** Address and offset of an access `offset` bytes from `address`: an immediate cannot be negative, an address can. */
export function addressed(address: Operand<'i32'>, offset: number): { at: I32; rest: number } {
  if (offset < 0) return { at: i32.add(address, offset), rest: 0 };
  if (!Number.isInteger(offset) || offset > 0xffff_ffff) {
    throw new BackendError(`assembler: a memory offset must be an integer below 2^32: got ${offset}`);
  }
  return { at: liftI32(address), rest: offset };
}
/** Loads take an address and a constant byte offset. */
const loads = <T extends ValueType, I extends Load>(type: T, ...instructions: I[]) =>
  namespace(instructions, (name) => (address: Operand<'i32'>, offset = 0) => {
    const { at, rest } = addressed(address, offset);
    return node(type, name, [at], [rest]);
  });
/** Loads of one lane keep the other lanes of `into`. */
const laneLoad =
  (name: Load, lanes: number) =>
  (address: Operand<'i32'>, into: V128, lane: number, offset = 0): V128 => {
    const { at, rest } = addressed(address, offset);
    return node('v128', name, [at, into], [rest, checkedLane(lane, lanes)]);
  };

/** Operations that are folded where operands are constants. */
const foldable = {
  'i32.add': (a: number, b: number) => (a + b) | 0,
  'i32.sub': (a: number, b: number) => (a - b) | 0,
  'i32.mul': (a: number, b: number) => Math.imul(a, b),
};
const neutral = { 'i32.add': 0, 'i32.sub': 0, 'i32.mul': 1 };

function folding(name: keyof typeof foldable) {
  return (left: Operand<'i32'>, right: Operand<'i32'>): I32 => {
    const a = liftI32(left);
    const b = liftI32(right);
    if (a.constant !== undefined && b.constant !== undefined)
      return liftI32(foldable[name](a.constant, b.constant));
    if (b.constant === neutral[name]) return a;
    if (a.constant === neutral[name] && name !== 'i32.sub') return b;
    if (name === 'i32.mul' && (a.constant === 0 || b.constant === 0)) return liftI32(0);
    return node('i32', name, [a, b]);
  };
}

/** 32-bit integers: addresses, indices, conditions (0 is false). */
export const i32 = {
  const: (value: number): I32 => liftI32(value),
  add: folding('i32.add'),
  sub: folding('i32.sub'),
  mul: folding('i32.mul'),
  /** The sum of several terms: addresses are sums. */
  sum(first: Operand<'i32'>, ...terms: Operand<'i32'>[]): I32 {
    let total = liftI32(first);
    for (let index = 0; index < terms.length; index++) total = i32.add(total, terms[index]!);
    return total;
  },
  eqz: (a: Operand<'i32'>): I32 => node('i32', 'i32.eqz', [liftI32(a)]),
  ...binary('i32', liftI32, 'i32.eq', 'i32.ne', 'i32.ltS', 'i32.ltU', 'i32.gtS', 'i32.gtU', 'i32.geS'),
  ...binary('i32', liftI32, 'i32.divU', 'i32.and', 'i32.or', 'i32.shl', 'i32.shrS', 'i32.shrU'),
  ...loads('i32', 'i32.load', 'i32.load8U'),
};

/** One float32. Arithmetic that must agree with the vectors' bits belongs in a vector lane. */
export const f32 = { const: (value: number): F32 => liftF32(value) };

/** Which elements `gather` picks; `stride` and `offset` count bytes. */
interface Gather {
  readonly lanes: number;
  readonly stride: number;
  readonly offset?: number;
}

/** All 128 bits, whatever the lanes mean. */
export const v128 = {
  ...loads('v128', 'v128.load', 'v128.load8Splat', 'v128.load32Splat', 'v128.load32Zero', 'v128.load64Zero'),
  load8Lane: laneLoad('v128.load8Lane', 16),
  load32Lane: laneLoad('v128.load32Lane', 4),
  /** The first `lanes` 32-bit lanes from memory, zeros in the rest; reads nothing beyond them. */
  loadLanes(address: Operand<'i32'>, lanes: number, offset = 0): V128 {
    if (lanes > 3) {
      const { at, rest } = addressed(address, offset);
      return node('v128', 'v128.loadLanes', [at], [rest, lanes]);
    }
    if (lanes === 1) return v128.load32Zero(address, offset);
    const two = v128.load64Zero(address, offset);
    return lanes === 2 ? two : v128.load32Lane(address, two, checkedLane(lanes - 1, 4), offset + 8);
  },
  /** The first `lanes` 32-bit lanes from places `stride` bytes apart, zeros in the rest. For vectors of more than 4 lanes. */
  gather(address: Operand<'i32'>, { lanes, stride, offset = 0 }: Gather): V128 {
    const { at, rest } = addressed(address, offset);
    return node('v128', 'v128.gather', [at], [rest, lanes, stride]);
  },
  ...unary(liftI32x4, 'v128.not'),
  /** `andnot(a, b)` is a and not b. */
  ...binary('v128', liftI32x4, 'v128.and', 'v128.andnot', 'v128.or', 'v128.xor'),
  /** Bit by bit: `mask` set takes `a`, clear takes `b`. Comparisons make masks of whole lanes. */
  bitselect: (a: V128, b: V128, mask: V128): V128 => node('v128', 'v128.bitselect', [a, b, mask]),
};

/** Four float32 lanes. `pmin(a, b)` is b < a ? b : a and `pmax(a, b)` is a < b ? b : a; min and max propagate NaN. */
export const f32x4 = {
  const: (value: number): V128 => liftF32x4(value),
  splat: (value: Operand<'f32'>): V128 => node('v128', 'f32x4.splat', [liftF32(value)]),
  extractLane: (a: V128, lane: number): F32 => node('f32', 'f32x4.extractLane', [a], [checkedLane(lane, 4)]),
  ...unary(liftF32x4, 'f32x4.floor', 'f32x4.abs', 'f32x4.neg', 'f32x4.sqrt'),
  ...binary('v128', liftF32x4, 'f32x4.add', 'f32x4.sub', 'f32x4.mul', 'f32x4.div', 'f32x4.min', 'f32x4.max'),
  ...binary('v128', liftF32x4, 'f32x4.pmin', 'f32x4.pmax', 'f32x4.eq', 'f32x4.ne', 'f32x4.lt', 'f32x4.gt'),
  ...binary('v128', liftF32x4, 'f32x4.le', 'f32x4.ge'),
  ...unary(liftI32x4, 'f32x4.convertI32x4S'),
  /** a·b + c, fused or not as the machine likes. Kernels use `f.multiplyAdd`, which follows the module's level. */
  relaxedMadd: (a: V128, b: V128, c: V128): V128 => node('v128', 'f32x4.relaxedMadd', [a, b, c]),
  /** `bitselect` for masks of whole lanes; what other masks do depends on the machine. */
  relaxedLaneselect: (a: V128, b: V128, mask: V128): V128 =>
    node('v128', 'f32x4.relaxedLaneselect', [a, b, mask]),
};

/** Four int32 lanes. */
export const i32x4 = {
  const: (value: number): V128 => liftI32x4(value),
  /** Different constants: four, and as many more as wider vectors have. */
  constLanes: (...lanes: number[]): V128 => vectorOf(...lanes),
  splat: (value: Operand<'i32'>): V128 => node('v128', 'i32x4.splat', [liftI32(value)]),
  /** Picks four 32-bit lanes (of floats too): 0 to 3 from `a`, 4 to 7 from `b`. */
  shuffle: (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 =>
    i8x16.shuffle(
      a,
      b,
      lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * checkedLane(lane, 8) + byte)),
    ),
  ...unary(liftI32x4, 'i32x4.abs', 'i32x4.neg', 'i32x4.extendLowI16x8U'),
  /** The highest bit of each lane, as the lowest four bits of a number: lane 0 the lowest. */
  bitmask: (a: V128): I32 => node('i32', 'i32x4.bitmask', [a]),
  ...shifts('i32x4.shl', 'i32x4.shrS', 'i32x4.shrU'),
  ...binary('v128', liftI32x4, 'i32x4.add', 'i32x4.sub', 'i32x4.mul', 'i32x4.minS', 'i32x4.maxS'),
  ...binary('v128', liftI32x4, 'i32x4.eq', 'i32x4.ne', 'i32x4.ltS', 'i32x4.gtS', 'i32x4.leS', 'i32x4.geS'),
  ...unary(liftF32x4, 'i32x4.truncSatF32x4S'),
};

/** Eight int16 lanes: the step between bytes and int32. */
export const i16x8 = { ...unary(liftI32x4, 'i16x8.extendLowI8x16U') };

/** Sixteen bytes. */
export const i8x16 = {
  splat: (value: Operand<'i32'>): V128 => node('v128', 'i8x16.splat', [liftI32(value)]),
  /** Picks sixteen bytes: 0 to 15 from `a`, 16 to 31 from `b`. */
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 =>
    node(
      'v128',
      'i8x16.shuffle',
      [a, b],
      lanes.map((lane) => checkedLane(lane, 32)),
    ),
  /** The bytes of `a` at these places; 0 where a place is 16 or more. */
  swizzle: (a: V128, places: V128): V128 => node('v128', 'i8x16.swizzle', [a, places]),
  /** `swizzle` for places below 16 and from 128 on; what others do depends on the machine. */
  relaxedSwizzle: (a: V128, places: V128): V128 => node('v128', 'i8x16.relaxedSwizzle', [a, places]),
};

/** `condition` not 0 takes `a`, else `b`; both are evaluated. */
export function select<T extends ValueType>(
  condition: I32,
  a: Expression<T>,
  b: Expression<T>,
): Expression<T> {
  return node(a.type, 'select', [a, b, condition]);
}
