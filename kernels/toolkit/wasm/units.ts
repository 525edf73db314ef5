/** Common parts of the wasm kernels: the module around the work of one unit, its scratch area, walks over rows of vectors. */
import { type Shape, sizeOf } from '../../../src/core/shape.js';
import {
  type FunctionBuilder,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
  select,
} from '../../../src/writers/wasm/assembler.js';
import type { EpiloguePosition } from './epilogue.js';
import { preparedFlag, type WasmOptions } from './kernel.js';

type Pointers<N extends string> = Readonly<Record<N, Local<'i32'>>>;

/**
 * The bytes of a kernel with the given pointer parameters, in order, that calls a function of its own for every unit:
 * engines replace a function by its optimized code between calls.
 */
export function buildUnits<N extends string>(
  options: WasmOptions,
  pointers: readonly N[],
  units: number,
  body: (f: FunctionBuilder, parameters: Pointers<N | 'unit'>) => void,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(options);
  if (units === 0) {
    module.kernel(pointers, () => {});
    return module.bytes();
  }
  const unit = module.once('unit', [...pointers, 'unit'] as const, body);
  module.kernel(pointers, (f, p) => {
    f.loop(p.begin, p.end, 1, (index) => f.call(unit, ...pointers.map((name) => p[name]), index));
  });
  return module.bytes();
}

/** Names for `count` pointers: `x0`, `x1`, … */
export function numbered<P extends string>(prefix: P, count: number): `${P}${number}`[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}` as const);
}

const cacheLine = 64;

/** Bytes in whole cache lines. */
export function wholeLines(bytes: number): number {
  return Math.ceil(bytes / cacheLine) * cacheLine;
}

/** Bytes in an odd number of cache lines: matrices that are a power of two apart would compete for the same sets. */
export function oddLines(bytes: number): number {
  return wholeLines(bytes) | cacheLine;
}

/** Parts of a scratch area, one behind the other, each at the start of a cache line. */
export class Scratch<N extends string> {
  /** Of all parts; never 0, so that a kernel with one always gets its pointer. */
  readonly bytes: number;

  /** @param sizes in bytes; a part of 0 bytes has an address too, which nobody may use */
  constructor(private readonly sizes: Readonly<Record<N, number>>) {
    const all = Object.values<number>(sizes).reduce((sum, size) => sum + wholeLines(size), 0);
    this.bytes = Math.max(cacheLine, all);
  }

  /** The addresses of the parts in the area at `pointer`. */
  open(f: FunctionBuilder, pointer: I32): Record<N, I32> {
    let at = 0;
    const entries = Object.entries<number>(this.sizes).map(([name, size]) => {
      const address = at === 0 ? pointer : f.let(i32.add(pointer, at));
      at += wholeLines(size);
      return [name, address];
    });
    return Object.fromEntries(entries) as Record<N, I32>;
  }
}

/** Emits what fills the scratch area, which a range leaves out whose `begin` says so; from then on `begin` is plain. */
export function emitPreparation(f: FunctionBuilder, begin: Local<'i32'>, prepare: () => void): void {
  f.if(i32.geS(begin, i32.const(0)), prepare, () => f.set(begin, i32.and(begin, i32.const(~preparedFlag))));
}

export function minimum(a: I32, b: I32): I32 {
  if (a.constant !== undefined && b.constant !== undefined)
    return i32.const(Math.min(a.constant, b.constant));
  return select(i32.ltU(a, b), a, b);
}

/** Writes `visit` for an `index` below `count`, of `total`, and for others; no test is made where only one can be. */
export function eitherOf(
  f: FunctionBuilder,
  { index, count, total }: { index: I32; count: number; total: number },
  visit: (isBelow: boolean) => void,
): void {
  const known = count === total || count === 0;
  f.if(
    known ? i32.const(count) : i32.ltU(index, i32.const(count)),
    () => visit(true),
    () => visit(false),
  );
}

/**
 * Reads a word of every cache line of some bytes, and gathers them in `touched`. What is read in an order that a processor
 * cannot foresee is waited for line by line; here many lines are on their way at once. `touched` needs a use: else the loads
 * are left out.
 */
export function emitTouch(f: FunctionBuilder, source: I32, bytes: number, touched: Local<'i32'>): void {
  f.loop(0, bytes - 3, cacheLine, (at) => f.set(touched, i32.or(touched, i32.load(i32.add(source, at)))));
}

/** Splits a row-major index over `shape` into one index per axis, outermost first. */
export function unravel(f: FunctionBuilder, index: I32, shape: Shape): I32[] {
  if (shape.length <= 1) return shape.length === 0 ? [] : [index];
  const inner = shape.at(-1)!;
  const outer = f.let(i32.divU(index, i32.const(inner)));
  return [...unravel(f, outer, shape.slice(0, -1)), f.let(i32.sub(index, i32.mul(outer, inner)))];
}

/** pointer + the offset of the element at `position`; one stride in bytes for each of its indices. */
export function addressAt(
  f: FunctionBuilder,
  pointer: I32,
  position: readonly I32[],
  strides: readonly number[],
): I32 {
  const terms = position.map((index, axis) => i32.mul(index, strides[axis]!));
  return f.keep(i32.sum(pointer, ...terms));
}

/** One vector of a row: `at` is its variable byte offset and `constant` the rest of it, for elements of 4 bytes. */
export interface VectorPlace {
  readonly at: I32;
  readonly constant: number;
  /** Elements that exist, one at least. */
  readonly lanes: number;
}

/** Where the vector stands in an output whose row begins at byte `row`. */
export function placeInRow(
  f: FunctionBuilder,
  row: I32,
  { at, constant, lanes }: VectorPlace,
): EpiloguePosition {
  return { element: { base: f.let(i32.add(row, at)), constant }, column: { base: at, constant }, lanes };
}

/** Visits `elements` elements in vectors, `unroll` of them per turn of the loop, the last one padded. */
export function forEachVector(
  f: FunctionBuilder,
  elements: number,
  unroll: number,
  visit: (place: VectorPlace) => void,
): void {
  const { lanes } = f;
  const bytes = 4 * lanes;
  const vectors = Math.floor(elements / lanes);
  const unrolled = vectors - (vectors % unroll);
  f.loop(0, unrolled * bytes, unroll * bytes, (at) => {
    for (let k = 0; k < unroll; k++) visit({ at, constant: bytes * k, lanes });
  });
  f.loop(unrolled * bytes, vectors * bytes, bytes, (at) => visit({ at, constant: 0, lanes }));
  const rest = elements % lanes;
  if (rest !== 0) visit({ at: i32.const(vectors * bytes), constant: 0, lanes: rest });
}

/** The pieces of `size` elements that are worth handing out: how many rows of `columns` make a unit of about 4096. */
export function rowsPerUnit(columns: number): number {
  return Math.max(1, Math.floor(4096 / Math.max(1, columns)));
}

export function isEmpty(shape: Shape): boolean {
  return sizeOf(shape) === 0;
}
