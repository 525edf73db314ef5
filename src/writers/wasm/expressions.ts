/**
 * Expressions of the assembler: values that know their WebAssembly type and the bytes that compute them. They are
 * text, not results: an expression is evaluated where (and as often as) a statement uses it, so keep what is used
 * twice in a local. Names are those of the instruction set in camel case (`i32x4.shr_s` is `i32x4.shrS`).
 *
 * A plain number stands for a constant of the expected type wherever an operand is taken; for a vector it fills every
 * lane. Constant i32 arithmetic is folded, since addresses are mostly made of it.
 */
import {
  float32Bytes,
  integerBytes,
  laneImmediate,
  memoryImmediate,
  signed,
  typeByte,
  unsigned,
  type ValueType,
} from './encoding.js';

/** A typed value: the bytes that leave it on the stack, and its number if it is a known i32. */
export interface Expression<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: readonly number[];
  readonly constant?: number;
}
export type I32 = Expression<'i32'>;
export type F32 = Expression<'f32'>;
export type V128 = Expression<'v128'>;

type Codes = readonly number[];
type Operand<T extends ValueType> = Expression<T> | number;
type Lift<T extends ValueType> = (operand: Operand<T>) => Expression<T>;

function node<T extends ValueType>(
  type: T,
  operands: readonly Expression[],
  ...code: number[]
): Expression<T> {
  return { type, code: [...operands.flatMap((operand) => operand.code), ...code] };
}

/** A vector instruction: the prefix 0xfd and its number in LEB128. */
const simd = (number: number): number[] => [0xfd, ...unsigned(number)];

const liftI32: Lift<'i32'> = (operand) =>
  typeof operand === 'number'
    ? { type: 'i32', code: [0x41, ...signed(operand)], constant: operand | 0 }
    : operand;
const liftF32: Lift<'f32'> = (operand) =>
  typeof operand === 'number' ? { type: 'f32', code: [0x43, ...float32Bytes(operand)] } : operand;

function liftLanes(lanes: number, bytes: (value: number) => number[]): Lift<'v128'> {
  return (operand) =>
    typeof operand === 'number'
      ? { type: 'v128', code: [...simd(0x0c), ...Array.from({ length: lanes }, () => bytes(operand)).flat()] }
      : operand;
}
const liftF32x4 = liftLanes(4, float32Bytes);
const liftI32x4 = liftLanes(4, (value) => integerBytes(value, 4));
const liftI16x8 = liftLanes(8, (value) => integerBytes(value, 2));
const liftI8x16 = liftLanes(16, (value) => integerBytes(value, 1));

// Tables of instructions become namespaces of functions: name → opcode bytes.
type Table<K extends string> = Readonly<Record<K, Codes>>;

function mapTable<K extends string, F>(table: Table<K>, make: (code: Codes, name: K) => F): Record<K, F> {
  const entries = (Object.entries(table) as [K, Codes][]).map(([name, code]) => [name, make(code, name)]);
  return Object.fromEntries(entries) as Record<K, F>;
}
const unary = <K extends string, A extends ValueType, R extends ValueType>(
  lift: Lift<A>,
  result: R,
  table: Table<K>,
) => mapTable(table, (code) => (a: Operand<A>) => node(result, [lift(a)], ...code));
const binary = <K extends string, A extends ValueType, R extends ValueType>(
  lift: Lift<A>,
  result: R,
  table: Table<K>,
) => mapTable(table, (code) => (a: Operand<A>, b: Operand<A>) => node(result, [lift(a), lift(b)], ...code));
/** Address and immediate of an access `offset` bytes from `address`: an immediate cannot be negative, an address can. */
export function addressed(address: Operand<'i32'>, offset: number): [I32, number] {
  return offset < 0 ? [i32.add(address, offset), 0] : [liftI32(address), offset];
}
/** Loads take an address and a constant byte offset. */
const loads = <K extends string, R extends ValueType>(result: R, table: Table<K>) =>
  mapTable(table, (code) => (address: Operand<'i32'>, offset = 0) => {
    const [at, constant] = addressed(address, offset);
    return node(result, [at], ...code, ...memoryImmediate(constant));
  });
/** Shifts of vectors take one i32 count for all lanes. */
const shifts = <K extends string>(table: Table<K>) =>
  mapTable(table, (code) => (a: V128, count: Operand<'i32'>) => node('v128', [a, liftI32(count)], ...code));
