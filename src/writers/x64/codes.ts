/** The vector instructions that are used, by their opcodes. */
import type { VectorCode } from './encoder.js';

const ps = (opcode: number): VectorCode => ({ map: 1, prefix: 0, opcode });
const pd = (opcode: number): VectorCode => ({ map: 1, prefix: 1, opcode });
const p38 = (opcode: number, rest: Partial<VectorCode> = {}): VectorCode => ({
  map: 2,
  prefix: 1,
  opcode,
  ...rest,
});
const p3a = (opcode: number, rest: Partial<VectorCode> = {}): VectorCode => ({
  map: 3,
  prefix: 1,
  opcode,
  ...rest,
});

export const codes = {
  load: ps(0x10),
  store: ps(0x11),
  move: ps(0x28),
  loadScalar: { map: 1, prefix: 2, opcode: 0x10, bytes: 4 },
  storeScalar: { map: 1, prefix: 2, opcode: 0x11, bytes: 4 },
  loadDouble: { map: 1, prefix: 3, opcode: 0x10, bytes: 8, w: 1 },
  storeDouble: { map: 1, prefix: 3, opcode: 0x11, bytes: 8, w: 1 },
  storeHigh: { map: 1, prefix: 0, opcode: 0x17, bytes: 8 },
  maskedLoad: p38(0x2c),
  maskedStore: p38(0x2e),
  gather: p38(0x92, { bytes: 4 }),
  broadcastFloat: p38(0x18, { bytes: 4 }),
  broadcastWord: p38(0x58, { bytes: 4 }),
  broadcastByte: p38(0x78, { bytes: 1 }),
  broadcastInteger: p38(0x7c),
  fromInteger: { map: 1, prefix: 1, opcode: 0x6e, bytes: 4 },
  insertByte: p3a(0x20, { bytes: 1 }),
  insertWord: p3a(0x22, { bytes: 4 }),
  extractByte: p3a(0x14, { bytes: 1 }),
  extractWord: p3a(0x16, { bytes: 4 }),
  add: ps(0x58),
  multiply: ps(0x59),
  subtract: ps(0x5c),
  minimum: ps(0x5d),
  divide: ps(0x5e),
  maximum: ps(0x5f),
  squareRoot: ps(0x51),
  compare: ps(0xc2),
  round: p3a(0x08),
  toFloat: ps(0x5b),
  truncate: { map: 1, prefix: 2, opcode: 0x5b },
  multiplyAdd213: p38(0xa8),
  multiplyAdd231: p38(0xb8),
  and: pd(0xdb),
  andNot: pd(0xdf),
  or: pd(0xeb),
  xor: pd(0xef),
  ternary: p3a(0x25),
  blend: p3a(0x4a),
  addIntegers: pd(0xfe),
  subtractIntegers: pd(0xfa),
  multiplyIntegers: p38(0x40),
  minimumIntegers: p38(0x39),
  maximumIntegers: p38(0x3d),
  absolute: p38(0x1e),
  shift: pd(0x72),
  shiftLeft: { ...pd(0xf2), bytes: 16 },
  shiftRight: { ...pd(0xd2), bytes: 16 },
  shiftSigned: { ...pd(0xe2), bytes: 16 },
  equalIntegers: pd(0x76),
  greaterIntegers: pd(0x66),
  compareIntegers: p3a(0x1f),
  widenBytes: p38(0x30),
  widenWords: p38(0x33),
  narrowToBytes: { map: 2, prefix: 2, opcode: 0x31 },
  shuffleWords: pd(0x70),
  shuffleFloats: ps(0xc6),
  interleaveLow: ps(0x14),
  interleaveHigh: ps(0x15),
  shuffleBytes: p38(0x00),
  /** The highest bit of each lane: to an integer register, to a mask register; that to an integer register. */
  signs: { map: 1, prefix: 0, opcode: 0x50 },
  signsToMask: { map: 2, prefix: 2, opcode: 0x39 },
  fromMask: { map: 1, prefix: 0, opcode: 0x93 },
  /** Lanes of the mask register as all ones or zeros. */
  maskToLanes: { map: 2, prefix: 2, opcode: 0x38 },
} as const satisfies Record<string, VectorCode>;

