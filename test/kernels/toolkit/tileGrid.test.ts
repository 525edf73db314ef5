import * as assert from 'uvu/assert';
import { Cut, Panels, TileGrid } from '../../../kernels/toolkit/wasm/tileGrid.js';
import { Scratch } from '../../../kernels/toolkit/wasm/units.js';
import {
  type FunctionBuilder,
  type I32,
  i32,
  type KernelRun,
  ModuleBuilder,
} from '../../../src/writers/wasm/assembler.js';
import { suite } from '../../support/suite.js';
import { instantiate } from '../../writers/wasm/harness.js';

/** Notes numbers down behind those that are there; the first word of memory says where. */
function noteIn(f: FunctionBuilder, values: readonly (I32 | number)[]): void {
  const next = f.let(i32.load(0));
  for (const [index, value] of values.entries()) {
    f.store(next, typeof value === 'number' ? i32.const(value) : value, 4 * index);
  }
  f.store(0, i32.add(next, 4 * values.length));
}

/** The numbers that code notes down, each of `width` words. */
function noted(
  width: number,
  code: (
    f: FunctionBuilder,
    note: (...values: (I32 | number)[]) => void,
    module: ModuleBuilder,
    begin: I32,
    end: I32,
  ) => void,
  [begin, end] = [0, 0],
): number[][] {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new ModuleBuilder({ simd: 'baseline', shared: false });
  module.kernel([], (f, p) => {
    code(f, (...values) => noteIn(f, values), module, p.begin, p.end);
  });
  new Int32Array(memory.buffer)[0] = 4;
  (instantiate(module, memory).run as KernelRun)(begin, end);
  const words = new Int32Array(memory.buffer);
  const values = [...words.slice(1, Math.max(4, words[0]!) / 4)];
  return Array.from({ length: values.length / width }, (_, index) =>
    values.slice(index * width, (index + 1) * width),
  );
}

const options = { simd: 'baseline' } as const;

suite('cutting into groups', (test) => {
  test('groups differ by one at most, the larger ones first', () => {
    const { groups, size, tall } = new Cut(0, 6);
    assert.equal([groups, size, tall], [0, 0, 0]);
    for (const [count, expected] of [
      [11, [2, 6, 1]],
      [12, [2, 6, 2]],
      [13, [3, 5, 1]],
    ] as const) {
      const cut = new Cut(count, 6);
      assert.equal([cut.groups, cut.size, cut.tall], expected);
    }
    for (let count = 1; count < 60; count++) {
      for (const largest of [5, 6]) {
        const { groups, size, tall } = new Cut(count, largest);
        assert.is(tall * size + (groups - tall) * (size - 1), count);
        assert.ok(size <= largest && tall >= 1);
      }
    }
  });
  test('a walk covers all once, in order; a single group says where it begins', () => {
    for (const count of [1, 5, 6, 12, 13, 29]) {
      const cut = new Cut(count, 5);
      const walked = noted(2, (f, note) => cut.forEach(f, (size, first) => note(size, first)));
      let next = 0;
      for (const [size, first] of walked) {
        assert.is(first, next);
        next += size!;
      }
      assert.equal([next, walked.length], [count, cut.groups]);
      walked.forEach((expected, group) => {
        const picked = noted(
          2,
          (f, note, _, begin) => cut.pick(f, begin, (size, first) => note(size, first)),
          [group, 0],
        );
        assert.equal(picked, [expected]);
      });
    }
  });
});

suite('panels', (test) => {
  test('have two vectors of columns; a last one has as few as hold what is left', () => {
    const of = (columns: number) => {
      const { fullCount, count, rest, rowBytes } = new Panels(columns, options);
      return [fullCount, count, rest?.columns, rest?.width, rowBytes];
    };
    assert.equal(of(0), [0, 0, undefined, undefined, 0]);
    assert.equal(of(16), [2, 2, undefined, undefined, 64]);
    assert.equal(of(10), [1, 2, 2, 4, 48]);
    assert.equal(of(13), [1, 2, 5, 8, 64]);
    assert.equal(new Panels(13, options).rest?.vectors, [
      { v: 0, at: 0, lanes: 4 },
      { v: 1, at: 16, lanes: 1 },
    ]);
  });
  test('some of them, known at run time, or one', () => {
    const panels = new Panels(27, options);
    const all = [
      [0, 8],
      [1, 8],
      [2, 8],
      [3, 3],
    ];
    for (const [from, to] of [
      [0, 4],
      [1, 3],
      [2, 4],
      [3, 4],
      [2, 2],
    ] as const) {
      const walked = noted(
        2,
        (f, note, _, begin, end) =>
          panels.forEach(f, (panel, index) => note(index, panel.columns), { from: begin, to: end }),
        [from, to],
      );
      assert.equal(walked, all.slice(from, to));
    }
    assert.equal(
      noted(2, (f, note) => panels.forEach(f, (panel, index) => note(index, panel.columns))),
      all,
    );
    for (const [index, columns] of all) {
      const picked = noted(1, (f, note, _, begin) => panels.pick(f, begin, (panel) => note(panel.columns)), [
        index!,
        0,
      ]);
      assert.equal(picked, [[columns!]]);
    }
  });
});

suite('grids of tiles', (test) => {
  test('every element of a result is in one tile, and each size of tile is one function', () => {
    let written = 0;
    const tiles = noted(4, (f, _, module) => {
      const grid = new TileGrid(module, { rows: 13, columns: 19 }, options, {
        name: 'tile',
        parameters: ['row', 'column'],
        write(f, p, panel, { rows }) {
          written++;
          noteIn(f, [rows, panel.columns, p.row, p.column]);
        },
      });
      assert.is(grid.label, '5x8');
      grid.panels.forEach(f, (panel, index) =>
        grid.call(f, panel, { row: i32.const(0), column: index }, { row: 1 }),
      );
    });
    assert.is(written, 4, 'tall and short tiles of full and last panels');
    const covered = tiles.flatMap(([rows, columns, row, index]) =>
      Array.from({ length: rows! * columns! }, (_, element) => {
        const [r, c] = [Math.floor(element / columns!), element % columns!];
        return (row! + r) * 19 + 8 * index! + c;
      }),
    );
    assert.equal(
      covered.sort((a, b) => a - b),
      Array.from({ length: 13 * 19 }, (_, element) => element),
    );
  });
});

suite('scratch areas', (test) => {
  test('parts begin on cache lines, one behind the other', () => {
    const scratch = new Scratch({ first: 1, none: 0, second: 64, third: 65 });
    assert.is(scratch.bytes, 64 + 64 + 128);
    const [addresses] = noted(
      4,
      (f, note, _, begin) => {
        const { first, none, second, third } = scratch.open(f, begin);
        note(first, none, second, third);
      },
      [640, 0],
    );
    assert.equal(addresses, [640, 704, 704, 768]);
  });
  test('an area is never empty: the kernel takes its pointer', () => {
    assert.is(new Scratch({ nothing: 0 }).bytes, 64);
  });
});