/** Loads of one lane keep the other lanes of `into`. */
const laneLoads = <K extends string>(lanes: Readonly<Record<K, number>>, table: Table<K>) =>
  mapTable(table, (code, name) => (address: Operand<'i32'>, into: V128, lane: number, offset = 0) => {
    const [at, constant] = addressed(address, offset);
    const immediates = [...memoryImmediate(constant), laneImmediate(lane, lanes[name])];
    return node('v128', [at, into], ...code, ...immediates);
  });

/** What has a cheap answer when an operand is a constant. */
const foldable = {
  add: (a: number, b: number) => (a + b) | 0,
  sub: (a: number, b: number) => (a - b) | 0,
  mul: (a: number, b: number) => Math.imul(a, b),
};
const neutral = { add: 0, sub: 0, mul: 1 };

function folding(name: keyof typeof foldable, code: number) {
  return (left: Operand<'i32'>, right: Operand<'i32'>): I32 => {
    const [a, b] = [liftI32(left), liftI32(right)];
    if (a.constant !== undefined && b.constant !== undefined)
      return liftI32(foldable[name](a.constant, b.constant));
    if (b.constant === neutral[name]) return a;
    if (a.constant === neutral[name] && name !== 'sub') return b;
    if (name === 'mul' && (a.constant === 0 || b.constant === 0)) return liftI32(0);
    return node('i32', [a, b], code);
  };
}

/** 32-bit integers: addresses, indices, conditions (0 is false). */
export const i32 = {
  const: (value: number): I32 => liftI32(value),
  add: folding('add', 0x6a),
  sub: folding('sub', 0x6b),
  mul: folding('mul', 0x6c),
  /** The sum of several terms: addresses are sums. */
  sum: (...terms: Operand<'i32'>[]): I32 =>
    terms.reduce<I32>((total, term) => i32.add(total, term), liftI32(0)),
  ...unary(liftI32, 'i32', { eqz: [0x45], clz: [0x67], ctz: [0x68], popcnt: [0x69] }),
  ...binary(liftI32, 'i32', {
    eq: [0x46],
    ne: [0x47],
    ltS: [0x48],
    ltU: [0x49],
    gtS: [0x4a],
    gtU: [0x4b],
    leS: [0x4c],
    leU: [0x4d],
    geS: [0x4e],
    geU: [0x4f],
    divS: [0x6d],
    divU: [0x6e],
    remS: [0x6f],
    remU: [0x70],
    and: [0x71],
    or: [0x72],
    xor: [0x73],
    shl: [0x74],
    shrS: [0x75],
    shrU: [0x76],
    rotl: [0x77],
    rotr: [0x78],
  }),
  ...unary(liftF32, 'i32', {
    truncSatF32S: [0xfc, 0x00],
    truncSatF32U: [0xfc, 0x01],
    reinterpretF32: [0xbc],
  }),
  ...loads('i32', { load: [0x28], load8S: [0x2c], load8U: [0x2d], load16S: [0x2e], load16U: [0x2f] }),
};

/** One float32. Arithmetic that must agree with the vectors' bits belongs in a vector lane instead. */
export const f32 = {
  const: (value: number): F32 => liftF32(value),
  ...unary(liftF32, 'f32', {
    abs: [0x8b],
    neg: [0x8c],
    ceil: [0x8d],
    floor: [0x8e],
    trunc: [0x8f],
    nearest: [0x90],
    sqrt: [0x91],
  }),
  ...binary(liftF32, 'f32', {
    add: [0x92],
    sub: [0x93],
    mul: [0x94],
    div: [0x95],
    min: [0x96],
    max: [0x97],
    copysign: [0x98],
  }),
  ...binary(liftF32, 'i32', { eq: [0x5b], ne: [0x5c], lt: [0x5d], gt: [0x5e], le: [0x5f], ge: [0x60] }),
  ...unary(liftI32, 'f32', { convertI32S: [0xb2], convertI32U: [0xb3], reinterpretI32: [0xbe] }),
  ...loads('f32', { load: [0x2a] }),
};

