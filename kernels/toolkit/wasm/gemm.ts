/**
 * The inner part of matrix multiplication and of every convolution: a tile of the output held in registers.
 *
 *     tile[r][c] = Σ_s Σ_t A(r, s, t) · panel[s·segmentLength + t][c]
 *
 * A is read in place through constant strides: a row of a matrix is one segment, the window of a convolution is one
 * segment per row of the window. B has been packed into panels (see packing.ts). Every output element is summed
 * strictly in the order of k = s·segmentLength + t, starting at +0 (or at its initial value), so its bits depend neither
 * on the size of the tile nor on its place.
 */
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  type Local,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import type { SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import type { WasmOptions } from './kernel.js';

/**
 * Rows of the largest tile. x64 has 16 vector registers, one of them kept by V8: 6x8 takes 12 sums, 2 vectors of the
 * panel and 1 value of A. Without fused multiply-add the product needs a register of its own. Where V8 makes registers
 * of 256 bits of the two vectors of a row, twice the rows take as many.
 */
const tileRows: Record<SimdLevel, number> = { relaxed: 6, baseline: 5 };
const registers: Record<SimdLevel, number> = { relaxed: 15, baseline: 14 };

/** Of 16 registers, 12 sums and 3 more; of 32, 24 sums and 3. */
const machineRows = { avx2: 6, avx512: 12 } as const;

export function tallestTile(options: Omit<WasmOptions, 'shared'>): number {
  const { simd, wide = false, tuning, machine, panelVectors = 2 } = options;
  const rows = machine === undefined ? tileRows[simd] : (2 / panelVectors) * machineRows[machine.level];
  return tuning?.rows ?? (wide ? 2 * rows : rows);
}

/** Products that are written out per turn of the loop, and the length of a sum that is written out altogether. */
const unroll = 4;
const straightLine = 16;

export interface TileSize {
  /** 1 to 12 rows; columns of the panel, in whole vectors. */
  readonly rows: number;
  readonly columns: number;
  /** V8 joins the two vectors of a row (WasmOptions). Default false. */
  readonly wide?: boolean | undefined;
}

export interface GemmTile extends TileSize {
  /** The sum runs over `segments` runs (default 1) of `segmentLength` products each. */
  readonly segments?: number;
  readonly segmentLength: number;
  /** Strides of A in bytes: to the next row of the tile, to the next segment, to the next element of a segment. */
  readonly rowStride: number;
  readonly segmentStride?: number;
  readonly innerStride: number;
  /**
   * How many of the segments are summed, where that is known only at run time and the sum is a loop (`isLooped`).
   * `a` and `panel` stand at the first.
   */
  readonly segmentCount?: Local<'i32'>;
  /** Bytes from a row of B to the next, where B is read in place. Default: packed, 4 · columns. */
  readonly panelStride?: number;
}

/** Tells whether the sum is a loop over segments: a short one is written out. */
export function isLooped(segments: number, segmentLength: number): boolean {
  return segments * segmentLength > straightLine;
}

export interface GemmHooks {
  /** The value to start from at row r, vector v of the tile. Default: 0. */
  initial?(r: number, v: number): V128;
  /** Finishes the sums of row r, vector v. Default: they stay as they are. */
  finish?(r: number, v: number, sum: Local<'v128'>): V128;
  /** Takes the finished values of row r, vector v, and loads nothing. */
  store(r: number, v: number, value: Local<'v128'>): void;
}

/**
 * Emits one tile. `a` (address of A(0, 0, 0)) and `panel` are moved by the code: pass variables of its own. The
 * panel may stand anywhere but at the very end of a memory of 4 GiB (see `fence`).
 */
export function emitGemmTile(f: FunctionBuilder, tile: GemmTile, operands: Operands, hooks: GemmHooks): void {
  emitRows(f, [tile.rows, tile.columns / f.lanes], hooks, (sums) => emitSums(f, tile, operands, sums));
}

/** Begins sums of so many rows and vectors, has products added to them, and finishes them. */
function emitRows(
  f: FunctionBuilder,
  [rows, vectors]: readonly [number, number],
  hooks: GemmHooks,
  addProducts: (sums: Sums) => void,
): void {
  const sums = Array.from({ length: rows }, (_, r) =>
    Array.from({ length: vectors }, (_, v) => f.let(hooks.initial?.(r, v) ?? f32x4.const(0))),
  );
  addProducts(sums);
  // two vectors are finished before any of them is stored: V8 joins only stores with no load in between
  for (const [r, row] of sums.entries()) {
    for (let first = 0; first < vectors; first += 2) {
      const pair = row.slice(first, first + 2);
      if (hooks.finish) for (const [v, sum] of pair.entries()) f.set(sum, hooks.finish(r, first + v, sum));
      for (const [v, sum] of pair.entries()) hooks.store(r, first + v, sum);
    }
  }
}

interface Operands {
  readonly a: Local<'i32'>;
  readonly panel: Local<'i32'>;
}

type Sums = readonly (readonly Local<'v128'>[])[];

/** Gives what adds A(r) · panel[v] to sums[r][v], from these addresses. Within a block. */
function productInto(f: FunctionBuilder, { rows, columns, rowStride, wide }: GemmTile, sums: Sums) {
  const vectors = columns / f.lanes;
  const rowsPerBlock = Math.max(1, registers[f.simd] - (rows + 1) * (wide ? 1 : vectors));
  const right = Array.from({ length: vectors }, () => f.local('v128'));
  const left = f.local('v128');
  return (a: I32, panel: I32, panelOffset = 0) => {
    // by index: most of a kernel is written here, by code that has hardly run
    for (let v = 0; v < vectors; v++) {
      f.set(right[v]!, v128.load(panel, panelOffset + 4 * f.lanes * v));
    }
    for (let r = 0; r < rows; r++) {
      const row = sums[r]!;
      f.set(left, v128.load32Splat(a, r * rowStride));
      for (let v = 0; v < vectors; v++) f.set(row[v]!, f.multiplyAdd(left, right[v]!, row[v]!));
      if ((r + 1) % rowsPerBlock === 0 || r === rows - 1) f.fence(panel);
    }
  };
}

/** Adds all products of a tile to its sums. */
function emitSums(f: FunctionBuilder, tile: GemmTile, { a, panel }: Operands, sums: Sums): void {
  const { columns, segments = 1, segmentLength, segmentStride = 0, innerStride } = tile;
  const panelStride = tile.panelStride ?? columns * 4;
  const nextSegment = segmentStride - segmentLength * innerStride;
  const product = productInto(f, tile, sums);
  // A(r, s, t) · panel[k][v] for `count` values of t
  const products = (count: number, panelOffset = 0) => {
    for (let t = 0; t < count; t++) {
      product(a, panel, panelOffset + t * panelStride);
      f.increase(a, innerStride);
    }
  };
  const writtenOut = () => {
    for (let s = 0; s < segments; s++) {
      products(segmentLength, s * segmentLength * panelStride);
      f.increase(a, nextSegment);
    }
  };
  const rest = segmentLength % unroll;
  const looped = () =>
    f.loop(0, tile.segmentCount ?? segments, 1, () => {
      if (segmentLength > rest) {
        const end = f.let(i32.add(panel, (segmentLength - rest) * panelStride));
        f.forever((again) => {
          products(unroll);
          f.increase(panel, unroll * panelStride);
          f.branchIf(again, i32.ltU(panel, end));
        });
      }
      products(rest);
      f.increase(panel, rest * panelStride);
      f.increase(a, nextSegment);
    });
  f.block(() => (isLooped(segments, segmentLength) ? looped() : writtenOut()));
}

/** Some rows of sums to which only some products are added. */
export interface ListedRows {
  readonly rows: number;
  /** The terms: i32 at an address, so many, ascending. */
  readonly list: I32;
  readonly count: I32;
  /** Strides of A in bytes: to the next row, to the next element of a row. */
  readonly rowStride: number;
  readonly innerStride: number;
  /** Where the first term of each vector of B stands, in bytes behind `panel`, and how far the next term is from it. */
  readonly vectors: readonly { readonly at: number; readonly termBytes: number }[];
}

/** How rows are summed whose terms are listed. */
export interface ListedTile {
  /** Rows that share a list, and the vectors of B that they are multiplied with. */
  readonly rows: number;
  readonly vectors: number;
  /** The longest sums, so that what is read of B stays in the caches. */
  readonly terms: number;
  /** Lists save time where they have at most this share of the terms: a listed one takes more. */
  readonly worth: number;
}

/**
 * Found by measuring the steps of the seed models. One row has the shortest lists; of wide vectors, whose products take less
 * time, some rows share what a list costs and what is loaded of B.
 */
export function listedTile({ machine }: Pick<WasmOptions, 'machine'>): ListedTile {
  if (machine?.level === 'avx512') return { rows: 3, vectors: 8, terms: 1024, worth: 0.7 };
  if (machine?.level === 'avx2') return { rows: 3, vectors: 4, terms: 1024, worth: 0.7 };
  return { rows: 1, vectors: 12, terms: 264, worth: 0.75 };
}

/** Vectors of B between two fences. */
const fencedVectors = 2;

/** Emits rows whose terms are listed, like a tile. */
export function emitListedRows(
  f: FunctionBuilder,
  { rows, list, count, rowStride, innerStride, vectors }: ListedRows,
  { a, panel }: { readonly a: I32; readonly panel: I32 },
  hooks: GemmHooks,
): void {
  const left = Array.from({ length: rows }, () => f.local('v128'));
  const right = f.local('v128');
  const add = (sums: Sums, term: I32) => {
    const inRow = f.let(i32.add(a, i32.mul(term, innerStride)));
    for (const [r, value] of left.entries()) f.set(value, v128.load32Splat(inRow, r * rowStride));
    const addresses = new Map<number, I32>();
    for (const [v, { at, termBytes }] of vectors.entries()) {
      const from = addresses.get(termBytes) ?? f.let(i32.add(panel, i32.mul(term, termBytes)));
      addresses.set(termBytes, from);
      f.set(right, v128.load(from, at));
      for (const [r, value] of left.entries()) {
        const sum = sums[r]![v]!;
        f.set(sum, f.multiplyAdd(value, right, sum));
      }
      if ((v + 1) % fencedVectors === 0 || v === vectors.length - 1) f.fence(list);
    }
  };
  emitRows(f, [rows, vectors.length], hooks, (sums) => {
    const next = f.let(list);
    const end = f.let(i32.add(list, i32.shl(count, 2)));
    f.block(() =>
      f.while(i32.ltU(next, end), () => {
        add(sums, f.let(i32.load(next)));
        f.increase(next, 4);
      }),
    );
  });
}
