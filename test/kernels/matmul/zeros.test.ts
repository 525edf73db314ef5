/** Products that leave out terms whose factor is zero give the bits of those that sum all. */
import * as assert from 'uvu/assert';
import { emitMatmul } from '../../../kernels/matmul/emit.js';
import { type MatmulShape, planMatmul } from '../../../kernels/matmul/plan.js';
import { EpilogueEmitter } from '../../../kernels/toolkit/wasm/epilogue.js';
import { preparedFlag } from '../../../kernels/toolkit/wasm/kernel.js';
import {
  allTerms,
  listTerms,
  recordBytes,
  tableBytes,
  writeTable,
} from '../../../kernels/toolkit/wasm/terms.js';
import { type KernelRun, ModuleBuilder } from '../../../src/writers/wasm/assembler.js';
import { hashed as random, type ZeroPattern, zeroPatterns } from '../../support/kernelCases/zeros.js';
import { suite } from '../../support/suite.js';
import { best, instantiate } from '../../writers/wasm/harness.js';

const levels = best === 'relaxed' ? (['relaxed', 'baseline'] as const) : (['baseline'] as const);

/** A [m, k] with rows or, transposed, columns adjacent; B [k, n] likewise. */
function shapeOf([m, k, n]: readonly [number, number, number], turned: boolean): MatmulShape {
  return {
    ...{ batch: [], m, k, n },
    a: { batch: [], row: turned ? 1 : k, column: turned ? m : 1 },
    b: { batch: [], row: n, column: 1 },
  };
}

const at = ({ k, m, a }: MatmulShape, index: number) => {
  const [row, column] =
    a.column === 1 ? [Math.floor(index / k), index % k] : [index % m, Math.floor(index / m)];
  return { row, column };
};

interface Prepared {
  readonly units: number;
  readonly scratchBytes: number;
  readonly prepares?: boolean;
  readonly module: WebAssembly.Module;
}
const kernels = new Map<string, Prepared>();

/** The kernel of a shape, compiled once. */
function kernelOf(shape: MatmulShape, simd: (typeof levels)[number]): Prepared {
  const key = JSON.stringify([shape, simd]);
  const known = kernels.get(key);
  if (known !== undefined) return known;
  const writer = new ModuleBuilder({ simd, shared: false });
  const layout = { dtype: 'float32', shape: [shape.m, shape.n], strides: [shape.n, 1] } as const;
  const epilogue = new EpilogueEmitter(undefined, { inputs: [], outputs: [layout] });
  const code = emitMatmul(writer, shape, { simd }, epilogue);
  const kernel = { ...code, module: new WebAssembly.Module(writer.bytes()) };
  kernels.set(key, kernel);
  return kernel;
}

/** The output, of one range of units or of one for each unit. */
function multiply(
  shape: MatmulShape,
  { a, b }: { readonly a: Float32Array; readonly b: Float32Array },
  { simd, unitByUnit = false }: { readonly simd: (typeof levels)[number]; readonly unitByUnit?: boolean },
): Float32Array {
  const { units, scratchBytes, prepares, module } = kernelOf(shape, simd);
  const places = [64, a.byteLength, b.byteLength, 4 * shape.m * shape.n];
  const pointers = places.map((_, i) =>
    places.slice(0, i + 1).reduce((sum, bytes) => sum + Math.ceil(bytes / 64) * 64, 0),
  );
  const memory = new WebAssembly.Memory({ initial: Math.ceil((pointers[3]! + scratchBytes) / 65536) });
  const floats = new Float32Array(memory.buffer);
  floats.fill(Number.NaN);
  floats.set(a, pointers[0]! / 4);
  floats.set(b, pointers[1]! / 4);
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports.run as KernelRun;
  for (let unit = 0; unit < units; unit += unitByUnit ? 1 : units) {
    const begin = unit > 0 && prepares ? unit | preparedFlag : unit;
    run(...pointers, begin, unitByUnit ? unit + 1 : units);
  }
  return floats.slice(pointers[2]! / 4, pointers[2]! / 4 + shape.m * shape.n);
}

const bits = (values: Float32Array) =>
  [...new Uint32Array(values.buffer)].map((word, i) => (Number.isNaN(values[i]!) ? 'NaN' : word));

const shapes = [
  [37, 67, 70],
  [7, 129, 64],
  [13, 260, 72],
] as const;

