import * as assert from 'uvu/assert';
import type { Epilogue } from '../../../kernels/contract.js';
import { emitMatmul } from '../../../kernels/matmul/emit.js';
import { type MatmulShape, type MatrixStrides, planMatmul } from '../../../kernels/matmul/plan.js';
import { EpilogueEmitter } from '../../../kernels/toolkit/wasm/epilogue.js';
import { call, constantOf, type Expression, input } from '../../../src/core/expression.js';
import { rowMajorStrides, type Shape } from '../../../src/core/shape.js';
import { type KernelRun, ModuleBuilder } from '../../../src/writers/wasm/assembler.js';
import type { SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import { suite } from '../../support/suite.js';
import { best, exactValues, instantiate } from '../../writers/wasm/harness.js';

const levels: SimdLevel[] = best === 'relaxed' ? ['relaxed', 'baseline'] : ['baseline'];
const pageBytes = 65536;

interface Operands {
  readonly a: Float32Array;
  readonly b: Float32Array;
  /** Elements before A(0, 0) and B(0, 0). */
  readonly aStart?: number;
  readonly bStart?: number;
  readonly extra?: Float32Array;
}

interface Options {
  /** What is done with the sums; `extra` holds its operands: [n], then [m, n]. Default: they are stored. */
  readonly epilogue?: Epilogue;
  /** Ranges of units, in the order they are run; by default one. */
  readonly ranges?: (units: number) => [number, number][];
  /** What stands at the very end of memory, where a read or write too far traps. */
  readonly atEnd?: 'a' | 'b' | 'out' | 'scratch';
}

const layoutOf = (shape: Shape, strides = rowMajorStrides(shape)) =>
  ({ dtype: 'float32', shape, strides }) as const;

function epilogueOf({ batch, m, n }: MatmulShape, epilogue?: Epilogue): EpilogueEmitter {
  const output = layoutOf([...batch, m, n]);
  const inputs = epilogue === undefined ? [] : [layoutOf(output.shape, [0, 1]), output];
  return new EpilogueEmitter(epilogue, { inputs, outputs: [output] });
}

/** What is told of a kernel. */
const emitted = (shape: MatmulShape, simd: SimdLevel) =>
  emitMatmul(new ModuleBuilder({ simd, shared: false }), shape, { simd }, epilogueOf(shape));

/** Runs the kernel in a memory of its own and returns the output. Scratch is filled with NaN before every range. */
function multiply(
  shape: MatmulShape,
  simd: SimdLevel,
  operands: Operands,
  options: Options = {},
): Float32Array {
  const module = new ModuleBuilder({ simd, shared: false });
  const emission = emitMatmul(module, shape, { simd }, epilogueOf(shape, options.epilogue));
  const size = shape.batch.reduce((product, extent) => product * extent, shape.m * shape.n);
  const bytes = {
    a: operands.a.byteLength,
    b: operands.b.byteLength,
    extra: operands.extra?.byteLength ?? 0,
    out: 4 * size,
    scratch: emission.scratchBytes,
  };
  // One after the other, 64-byte aligned, the chosen one against the end.
  const names = (Object.keys(bytes) as (keyof typeof bytes)[]).sort(
    (x, y) => Number(x === options.atEnd) - Number(y === options.atEnd),
  );
  const address = { a: 0, b: 0, extra: 0, out: 0, scratch: 0 };
  let next = 1024;
  for (const name of names) {
    address[name] = next;
    next = Math.ceil((next + bytes[name] + 64) / 64) * 64;
  }
  const pages = Math.ceil(next / pageBytes);
  if (options.atEnd !== undefined) address[options.atEnd] = pages * pageBytes - bytes[options.atEnd];
  const memory = new WebAssembly.Memory({ initial: pages });
  const view = (name: keyof typeof bytes) => new Float32Array(memory.buffer, address[name], bytes[name] / 4);
  new Float32Array(memory.buffer).fill(Number.NaN);
  view('a').set(operands.a);
  view('b').set(operands.b);
  if (operands.extra) view('extra').set(operands.extra);
  const pointers = [
    address.a + 4 * (operands.aStart ?? 0),
    address.b + 4 * (operands.bStart ?? 0),
    ...(operands.extra ? [address.extra, address.extra + 4 * shape.n] : []),
    address.out,
    address.scratch,
  ];
  const run = instantiate(module, memory).run as KernelRun;
  const before = new Float32Array(memory.buffer).slice();
  for (const [begin, end] of options.ranges?.(emission.units) ?? [[0, emission.units]]) {
    view('scratch').fill(Number.NaN);
    run(...pointers, begin, end);
  }
  const out = view('out').slice();
  // Nothing but the output and the scratch area has changed.
  view('out').fill(Number.NaN);
  view('scratch').fill(Number.NaN);
  assert.ok(
    Buffer.compare(Buffer.from(before.buffer), Buffer.from(memory.buffer)) === 0,
    'writes only its output',
  );
  return out;
}

/** out[…, r, c] = Σ_k a · b in the order of k, each product and each sum rounded to float32. */
function definition(shape: MatmulShape, { a, b, aStart = 0, bStart = 0 }: Operands): Float32Array {
  const { batch, m, k, n } = shape;
  const matrices = batch.reduce((product, extent) => product * extent, 1);
  const out = new Float32Array(matrices * m * n);
  for (let matrix = 0; matrix < matrices; matrix++) {
    let [rest, aBase, bBase] = [matrix, aStart, bStart];
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      const index = rest % batch[axis]!;
      rest = (rest - index) / batch[axis]!;
      aBase += index * shape.a.batch[axis]!;
      bBase += index * shape.b.batch[axis]!;
    }
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        let sum = 0;
        for (let t = 0; t < k; t++) {
          const left = a[aBase + row * shape.a.row + t * shape.a.column]!;
          const right = b[bBase + t * shape.b.row + column * shape.b.column]!;
          sum = Math.fround(sum + Math.fround(left * right));
        }
        out[(matrix * m + row) * n + column] = sum;
      }
    }
  }
  return out;
}

