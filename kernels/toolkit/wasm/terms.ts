/**
 * Which products of a sum are worth computing: those of the terms k whose A(r, k) is not zero; where some rows share a list,
 * those that are not zero in one of them. The others add 0 · B(k, c), which changes no sum as long as B is finite, but for
 * the sign of a zero: a product that underflows may leave −0, which 0 · B(k, c) would have made +0. So who may skip terms
 * adds +0 at the end of every sum, skipped or not: then both give the same bits.
 *
 * Each strip of rows of a tile has a record: the number of its terms, and the terms in ascending order, i32. Where too few
 * terms of a tile are zero, its first record has `allTerms` in the place of a number.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { transpose } from './packing.js';
import { wholeLines } from './units.js';

/** Stands for the number of terms of a tile's first strip where all terms of all its rows are to be summed. */
export const allTerms = -1;

/** Every so many vectors of four terms one is looked at, before lists are made: where few are zero none is. */
const sampled = 8;

/** Bytes of a record of up to `terms` terms. A list is written in vectors of four. */
export function recordBytes(terms: number): number {
  return wholeLines(4 * (terms + 4));
}

/** Of a mask of four bits: their numbers, those that are clear first, and 4 times how many are clear. */
const entryBytes = 32;
export const tableBytes = 16 * entryBytes;

/**
 * Writes the table by which what is not zero is listed.
 *
 * @param wordOf what stands for a lane. Default: its number
 */
export function writeTable(f: FunctionBuilder, table: I32, wordOf = (lane: number) => lane): void {
  f.loop(0, 16, 1, (mask) => {
    const first = f.let(i32.add(table, i32.mul(mask, entryBytes)));
    const next = f.let(first);
    for (let bit = 0; bit < 4; bit++) append(f, next, i32.const(wordOf(bit)), i32.eqz(bitAt(mask, bit)));
    f.store(i32.add(first, 16), i32.sub(next, first));
  });
}

/** Bit `index` of a number. */
const bitAt = (bits: I32, index: number) => i32.and(i32.shrU(bits, index), 1);

/** Appends a term where `counts` is 1; where it is 0 the next overwrites it. */
function append(f: FunctionBuilder, next: Local<'i32'>, term: I32, counts: I32): void {
  f.store(next, term);
  f.increase(next, i32.shl(counts, 2));
}

interface TermsSource {
  /** Rows of the tile, those of a strip (or what is left), and terms. */
  readonly rows: number;
  readonly strip: number;
  readonly terms: number;
  /** Strides of A in bytes. Terms are adjacent (4), or rows are. */
  readonly rowStride: number;
  readonly termStride: number;
  /** Bytes from a record to the next. */
  readonly recordBytes: number;
  /** Lists are made where they have at most this share of a tile's terms. */
  readonly worth: number;
}

interface Strip {
  readonly first: number;
  readonly size: number;
}

/** The first row of each strip, and how many it has. */
export function stripsOf({ rows, strip }: Pick<TermsSource, 'rows' | 'strip'>): Strip[] {
  return Array.from({ length: Math.ceil(rows / strip) }, (_, s) => ({
    first: s * strip,
    size: Math.min(strip, rows - s * strip),
  }));
}

/** Visits the strips of a tile: whole ones in a loop, with their numbers, then what is left. */
export function eachStrip(
  f: FunctionBuilder,
  { rows, strip }: Pick<TermsSource, 'rows' | 'strip'>,
  visit: (size: number, index: I32) => void,
): void {
  const rest = rows % strip;
  const whole = (rows - rest) / strip;
  f.loop(0, whole, 1, (index) => visit(strip, index));
  if (rest > 0) visit(rest, i32.const(whole));
}

/** A function (a, record, table) that writes the records of a tile whose A(0, 0) stands at `a`. */
export function listTerms(module: ModuleBuilder, source: TermsSource): FunctionHandle {
  const { rows, strip, terms, rowStride, termStride } = source;
  const name = `terms_${rows}x${terms}_${rowStride}_${termStride}`;
  const strips = Math.ceil(rows / strip);
  /** 1 if terms that take so many bytes of lists are few of so many. */
  const few = (bytes: I32, of: number) => i32.ltS(bytes, i32.const(4 * Math.floor(source.worth * of) + 4));
  const write = (f: FunctionBuilder, p: ListingPlace) => {
    const { sample, list } = termStride === 4 ? adjacentTerms(source) : adjacentRows(source);
    const seen = f.let(i32.const(0));
    const looked = sample(f, p, (bytes) => f.increase(seen, bytes));
    f.store(p.record, i32.const(allTerms));
    f.if(few(seen, looked * strips), () => {
      const all = f.let(i32.const(0));
      list(f, p, (record, end) => {
        const bytes = f.let(i32.sub(end, i32.add(record, 4)));
        f.store(record, i32.shrU(bytes, 2));
        f.increase(all, bytes);
      });
      f.if(i32.eqz(few(all, terms * strips)), () => f.store(p.record, i32.const(allTerms)));
    });
  };
  return module.once(name, ['a', 'record', 'table'] as const, write, 4);
}

type ListingPlace = Readonly<Record<'a' | 'record' | 'table', I32>>;

interface Scan {
  /** Tells `count` of 4 bytes for each of some terms of each strip that is not zero, and gives how many terms it looks at. */
  sample(f: FunctionBuilder, p: ListingPlace, count: (bytes: I32) => void): number;
  /** Writes the lists of the strips, and tells where each has its record and ends. */
  list(f: FunctionBuilder, p: ListingPlace, done: (record: I32, end: I32) => void): void;
}