/** Two operands, one instruction: `swapped` ones take them the other way round. */
export const plainBinary: Readonly<
  Record<string, { readonly code: VectorCode; readonly commutes?: boolean; readonly swapped?: boolean }>
> = {
  'f32x4.add': { code: codes.add, commutes: true },
  'f32x4.sub': { code: codes.subtract },
  'f32x4.mul': { code: codes.multiply, commutes: true },
  'f32x4.div': { code: codes.divide },
  // b < a ? b : a, and a < b ? b : a: the second operand where they are equal, or not numbers
  'f32x4.pmin': { code: codes.minimum, swapped: true },
  'f32x4.pmax': { code: codes.maximum, swapped: true },
  'v128.and': { code: codes.and, commutes: true },
  'v128.or': { code: codes.or, commutes: true },
  'v128.xor': { code: codes.xor, commutes: true },
  'v128.andnot': { code: codes.andNot, swapped: true },
  'i32x4.add': { code: codes.addIntegers, commutes: true },
  'i32x4.sub': { code: codes.subtractIntegers },
  'i32x4.mul': { code: codes.multiplyIntegers, commutes: true },
  'i32x4.minS': { code: codes.minimumIntegers, commutes: true },
  'i32x4.maxS': { code: codes.maximumIntegers, commutes: true },
  // of 128 bits
  'i8x16.relaxedSwizzle': { code: codes.shuffleBytes },
};

/** One operand, one instruction, maybe with an immediate. */
export const plainUnary: Readonly<
  Record<string, { readonly code: VectorCode; readonly immediate?: number }>
> = {
  'f32x4.sqrt': { code: codes.squareRoot },
  'f32x4.floor': { code: codes.round, immediate: 9 },
  'f32x4.convertI32x4S': { code: codes.toFloat },
  'i32x4.abs': { code: codes.absolute },
};

/** One operand with a constant, the same in every lane. */
export const withConstant: Readonly<Record<string, { readonly code: VectorCode; readonly word: number }>> = {
  'v128.not': { code: codes.xor, word: -1 },
  'f32x4.abs': { code: codes.and, word: 0x7fffffff },
  'f32x4.neg': { code: codes.xor, word: 0x80000000 | 0 },
};

/** Comparisons of floats: predicate, and whether the operands are exchanged. */
export const floatComparisons: Readonly<Record<string, readonly [number, boolean]>> = {
  'f32x4.eq': [0, false],
  'f32x4.ne': [4, false],
  'f32x4.lt': [1, false],
  'f32x4.gt': [1, true],
  'f32x4.le': [2, false],
  'f32x4.ge': [2, true],
};

/** Comparisons of integers: predicate of the EVEX form; of VEX, whether equal or greater, exchanged, negated. */
export const integerComparisons: Readonly<
  Record<
    string,
    { predicate: number; code: 'equalIntegers' | 'greaterIntegers'; swapped: boolean; negated: boolean }
  >
> = {
  'i32x4.eq': { predicate: 0, code: 'equalIntegers', swapped: false, negated: false },
  'i32x4.ne': { predicate: 4, code: 'equalIntegers', swapped: false, negated: true },
  'i32x4.ltS': { predicate: 1, code: 'greaterIntegers', swapped: true, negated: false },
  'i32x4.gtS': { predicate: 6, code: 'greaterIntegers', swapped: false, negated: false },
  'i32x4.leS': { predicate: 2, code: 'greaterIntegers', swapped: false, negated: true },
  'i32x4.geS': { predicate: 5, code: 'greaterIntegers', swapped: true, negated: true },
};