const rowMajor = (columns: number): MatrixStrides => ({ batch: [], row: columns, column: 1 });
const transposed = (rows: number): MatrixStrides => ({ batch: [], row: 1, column: rows });

/** A multiplication of row-major matrices, or of transposed ones that are stored so. */
function plain(m: number, k: number, n: number, ta = false, tb = false): MatmulShape {
  return { batch: [], m, k, n, a: ta ? transposed(m) : rowMajor(k), b: tb ? transposed(k) : rowMajor(n) };
}
const operandsOf = ({ m, k, n }: MatmulShape, make = exactValues): Operands => ({
  a: make(m * k, 1),
  b: make(k * n, 2),
});

/** Values with all bits in use, so that a sum's bits tell the order of its terms. */
const roughValues = (length: number, seed: number) =>
  exactValues(length, seed).map((value, index) => Math.fround(value * 1.1 + ((index * 31) % 97) / 7919));

const same = (actual: Float32Array, expected: Float32Array, message: string) => {
  const wrong = actual.findIndex((value, index) => !Object.is(value, expected[index]));
  assert.is(wrong, -1, `${message}: element ${wrong} is ${actual[wrong]}, not ${expected[wrong]}`);
};
const nameOf = ({ m, k, n }: MatmulShape, kind = '') => `${m}x${k}x${n} ${kind}`;
const transpositions = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