suite('products that leave out zeros', (test) => {
  for (const simd of levels) {
    for (const turned of [false, true]) {
      const order = turned ? 'rows adjacent' : 'terms adjacent';
      for (const [name, pattern] of Object.entries(zeroPatterns)) {
        test(`${name}, ${order}, ${simd}: the bits of the sums of all terms`, () => {
          for (const size of shapes) {
            const shape = shapeOf(size, turned);
            const [m, k, n] = size;
            // −0 is summed: it is another way to the same numbers
            const fill = (zero: number) =>
              Float32Array.from({ length: m * k }, (_, i) => {
                const { row, column } = at(shape, i);
                // products that underflow, of both signs, among others
                const value = (random(i) - 0.5) * (i % 5 === 0 ? 1e-30 : 1);
                return pattern(row, column) ? zero : value;
              });
            const values = (i: number) => (random(7 * i) - 0.5) * (i % 3 === 0 ? 1e-20 : 1);
            const finite = Float32Array.from({ length: k * n }, (_, i) => values(i));
            const spoiled = finite.slice();
            spoiled[(k - 1) * n + 3] = Number.POSITIVE_INFINITY;
            spoiled[n + 9] = Number.NaN;
            spoiled[5 * n + n - 1] = Number.NEGATIVE_INFINITY;
            for (const [what, b] of [
              ['finite', finite],
              ['with infinities and NaN', spoiled],
            ] as const) {
              const expected = bits(multiply(shape, { a: fill(-0), b }, { simd }));
              const label = `${size.join(' x ')}, ${what}`;
              assert.equal(bits(multiply(shape, { a: fill(0), b }, { simd })), expected, label);
              const pieces = multiply(shape, { a: fill(0), b }, { simd, unitByUnit: true });
              assert.equal(bits(pieces), expected, `${label}, unit by unit`);
            }
          }
        });
      }
    }
  }

  test('a product that underflows leaves +0', () => {
    for (const zero of [0, -0]) {
      const shape = shapeOf([6, 64, 64], false);
      const a = Float32Array.from({ length: 6 * 64 }, (_, i) => (i % 64 === 0 ? -1e-30 : zero));
      const out = multiply(shape, { a, b: new Float32Array(64 * 64).fill(1e-30) }, { simd: best });
      assert.ok(out.every((value) => Object.is(value, 0)));
    }
  });

  test('infinities and NaN of the factor that has zeros are summed', () => {
    const shape = shapeOf([12, 64, 64], false);
    const a = Float32Array.from({ length: 12 * 64 }, (_, i) => (i % 64 < 4 ? 1 : 0));
    a[5] = Number.NaN;
    a[64 + 6] = Number.POSITIVE_INFINITY;
    const out = multiply(shape, { a, b: new Float32Array(64 * 64).fill(1) }, { simd: best });
    const rows = Array.from({ length: 12 }, (_, row) => out[row * 64]);
    assert.equal(rows, [Number.NaN, Number.POSITIVE_INFINITY, ...Array.from({ length: 10 }, () => 4)]);
  });

  test('which products do: by columns and terms, where zeros can be seen; the rule of + 0 knows no rows', () => {
    const planOf = (size: readonly [number, number, number], turned = false) =>
      planMatmul(shapeOf(size, turned), { simd: best });
    assert.is(planOf([128, 784, 128]).skips, 'groups');
    assert.is(planOf([784, 128, 128], true).skips, 'groups');
    assert.is(planOf([128, 128, 1600]).skips, 'once');
    assert.is(planOf([128, 128, 10]).skips, undefined);
    assert.is(planOf([128, 16, 128]).skips, undefined);
    for (const m of [1, 6, 128]) {
      assert.is(planOf([m, 784, 128]).endsPositive, true);
      assert.is(planOf([m, 784, 10]).endsPositive, false);
    }
  });

  test('records: the terms of each row that are not zero, or that they are too many', () => {
    /** The records of all rows. */
    const recordsOf = (
      [rows, strip]: readonly [number, number],
      terms: number,
      turned: boolean,
      pattern: ZeroPattern,
    ): number[][] => {
      const module = new ModuleBuilder({ simd: 'baseline', shared: false });
      const strides = turned
        ? { rowStride: 4, termStride: 4 * rows }
        : { rowStride: 4 * terms, termStride: 4 };
      const bytes = recordBytes(terms);
      const list = listTerms(module, { ...strides, rows, strip, terms, recordBytes: bytes, worth: 0.8 });
      module.kernel(['a', 'record', 'table'], (f, p) => {
        writeTable(f, p.table);
        f.call(list, p.a, p.record, p.table);
      });
      const memory = new WebAssembly.Memory({ initial: 1 });
      const record = 64 + tableBytes;
      // to the end of memory, where a read too far traps
      const a = 65536 - 4 * rows * terms;
      const values = new Float32Array(memory.buffer, a);
      for (let row = 0; row < rows; row++) {
        for (let term = 0; term < terms; term++) {
          values[turned ? term * rows + row : row * terms + term] = pattern(row, term) ? 0 : 1;
        }
      }
      (instantiate(module, memory).run as KernelRun)(a, record, 64, 0, 0);
      return Array.from({ length: Math.ceil(rows / strip) }, (_, s) => {
        const words = new Int32Array(memory.buffer, record + s * bytes, bytes / 4);
        return [...words.slice(0, 1 + Math.max(0, words[0]!))];
      });
    };
    const zeros: Record<string, ZeroPattern> = {
      'every fifth': (row, term) => (term + row) % 5 !== 0,
      'most of one row': (row, term) => row !== 0 || term % 7 === 0,
      pairs: (row, term) => ((term >> 1) + row) % 2 === 0,
      all: () => true,
    };
    const all = Array.from({ length: 67 }, (_, term) => term);
    for (const turned of [false, true]) {
      for (const [rows, strip] of [1, 2, 3].flatMap((strip) =>
        [1, 4, 5, 6, 12].map((rows) => [rows, strip]),
      )) {
        for (const [name, pattern] of Object.entries(zeros)) {
          const lists = Array.from({ length: Math.ceil(rows! / strip!) }, (_, s) => {
            const own = Array.from(
              { length: Math.min(strip!, rows! - s * strip!) },
              (_, r) => s * strip! + r,
            );
            const terms = all.filter((term) => own.some((row) => !pattern(row, term)));
            return [terms.length, ...terms];
          });
          const what = `${name}, ${rows} rows, ${strip} to a list`;
          const found = recordsOf([rows!, strip!], 67, turned, pattern);
          if (lists.flat().length - lists.length <= 0.6 * 67 * lists.length) assert.equal(found, lists, what);
        }
        assert.is(recordsOf([rows!, strip!], 67, turned, () => false)[0]![0], allTerms);
      }
    }
  });
});
