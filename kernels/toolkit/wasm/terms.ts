/**
 * Which products of a tile's sums are worth computing: those of the terms k whose A(r, k) is not zero in at least one of
 * its rows. The others add 0 · B(k, c), which changes no sum as long as B is finite, but for the sign of a zero:
 * a product that underflows may leave −0, which 0 · B(k, c) would have made +0. So who may skip terms adds +0 at the end
 * of every sum, skipped or not: then both give the same bits.
 *
 * A record is made for each tile of rows: the number of its terms, or `allTerms`, and the terms in ascending order, i32.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { wholeLines } from './units.js';

/** Stands for the number of terms where all are to be summed. */
const allTerms = -1;

/** A list saves time where it has at most so many of the terms: its loop is a little slower. */
const worthSkipping = 0.8;
/** Every so many vectors of four terms one is looked at, before a list is made: where few are zero none is. */
const sampled = 8;

/** Bytes of a record of up to `terms` terms. */
export function recordBytes(terms: number): number {
  return wholeLines(4 * (terms + 1));
}

interface TermsSource {
  /** Rows of the tile, and terms. */
  readonly rows: number;
  readonly terms: number;
  /** Strides of A in bytes. Terms are adjacent (4), or rows are. */
  readonly rowStride: number;
  readonly termStride: number;
}

/** A function (a, record) that writes the record of a tile whose A(0, 0) stands at `a`. */
export function listing(module: ModuleBuilder, source: TermsSource): FunctionHandle {
  const { rows, terms, rowStride, termStride } = source;
  const name = `terms_${rows}x${terms}_${rowStride}_${termStride}`;
  const write = (f: FunctionBuilder, { a, record }: Readonly<Record<'a' | 'record', I32>>) => {
    const scan = termStride === 4 ? adjacentTerms(source) : adjacentRows(source);
    f.store(record, i32.const(allTerms));
    f.if(scan.sample(f, a), () => {
      const first = f.let(i32.add(record, 4));
      const next = f.let(first);
      scan.list(f, a, next);
      const found = f.let(i32.shrU(i32.sub(next, first), 2));
      f.if(few(found, terms), () => f.store(record, found));
    });
  };
  return module.once(name, ['a', 'record'] as const, write, 4);
}

/** 1 if a number of terms is at most `worthSkipping` of `seen`. */
const few = (found: I32, seen: number) => i32.ltS(found, i32.const(Math.floor(worthSkipping * seen) + 1));

interface Scan {
  /** 1 if at most `worthSkipping` of some terms are not zero. */
  sample(f: FunctionBuilder, a: I32): I32;
  /** Writes the terms that are not zero from `next` on, which is moved. Writes up to a word behind the last of them. */
  list(f: FunctionBuilder, a: I32, next: Local<'i32'>): void;
}

/** Appends a term where `counts` is 1; where it is 0 the next overwrites it. */
function append(f: FunctionBuilder, next: Local<'i32'>, term: I32, counts: I32): void {
  f.store(next, term);
  f.increase(next, i32.shl(counts, 2));
}

/** Bit `index` of a number. */
const bitAt = (bits: I32, index: number) => i32.and(i32.shrU(bits, index), 1);

/** Terms side by side: four of them at a time, over all rows. */
function adjacentTerms({ rows, terms, rowStride }: TermsSource): Scan {
  const rest = terms % 4;
  const whole = terms - rest;
  /** Lanes of all bits where a term is not zero in one of the rows; −0 counts as another number. */
  const notZero = (f: FunctionBuilder, at: I32, lanes = 4): V128 => {
    const row = (r: number) => v128.loadLanes(at, lanes, r * rowStride);
    let any = row(0);
    for (let r = 1; r < rows; r++) any = v128.or(any, row(r));
    return f.let(i32x4.ne(any, 0));
  };
  return {
    sample(f, a) {
      const sum = f.let(i32.const(0));
      f.loop(0, 4 * whole, 16 * sampled, (at) => {
        const mask = f.let(i32x4.bitmask(notZero(f, f.let(i32.add(a, at)))));
        f.set(sum, i32.sum(sum, bitAt(mask, 0), bitAt(mask, 1), bitAt(mask, 2), bitAt(mask, 3)));
      });
      return few(sum, 4 * Math.ceil(whole / (4 * sampled)));
    },
    list(f, a, next) {
      const visit = (at: I32, lanes: number) => {
        const mask = f.let(i32x4.bitmask(notZero(f, f.let(i32.add(a, at)), lanes)));
        const term = f.let(i32.shrU(at, 2));
        for (let lane = 0; lane < lanes; lane++) {
          append(f, next, i32.add(term, lane), bitAt(mask, lane));
        }
      };
      f.loop(0, 4 * whole, 16, (at) => visit(at, 4));
      if (rest > 0) visit(i32.const(4 * whole), rest);
    },
  };
}

/** Rows side by side: a term at a time, in as few vectors as hold the rows. */
function adjacentRows({ rows, terms, termStride }: TermsSource): Scan {
  const notZero = (f: FunctionBuilder, at: I32): V128 => {
    let any = v128.loadLanes(at, Math.min(4, rows));
    // the last vectors overlap those before
    for (let row = 4; row < rows; row += 4) any = v128.or(any, v128.load(at, 4 * Math.min(row, rows - 4)));
    return f.let(i32x4.ne(any, 0));
  };
  const counts = (f: FunctionBuilder, a: I32, term: I32) =>
    i32.ne(i32x4.bitmask(notZero(f, f.let(i32.add(a, i32.mul(term, termStride))))), 0);
  return {
    sample(f, a) {
      const sum = f.let(i32.const(0));
      f.loop(0, terms, sampled, (term) => f.set(sum, i32.add(sum, counts(f, a, term))));
      return few(sum, Math.ceil(terms / sampled));
    },
    list(f, a, next) {
      f.loop(0, terms, 1, (term) => append(f, next, term, counts(f, a, term)));
    },
  };
}

/** What a tile's function is told of its terms: the list of them, or 0 where all are summed, and how many there are. */
export interface Terms {
  readonly list: I32;
  readonly count: I32;
}

/** The terms of a record at an address that is 0 where all are to be summed. */
export function readTerms(f: FunctionBuilder, record: I32): Terms {
  const count = f.let(i32.const(0));
  const list = f.let(i32.const(0));
  f.if(record, () => {
    f.set(count, i32.load(record));
    f.if(i32.ne(count, allTerms), () => f.set(list, i32.add(record, 4)));
  });
  return { list, count };
}

/** Adds x · 0 to a sum that starts at 0: it becomes NaN where an x is not finite. */
export function noteFinite(f: FunctionBuilder, sum: Local<'v128'>, x: V128): void {
  f.set(sum, f32x4.add(sum, f32x4.mul(x, 0)));
}

/** 1 if all that was noted in a sum was finite. */
export function allFinite(sum: V128): I32 {
  return i32.eqz(i32x4.bitmask(f32x4.ne(sum, sum)));
}