suite('matmul emission', (test) => {
  for (const simd of levels) {
    test(`small sizes, all four transpositions: ${simd}`, () => {
      for (const [m, k, n] of [
        [1, 1, 1],
        [1, 7, 1],
        [2, 3, 5],
        [3, 4, 4],
        [5, 5, 9],
        [6, 8, 8],
        [7, 13, 11],
        [11, 2, 17],
        [13, 17, 3],
        [12, 9, 16],
        [17, 31, 23],
        [1, 40, 13],
        [40, 1, 70],
        [23, 19, 67],
      ] as const) {
        for (const [ta, tb] of transpositions) {
          const shape = plain(m, k, n, ta, tb);
          same(
            multiply(shape, simd, operandsOf(shape)),
            definition(shape, operandsOf(shape)),
            nameOf(shape, `${ta} ${tb}`),
          );
        }
      }
    });
    test(`nothing to sum gives zeros, nothing to compute nothing: ${simd}`, () => {
      const shape = plain(7, 0, 13);
      same(multiply(shape, simd, operandsOf(shape)), new Float32Array(91), 'k = 0');
      for (const [m, k, n] of [
        [0, 3, 5],
        [3, 5, 0],
        [0, 0, 0],
      ] as const) {
        assert.equal(emitted(plain(m, k, n), simd).units, 0);
        assert.is(multiply(plain(m, k, n), simd, operandsOf(plain(m, k, n))).length, 0);
      }
    });
    test(`sizes beyond the blocks of k, of panels and of rows: ${simd}`, () => {
      for (const [m, k, n, ta, tb] of [
        [70, 1030, 100, false, false],
        [13, 2051, 21, false, true],
        [110, 530, 70, true, false],
        [19, 257, 90, true, true],
        [110, 64, 64, true, false],
      ] as const) {
        const shape = plain(m, k, n, ta, tb);
        same(multiply(shape, simd, operandsOf(shape)), definition(shape, operandsOf(shape)), nameOf(shape));
      }
    });
    test(`any strides: gaps, repetitions, backwards: ${simd}`, () => {
      const [m, k, n] = [13, 10, 11];
      const kinds: [MatrixStrides, MatrixStrides, number, number][] = [
        [{ batch: [], row: 41, column: 3 }, { batch: [], row: 29, column: 2 }, 0, 0],
        [{ batch: [], row: 0, column: 1 }, { batch: [], row: 1, column: 0 }, 0, 0],
        [{ batch: [], row: 1, column: 0 }, { batch: [], row: 0, column: 1 }, 0, 0],
        [{ batch: [], row: -10, column: 1 }, { batch: [], row: -11, column: -1 }, 200, 300],
        [{ batch: [], row: -1, column: -20 }, { batch: [], row: 1, column: -13 }, 300, 200],
      ];
      for (const [a, b, aStart, bStart] of kinds) {
        const shape: MatmulShape = { batch: [], m, k, n, a, b };
        const operands = { a: exactValues(600, 1), b: exactValues(600, 2), aStart, bStart };
        same(multiply(shape, simd, operands), definition(shape, operands), JSON.stringify([a, b]));
      }
    });
    test(`batches over several axes, repeated operands, any range of units: ${simd}`, () => {
      const [m, k, n] = [13, 6, 10];
      const shapes: MatmulShape[] = [
        {
          batch: [3],
          m,
          k,
          n,
          a: { batch: [m * k], row: k, column: 1 },
          b: { batch: [k * n], row: n, column: 1 },
        },
        {
          batch: [3],
          m,
          k,
          n,
          a: { batch: [m * k], row: k, column: 1 },
          b: { batch: [0], row: n, column: 1 },
        },
        {
          batch: [2, 3],
          m,
          k,
          n,
          a: { batch: [0, m * k], row: 1, column: m },
          b: { batch: [k * n, 0], row: 1, column: k },
        },
      ];
      const operands = { a: exactValues(6 * m * k, 1), b: exactValues(6 * k * n, 2) };
      for (const shape of shapes) {
        const expected = definition(shape, operands);
        same(multiply(shape, simd, operands), expected, 'one range');
        const split = (units: number): [number, number][] => [
          [4, units],
          [1, 4],
          [0, 1],
        ];
        same(multiply(shape, simd, operands, { ranges: split }), expected, 'three ranges');
      }
    });
    test(`the same bits for every range of units, size of matrix and order in memory: ${simd}`, () => {
      const [m, k, n] = [103, 530, 75];
      const shape = plain(m, k, n);
      const operands = operandsOf(shape, roughValues);
      const whole = multiply(shape, simd, operands);
      const one = (units: number) =>
        Array.from({ length: units }, (_, unit): [number, number] => [unit, unit + 1]);
      same(multiply(shape, simd, operands, { ranges: one }), whole, 'unit by unit');
      // Other tiles and panels: the last rows and columns alone.
      const part: MatmulShape = { batch: [], m: 3, k, n: 5, a: shape.a, b: shape.b };
      const corner = multiply(part, simd, { ...operands, aStart: (m - 3) * k, bStart: n - 5 });
      same(
        corner,
        whole.filter((_, index) => Math.floor(index / n) >= m - 3 && index % n >= n - 5),
        'a corner',
      );
      // Transposed in memory A is packed. Both are summed in blocks.
      const turn = (values: Float32Array, rows: number, columns: number) =>
        values.map((_, index) => values[(index % rows) * columns + Math.floor(index / rows)]!);
      const turned = { a: turn(operands.a, m, k), b: turn(operands.b, k, n) };
      for (const one of [shape, plain(m, k, n, true)]) assert.ok(planMatmul(one, { simd }).block < k);
      same(multiply(plain(m, k, n, true, true), simd, turned), whole, 'transposed operands');
      if (simd === 'baseline')
        same(whole, definition(shape, operands), 'the definition, rounding by rounding');
      else {
        const twiceRounded = definition(shape, operands);
        assert.ok(whole.every((value, index) => Math.abs(value - twiceRounded[index]!) < 1e-3));
      }
    });
  }

  test('no operand is read or written beyond its end', () => {
    for (const atEnd of ['a', 'b', 'out', 'scratch'] as const) {
      for (const [ta, tb] of transpositions) {
        for (const [m, k, n] of [
          [7, 5, 11],
          [13, 9, 67],
        ] as const) {
          const shape = plain(m, k, n, ta, tb);
          const out = multiply(shape, best, operandsOf(shape), { atEnd });
          same(out, definition(shape, operandsOf(shape)), `${nameOf(shape)} ${atEnd}`);
        }
      }
    }
  });

  test('an epilogue sees every element once, with its place, after the last block of k', () => {
    // relu(sum + bias[column]) + residual[row, column]
    const [sum, bias, residual] = [0, 1, 2].map((index) => input(index)) as [
      Expression,
      Expression,
      Expression,
    ];
    const expression = call('add', call('maximum', call('add', sum, bias), constantOf(0)), residual);
    for (const [m, k, n] of [
      [13, 5, 23],
      [7, 2049, 10],
    ] as const) {
      const shape = plain(m, k, n);
      const extra = exactValues(n + m * n, 3);
      const sums = definition(shape, operandsOf(shape));
      const expected = sums.map((sum, index) => Math.max(0, sum + extra[index % n]!) + extra[n + index]!);
      const out = multiply(
        shape,
        best,
        { ...operandsOf(shape), extra },
        {
          epilogue: { expression, operands: 2 },
        },
      );
      same(out, expected, nameOf(shape));
    }
  });

  test('an output that cannot hold sums is summed in one block', () => {
    const shape = plain(7, 2049, 10);
    assert.ok(planMatmul(shape, { simd: best }).block < shape.k);
    assert.is(planMatmul({ ...shape, sumsInOutput: false }, { simd: best }).block, shape.k);
    const out = multiply({ ...shape, sumsInOutput: false }, best, operandsOf(shape));
    same(out, definition(shape, operandsOf(shape)), 'one block');
  });

  test('units are panels of columns, or tiles of rows where a range would pack more for columns', () => {
    const unitsOf = (shape: MatmulShape) => {
      const { units, prepares, repeats } = emitted(shape, 'relaxed');
      return [units, prepares, repeats];
    };
    // rows, whose terms are listed; groups of panels where that takes longer than to pack B
    assert.equal(unitsOf(plain(128, 784, 128)), [22, true, false]);
    assert.equal(unitsOf(plain(64, 64, 511)), [11, true, false]);
    assert.equal(unitsOf(plain(64, 64, 512)), [11, true, false]);
    // nothing listed: as high as 4 times its width, and higher; and fewer than 8 panels
    assert.equal(unitsOf(plain(256, 60, 64)), [8, false, false]);
    assert.equal(unitsOf(plain(257, 60, 64)), [43, true, false]);
    assert.equal(unitsOf(plain(12, 64, 56)), [2, true, false]);
    // rows of A adjacent: packing it for every range is worth a wide B only
    const turned = (m: number, k: number, n: number) => ({
      ...plain(m, k, n),
      a: { batch: [], row: 1, column: m },
    });
    assert.equal(unitsOf(turned(128, 32, 128)), [16, false, true]);
    assert.equal(unitsOf(turned(784, 128, 128)), [131, true, false]);
    // several matrices, which share nothing
    const many = { ...plain(64, 32, 64), batch: [3] };
    const strides = { a: { ...many.a, batch: [64 * 32] }, b: { ...many.b, batch: [32 * 64] } };
    assert.equal(unitsOf({ ...many, ...strides }), [33, false, true]);
  });

  test('what is reported: the tile, and scratch is a multiple of 64 bytes', () => {
    const emission = emitted(plain(128, 784, 128), 'relaxed');
    // panels, a vector that tells whether they are finite, the table to list by, and the terms of 11 tiles
    const bytes = 4 * 784 * 128 + 64 + 512 + 11 * 6 * 1088;
    assert.equal([emission.units, emission.tile, emission.scratchBytes], [22, '6x8', bytes]);
    assert.is(emitted(plain(128, 784, 128), 'baseline').tile, '5x8');
    assert.is(emitted(plain(3, 5, 7), 'relaxed').scratchBytes % 64, 0);
    assert.is(emitted(plain(3, 0, 7), 'relaxed').scratchBytes, 64, 'never 0: it takes a pointer');
  });
});