/** All 128 bits, whatever the lanes mean. */
export const v128 = {
  ...loads('v128', {
    load: simd(0x00),
    load8x8S: simd(0x01),
    load8x8U: simd(0x02),
    load16x4S: simd(0x03),
    load16x4U: simd(0x04),
    load8Splat: simd(0x07),
    load16Splat: simd(0x08),
    load32Splat: simd(0x09),
    load64Splat: simd(0x0a),
    load32Zero: simd(0x5c),
    load64Zero: simd(0x5d),
  }),
  ...laneLoads(
    { load8Lane: 16, load16Lane: 8, load32Lane: 4, load64Lane: 2 },
    { load8Lane: simd(0x54), load16Lane: simd(0x55), load32Lane: simd(0x56), load64Lane: simd(0x57) },
  ),
  /** The first `lanes` (1 to 4) 32-bit lanes from memory, zeros in the rest; reads nothing beyond them. */
  loadLanes(address: Operand<'i32'>, lanes: number, offset = 0): V128 {
    if (lanes === 4) return v128.load(address, offset);
    if (lanes === 1) return v128.load32Zero(address, offset);
    const two = v128.load64Zero(address, offset);
    return lanes === 2 ? two : v128.load32Lane(address, two, laneImmediate(lanes - 1, 4), offset + 8);
  },
  ...unary(liftI32x4, 'v128', { not: simd(0x4d) }),
  ...unary(liftI32x4, 'i32', { anyTrue: simd(0x53) }),
  /** `andnot(a, b)` is a and not b. */
  ...binary(liftI32x4, 'v128', { and: simd(0x4e), andnot: simd(0x4f), or: simd(0x50), xor: simd(0x51) }),
  /** Bit by bit: `mask` set takes `a`, clear takes `b`. Comparisons make masks of whole lanes. */
  bitselect: (a: V128, b: V128, mask: V128): V128 => node('v128', [a, b, mask], ...simd(0x52)),
};

const comparisons = <K extends string>(lift: Lift<'v128'>, table: Table<K>) => binary(lift, 'v128', table);

/** Four float32 lanes. `pmin(a, b)` is b < a ? b : a and `pmax(a, b)` is a < b ? b : a; min and max propagate NaN. */
export const f32x4 = {
  const: (value: number): V128 => liftF32x4(value),
  splat: (value: Operand<'f32'>): V128 => node('v128', [liftF32(value)], ...simd(0x13)),
  extractLane: (a: V128, lane: number): F32 => node('f32', [a], ...simd(0x1f), laneImmediate(lane, 4)),
  replaceLane: (a: V128, lane: number, value: Operand<'f32'>): V128 =>
    node('v128', [a, liftF32(value)], ...simd(0x20), laneImmediate(lane, 4)),
  ...unary(liftF32x4, 'v128', {
    ceil: simd(0x67),
    floor: simd(0x68),
    trunc: simd(0x69),
    nearest: simd(0x6a),
    abs: simd(0xe0),
    neg: simd(0xe1),
    sqrt: simd(0xe3),
  }),
  ...binary(liftF32x4, 'v128', {
    add: simd(0xe4),
    sub: simd(0xe5),
    mul: simd(0xe6),
    div: simd(0xe7),
    min: simd(0xe8),
    max: simd(0xe9),
    pmin: simd(0xea),
    pmax: simd(0xeb),
  }),
  ...comparisons(liftF32x4, {
    eq: simd(0x41),
    ne: simd(0x42),
    lt: simd(0x43),
    gt: simd(0x44),
    le: simd(0x45),
    ge: simd(0x46),
  }),
  ...unary(liftI32x4, 'v128', { convertI32x4S: simd(0xfa), convertI32x4U: simd(0xfb) }),
  /** a·b + c, fused or not as the machine likes. Kernels use `f.multiplyAdd`, which follows the module's level. */
  relaxedMadd: (a: V128, b: V128, c: V128): V128 => node('v128', [a, b, c], ...simd(0x105)),
  /** c - a·b, fused or not as the machine likes. */
  relaxedNmadd: (a: V128, b: V128, c: V128): V128 => node('v128', [a, b, c], ...simd(0x106)),
  /** `bitselect` for masks of whole lanes; what other masks do depends on the machine. */
  relaxedLaneselect: (a: V128, b: V128, mask: V128): V128 => node('v128', [a, b, mask], ...simd(0x10b)),
};