/** The entry for four lanes, by those that are all bits. */
export function entryAt(f: FunctionBuilder, table: I32, lanes: V128): I32 {
  return f.let(i32.add(table, i32.mul(i32x4.bitmask(lanes), entryBytes)));
}

/** 4 times how many lanes an entry has. */
export const countIn = (entry: I32) => i32.load(entry, 16);

/** Appends those of four terms that an entry has. */
function appendFour(f: FunctionBuilder, next: Local<'i32'>, entry: I32, first: V128): void {
  f.store(next, i32x4.add(v128.load(entry), first));
  f.increase(next, countIn(entry));
}

/** Terms side by side: four of them at a time, strip by strip. */
function adjacentTerms(source: TermsSource): Scan {
  const { terms, strip, rowStride, recordBytes } = source;
  const rest = terms % 4;
  const whole = terms - rest;
  /** The entry of the table for some terms of a strip of so many rows; −0 counts as another number than zero. */
  const entryOf = (f: FunctionBuilder, table: I32, size: number, [at, lanes]: readonly [I32, number]) => {
    const row = (r: number) => v128.loadLanes(at, lanes, r * rowStride);
    let any = row(0);
    for (let r = 1; r < size; r++) any = v128.or(any, row(r));
    return entryAt(f, table, i32x4.eq(any, 0));
  };
  const addressOf = (f: FunctionBuilder, a: I32, index: I32) =>
    f.let(i32.add(a, i32.mul(index, strip * rowStride)));
  return {
    sample(f, { a, table }, count) {
      eachStrip(f, source, (size, index) => {
        const from = addressOf(f, a, index);
        f.loop(0, 4 * whole, 16 * sampled, (at) =>
          count(countIn(entryOf(f, table, size, [f.let(i32.add(from, at)), 4]))),
        );
      });
      return 4 * Math.ceil(whole / (4 * sampled));
    },
    list(f, { a, table, record }, done) {
      eachStrip(f, source, (size, index) => {
        const from = addressOf(f, a, index);
        const own = f.let(i32.add(record, i32.mul(index, recordBytes)));
        const end = f.let(i32.add(own, 4));
        const first = f.let(i32x4.const(0));
        const visit = (at: I32, lanes: number) => {
          appendFour(f, end, entryOf(f, table, size, [f.let(i32.add(from, at)), lanes]), first);
          f.set(first, i32x4.add(first, 4));
        };
        f.loop(0, 4 * whole, 16, (at) => visit(at, 4));
        if (rest > 0) visit(i32.const(4 * whole), rest);
        done(own, end);
      });
    },
  };
}

/** Rows side by side: a term at a time, in as few vectors as hold the rows; four terms at a time where they are listed. */
function adjacentRows(source: TermsSource): Scan {
  const { rows, terms, termStride, recordBytes } = source;
  const whole = terms - (terms % 4);
  const strips = stripsOf(source);
  const vectors = stripsOf({ rows, strip: 4 });
  /** Lanes of all bits where a term is zero; −0 counts as another number. */
  const isZero = (f: FunctionBuilder, at: I32, { first, size }: (typeof vectors)[number], offset: number) =>
    f.let(i32x4.eq(v128.loadLanes(at, size, offset + 4 * first), 0));
  /** Gives, for each strip, 1 where a term is not zero in one of its rows. */
  const counts = (f: FunctionBuilder, at: I32): I32[] => {
    const masks = vectors.map((vector) => i32.shl(i32x4.bitmask(isZero(f, at, vector, 0)), vector.first));
    const zeros = f.let(masks.reduce((all, mask) => i32.or(all, mask)));
    return strips.map(({ first, size }) => {
      const rowBits = (2 ** size - 1) << first;
      return i32.ne(i32.and(zeros, rowBits), rowBits);
    });
  };
  return {
    sample(f, { a }, count) {
      f.loop(0, terms, sampled, (term) => {
        for (const one of counts(f, f.let(i32.add(a, i32.mul(term, termStride))))) count(i32.shl(one, 2));
      });
      return Math.ceil(terms / sampled);
    },
    list(f, { a, table, record }, done) {
      const records = strips.map((_, s) => f.let(i32.add(record, s * recordBytes)));
      const ends = records.map((own) => f.let(i32.add(own, 4)));
      const four = f.let(i32x4.const(0));
      f.loop(0, whole, 4, (term) => {
        const from = f.let(i32.add(a, i32.mul(term, termStride)));
        // the masks of four terms are turned into those of rows
        const ofRows = vectors.flatMap((vector) => {
          const [t0, t1, t2, t3] = [0, 1, 2, 3].map((t) => isZero(f, from, vector, t * termStride));
          return transpose(f, [t0!, t1!, t2!, t3!]).slice(0, vector.size);
        });
        for (const [s, { first, size }] of strips.entries()) {
          const zeros = ofRows.slice(first, first + size).reduce((all, mask) => v128.and(all, mask));
          appendFour(f, ends[s]!, entryAt(f, table, zeros), four);
        }
        f.set(four, i32x4.add(four, 4));
      });
      for (let term = whole; term < terms; term++) {
        const each = counts(f, f.let(i32.add(a, term * termStride)));
        for (const [s, one] of each.entries()) append(f, ends[s]!, i32.const(term), one);
      }
      for (const [s, end] of ends.entries()) done(records[s]!, end);
    },
  };
}
