/** Loads and stores of vectors and of parts of them. */
import { BackendError } from '../../core/errors.js';
import type { Expression } from '../wasm/expressions.js';
import { codes } from './codes.js';
import { type Address, rax } from './encoder.js';
import type { Vectors } from './vectors.js';

type Load = (v: Vectors, e: Expression, register: number) => void;

const narrow = { width: 16 } as const;

/** A load of memory alone. */
const plain =
  (code: (typeof codes)[keyof typeof codes], whole: boolean): Load =>
  (v, { operands, immediates }, register) => {
    const memory = v.address(operands[0]!, immediates[0]!);
    v.emit(code, [register, 0, memory], whole ? undefined : narrow);
    v.give(memory);
  };

/** A load of one lane, the others from a vector. */
const lane =
  (code: (typeof codes)[keyof typeof codes]): Load =>
  (v, { operands, immediates }, register) => {
    const offset = immediates[0]!;
    const index = immediates[1];
    const into = v.value(operands[1]!);
    const memory = v.address(operands[0]!, offset);
    v.emit(code, [register, into, memory], { width: 16, immediate: index });
    v.give(memory);
    if (into !== register) v.give(into);
  };

export const loads: Readonly<Record<string, Load>> = {
  'v128.load': plain(codes.load, true),
  'v128.load8Splat': plain(codes.broadcastByte, true),
  'v128.load32Splat': plain(codes.broadcastFloat, true),
  'v128.load32Zero': plain(codes.loadScalar, false),
  'v128.load64Zero': plain(codes.loadDouble, false),
  'v128.load8Lane': lane(codes.insertByte),
  'v128.load32Lane': lane(codes.insertWord),
};

/** The mask register that takes the first `lanes` lanes. */
function firstLanes(v: Vectors, lanes: number): number {
  const { code } = v.frame;
  code.moveConstant(rax, 2 ** lanes - 1);
  // kmovw k1, eax
  for (const byte of [0xc5, 0xf8, 0x92, 0xc8]) code.byte(byte);
  return 1;
}

/** Constant mask of the first `lanes` lanes, in a temporary. */
function laneMask(v: Vectors, lanes: number): number {
  const mask = v.frame.vectors.take();
  const words = Array.from({ length: v.frame.width / 4 }, (_, index) => (index < lanes ? -1 : 0));
  v.emit(codes.load, [mask, 0, v.frame.pool.vector(words, v.frame.width)]);
  return mask;
}

/** Some lanes from adjacent elements, or from elements a constant number of bytes apart; zeros in the rest. */
export function loadPart(v: Vectors, e: Expression, register: number): void {
  const [offset, lanes, stride = 4] = e.immediates as [number, number, number?];
  const memory = v.address(e.operands[0]!, offset);
  if (e.instruction === 'v128.gather') gather(v, memory, { lanes, stride, register });
  else if (4 * lanes === v.frame.width) v.emit(codes.load, [register, 0, memory]);
  else if (lanes === 1) v.emit(codes.loadScalar, [register, 0, memory], { width: 16 });
  else if (lanes === 2) v.emit(codes.loadDouble, [register, 0, memory], { width: 16 });
  else if (lanes === 4) v.emit(codes.load, [register, 0, memory], { width: 16 });
  else if (v.frame.level === 'avx512')
    v.emit(codes.load, [register, 0, memory], { mask: firstLanes(v, lanes), zero: true });
  else {
    const mask = laneMask(v, lanes);
    v.emit(codes.maskedLoad, [register, mask, memory]);
    v.give(mask);
  }
  v.give(memory);
}

function gather(
  v: Vectors,
  memory: Address,
  { lanes, stride, register }: { lanes: number; stride: number; register: number },
): void {
  const { frame, integers } = v;
  const at = frame.integers.take();
  frame.code.integer([0x8d], at, memory, { wide: true });
  const indices = frame.vectors.take();
  const result = frame.vectors.take();
  const words = Array.from({ length: frame.width / 4 }, (_, index) => index * stride);
  v.emit(codes.load, [indices, 0, frame.pool.vector(words, frame.width)]);
  v.emit(codes.xor, [result, result, result]);
  const rm = { base: at, index: indices, displacement: 0 };
  const form = { width: frame.width, vectorIndex: true };
  const mask = frame.level === 'avx512' ? firstLanes(v, lanes) : laneMask(v, lanes);
  if (frame.level === 'avx512') frame.code.vector(codes.gather, [result, 0, rm], { ...form, mask });
  else frame.code.vector(codes.gather, [result, mask, rm], form);
  v.move(register, result);
  if (frame.level === 'avx2') v.give(mask);
  v.give(indices, result);
  integers.give(at);
}

/** memory[address + offset] ← a vector, or a part of one. */
export function storeVector(
  v: Vectors,
  instruction: string,
  operands: readonly Expression[],
  immediates: readonly number[],
): void {
  const offset = immediates[0]!;
  const part = immediates[1] ?? 0;
  const value = v.value(operands[1]!);
  const memory = v.address(operands[0]!, offset);
  if (instruction === 'v128.store') v.emit(codes.store, [value, 0, memory]);
  else if (instruction === 'f32.store') v.emit(codes.storeScalar, [value, 0, memory], narrow);
  else if (instruction === 'v128.store8Lane')
    v.emit(codes.extractByte, [value, 0, memory], { ...narrow, immediate: part });
  else if (instruction === 'v128.store32Lane' && part === 0)
    v.emit(codes.storeScalar, [value, 0, memory], narrow);
  else if (instruction === 'v128.store32Lane')
    v.emit(codes.extractWord, [value, 0, memory], { ...narrow, immediate: part });
  else if (instruction === 'v128.store64Lane')
    v.emit(part === 0 ? codes.storeDouble : codes.storeHigh, [value, 0, memory], narrow);
  else if (instruction === 'v128.storeLanes') storeLanes(v, value, memory, part);
  else if (instruction === 'v128.storeBytes') storeBytes(v, value, memory, part);
  else throw new BackendError(`x64: no code for ${instruction}`);
  v.give(memory, value);
}

function storeLanes(v: Vectors, value: number, memory: Address, lanes: number): void {
  if (lanes === 4) v.emit(codes.store, [value, 0, memory], { width: 16 });
  else if (v.frame.level === 'avx512')
    v.emit(codes.store, [value, 0, memory], { mask: firstLanes(v, lanes) });
  else {
    const mask = laneMask(v, lanes);
    v.emit(codes.maskedStore, [value, mask, memory]);
    v.give(mask);
  }
}

/** The low byte of each of the first lanes. */
function storeBytes(v: Vectors, value: number, memory: Address, lanes: number): void {
  const { frame } = v;
  if (frame.level === 'avx512') {
    const code = { ...codes.narrowToBytes, bytes: frame.width / 4 };
    v.emit(code, [value, 0, memory], { mask: firstLanes(v, lanes) });
    return;
  }
  v.emit(codes.store, [value, 0, frame.spare]);
  for (let index = 0; index < lanes; index++) {
    const from = { ...frame.spare, displacement: frame.spare.displacement + 4 * index };
    frame.code.integer([0x8a], rax, from);
    frame.code.integer([0x88], rax, { ...memory, displacement: memory.displacement + index });
  }
}