/** Four int32 lanes. */
export const i32x4 = {
  const: (value: number): V128 => liftI32x4(value),
  /** Four different constants. */
  constLanes: (...lanes: [number, number, number, number]): V128 => ({
    type: 'v128',
    code: [...simd(0x0c), ...lanes.flatMap((lane) => integerBytes(lane, 4))],
  }),
  splat: (value: Operand<'i32'>): V128 => node('v128', [liftI32(value)], ...simd(0x11)),
  extractLane: (a: V128, lane: number): I32 => node('i32', [a], ...simd(0x1b), laneImmediate(lane, 4)),
  replaceLane: (a: V128, lane: number, value: Operand<'i32'>): V128 =>
    node('v128', [a, liftI32(value)], ...simd(0x1c), laneImmediate(lane, 4)),
  /** Picks four 32-bit lanes (of floats too): 0 to 3 from `a`, 4 to 7 from `b`. */
  shuffle: (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 =>
    i8x16.shuffle(
      a,
      b,
      lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * laneImmediate(lane, 8) + byte)),
    ),
  ...unary(liftI32x4, 'v128', { abs: simd(0xa0), neg: simd(0xa1) }),
  ...unary(liftI32x4, 'i32', { allTrue: simd(0xa3), bitmask: simd(0xa4) }),
  ...shifts({ shl: simd(0xab), shrS: simd(0xac), shrU: simd(0xad) }),
  ...binary(liftI32x4, 'v128', {
    add: simd(0xae),
    sub: simd(0xb1),
    mul: simd(0xb5),
    minS: simd(0xb6),
    minU: simd(0xb7),
    maxS: simd(0xb8),
    maxU: simd(0xb9),
  }),
  ...comparisons(liftI32x4, {
    eq: simd(0x37),
    ne: simd(0x38),
    ltS: simd(0x39),
    ltU: simd(0x3a),
    gtS: simd(0x3b),
    gtU: simd(0x3c),
    leS: simd(0x3d),
    leU: simd(0x3e),
    geS: simd(0x3f),
    geU: simd(0x40),
  }),
  ...unary(liftF32x4, 'v128', { truncSatF32x4S: simd(0xf8), truncSatF32x4U: simd(0xf9) }),
  ...unary(liftI16x8, 'v128', {
    extendLowI16x8S: simd(0xa7),
    extendHighI16x8S: simd(0xa8),
    extendLowI16x8U: simd(0xa9),
    extendHighI16x8U: simd(0xaa),
  }),
};

/** Eight int16 lanes: the step between bytes and int32. */
export const i16x8 = {
  splat: (value: Operand<'i32'>): V128 => node('v128', [liftI32(value)], ...simd(0x10)),
  ...unary(liftI8x16, 'v128', {
    extendLowI8x16S: simd(0x87),
    extendHighI8x16S: simd(0x88),
    extendLowI8x16U: simd(0x89),
    extendHighI8x16U: simd(0x8a),
  }),
  /** Eight int32 of two vectors, saturated to 16 bits: to int16 (S) or to uint16 (U). */
  ...binary(liftI32x4, 'v128', { narrowI32x4S: simd(0x85), narrowI32x4U: simd(0x86) }),
  ...shifts({ shl: simd(0x8b), shrS: simd(0x8c), shrU: simd(0x8d) }),
  ...binary(liftI16x8, 'v128', { add: simd(0x8e), sub: simd(0x91), mul: simd(0x95) }),
};

/** Sixteen bytes. */
export const i8x16 = {
  splat: (value: Operand<'i32'>): V128 => node('v128', [liftI32(value)], ...simd(0x0f)),
  extractLaneU: (a: V128, lane: number): I32 => node('i32', [a], ...simd(0x16), laneImmediate(lane, 16)),
  replaceLane: (a: V128, lane: number, value: Operand<'i32'>): V128 =>
    node('v128', [a, liftI32(value)], ...simd(0x17), laneImmediate(lane, 16)),
  /** Picks sixteen bytes: 0 to 15 from `a`, 16 to 31 from `b`. */
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 =>
    node('v128', [a, b], ...simd(0x0d), ...lanes.map((lane) => laneImmediate(lane, 32))),
  ...binary(liftI8x16, 'v128', { swizzle: simd(0x0e), add: simd(0x6e), sub: simd(0x71) }),
  ...binary(liftI8x16, 'v128', { minU: simd(0x77), maxU: simd(0x79), eq: simd(0x23) }),
  /** Sixteen int16 of two vectors, saturated to 8 bits: to int8 (S) or to uint8 (U). */
  ...binary(liftI16x8, 'v128', { narrowI16x8S: simd(0x65), narrowI16x8U: simd(0x66) }),
};

/** `condition` not 0 takes `a`, else `b`; both are evaluated. */
export function select<T extends ValueType>(
  condition: I32,
  a: Expression<T>,
  b: Expression<T>,
): Expression<T> {
  return node(a.type, [a, b, condition], 0x1c, 0x01, typeByte[a.type]);
}
