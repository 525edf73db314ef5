import * as assert from 'uvu/assert';
import { emitGemmTile, type GemmTile, isLooped } from '../../../kernels/toolkit/wasm/gemm.js';
import { emitPackPanel, type PackedPanel } from '../../../kernels/toolkit/wasm/packing.js';
import { Panel } from '../../../kernels/toolkit/wasm/tileGrid.js';
import { f32x4, i32, type KernelRun, ModuleBuilder } from '../../../src/writers/wasm/assembler.js';
import type { SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import { suite } from '../../support/suite.js';
import { best, exactValues, instantiate } from '../../writers/wasm/harness.js';

const levels: SimdLevel[] = best === 'relaxed' ? ['relaxed', 'baseline'] : ['baseline'];

/** Runs a tile on the bytes of `a` and `panel` and returns its sums, [rows][columns]. */
function runTile(
  tile: GemmTile,
  a: Float32Array,
  panel: Float32Array,
  simd: SimdLevel,
  initial?: number,
  count?: number,
): number[] {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const [aAt, panelAt, outAt] = [1024, 65536, 2 * 65536];
  new Float32Array(memory.buffer, aAt).set(a);
  new Float32Array(memory.buffer, panelAt).set(panel);
  const module = new ModuleBuilder({ simd, shared: false });
  module.kernel(['a', 'panel', 'out'], (f, p) => {
    const counted = count === undefined ? tile : { ...tile, segmentCount: f.let(i32.const(count)) };
    emitGemmTile(f, counted, p, {
      ...(initial === undefined ? {} : { initial: (r, v) => f32x4.const(initial + r + 10 * v) }),
      store: (r, v, sum) => f.store(p.out, sum, 4 * (r * tile.columns + 4 * v)),
    });
  });
  (instantiate(module, memory).run as KernelRun)(aAt, panelAt, outAt, 0, 0);
  return [...new Float32Array(memory.buffer, outAt, tile.rows * tile.columns)];
}

/** tile[r][c] = Σ_s Σ_t A(r, s, t) · panel[s·segmentLength + t][c] */
function tileDefinition(tile: GemmTile, a: Float32Array, panel: Float32Array, initial?: number): number[] {
  const { rows, columns, segments = 1, segmentStride = 0, segmentLength } = tile;
  const step = (tile.panelStride ?? 4 * columns) / 4;
  return Array.from({ length: rows * columns }, (_, index) => {
    const [r, c] = [Math.floor(index / columns), index % columns];
    let sum = initial === undefined ? 0 : initial + r + 10 * Math.floor(c / 4);
    for (let s = 0; s < segments; s++) {
      for (let t = 0; t < segmentLength; t++) {
        const at = (r * tile.rowStride + s * segmentStride + t * tile.innerStride) / 4;
        sum += a[at]! * panel[(s * segmentLength + t) * step + c]!;
      }
    }
    return sum;
  });
}

suite('gemm: tiles', (test) => {
  const a = exactValues(4096, 1);
  const panel = exactValues(4096, 2);
  for (const simd of levels) {
    test(`every size of tile sums every length of segment: ${simd}`, () => {
      for (let rows = 1; rows <= 6; rows++) {
        for (const columns of [4, 8] as const) {
          for (const [segments, segmentLength] of [
            [1, 0],
            [1, 1],
            [1, 4],
            [1, 16],
            [1, 17],
            [1, 39],
            [3, 3],
            [3, 5],
            [5, 4],
            [4, 7],
            [3, 12],
          ] as const) {
            const tile = {
              rows,
              columns,
              segments,
              segmentLength,
              rowStride: 8,
              segmentStride: 400,
              innerStride: 4,
            };
            const message = `${rows}x${columns}, ${segments} segments of ${segmentLength}`;
            assert.equal(runTile(tile, a, panel, simd), tileDefinition(tile, a, panel), message);
          }
        }
      }
    });
    test(`any strides, a panel read in place, sums that start somewhere: ${simd}`, () => {
      const tiles: GemmTile[] = [
        {
          rows: 6,
          columns: 8,
          segments: 1,
          segmentLength: 30,
          rowStride: 4,
          innerStride: 96,
        },
        {
          rows: 5,
          columns: 8,
          segments: 4,
          segmentLength: 6,
          rowStride: 0,
          segmentStride: 12,
          innerStride: 8,
        },
        {
          rows: 6,
          columns: 8,
          segments: 2,
          segmentLength: 21,
          rowStride: 4,
          segmentStride: 96,
          innerStride: 24,
          panelStride: 52,
        },
        {
          rows: 3,
          columns: 4,
          segments: 3,
          segmentLength: 5,
          rowStride: 16,
          segmentStride: 44,
          innerStride: 4,
          panelStride: 28,
        },
      ];
      for (const tile of tiles) {
        assert.equal(runTile(tile, a, panel, simd), tileDefinition(tile, a, panel));
        assert.equal(runTile(tile, a, panel, simd, 7), tileDefinition(tile, a, panel, 7));
      }
    });
    test(`the number of segments may be known only at run time: ${simd}`, () => {
      const tile = {
        ...{ rows: 6, columns: 8, segments: 5, segmentLength: 7 },
        ...{ rowStride: 8, segmentStride: 100, innerStride: 4 },
      };
      assert.ok(isLooped(tile.segments, tile.segmentLength));
      for (const count of [0, 1, 4]) {
        const expected = tileDefinition({ ...tile, segments: count }, a, panel);
        assert.equal(runTile(tile, a, panel, simd, undefined, count), expected);
      }
    });
    test(`a sum has the same bits in every size of tile: ${simd}`, () => {
      const values = Float32Array.from({ length: 4096 }, (_, index) =>
        Math.fround(((index * 7919) % 1009) / 337 - 1.5),
      );
      const tile = { segments: 3, segmentLength: 41, rowStride: 164, segmentStride: 2000, innerStride: 4 };
      const whole = runTile({ ...tile, rows: 6, columns: 8 }, values, values, simd);
      for (let rows = 1; rows < 6; rows++) {
        assert.equal(runTile({ ...tile, rows, columns: 8 }, values, values, simd), whole.slice(0, rows * 8));
      }
      const narrow = runTile({ ...tile, rows: 6, columns: 4, panelStride: 32 }, values, values, simd);
      assert.equal(
        narrow,
        whole.filter((_, index) => index % 8 < 4),
      );
    });
  }
  test('negative strides walk backwards', () => {
    const tile: GemmTile = {
      rows: 3,
      columns: 8,
      segments: 2,
      segmentLength: 6,
      rowStride: -4,
      segmentStride: -80,
      innerStride: -8,
    };
    const reversed = exactValues(256, 3);
    const start = reversed.length - 1;
    const memory = new WebAssembly.Memory({ initial: 1 });
    new Float32Array(memory.buffer, 4, 256).set(reversed);
    new Float32Array(memory.buffer, 2048, 12 * 8).set(panel.slice(0, 96));
    const module = new ModuleBuilder({ simd: best, shared: false });
    module.kernel(['a', 'panel', 'out'], (f, p) =>
      emitGemmTile(f, tile, p, { store: (r, v, sum) => f.store(p.out, sum, 4 * (8 * r + 4 * v)) }),
    );
    (instantiate(module, memory).run as KernelRun)(4 + 4 * start, 2048, 8192, 0, 0);
    const forwards = { ...tile, rowStride: 4, segmentStride: 80, innerStride: 8 };
    const expected = tileDefinition(forwards, reversed.slice().reverse(), panel);
    assert.equal([...new Float32Array(memory.buffer, 8192, 24)], expected);
  });
});

suite('gemm: packing', (test) => {
  function pack(panel: PackedPanel, values: Float32Array, start: number): number[] {
    const memory = new WebAssembly.Memory({ initial: 1 });
    new Float32Array(memory.buffer, 16).set(values);
    new Float32Array(memory.buffer, 32768).fill(Number.NaN);
    const module = new ModuleBuilder({ simd: best, shared: false });
    module.kernel(['source', 'destination'], (f, p) => emitPackPanel(f, panel, p));
    (instantiate(module, memory).run as KernelRun)(16 + 4 * start, 32768, 0, 0);
    const packed = new Float32Array(memory.buffer, 32768, panel.k * panel.panel.width + 4);
    assert.ok(packed.slice(-4).every(Number.isNaN), 'writes nothing beyond the panel');
    return [...packed.slice(0, -4)];
  }
  test('adjacent columns, adjacent rows, neither, backwards; missing columns are zero', () => {
    const values = Float32Array.from({ length: 2000 }, (_, index) => index + 1);
    for (const k of [0, 1, 3, 4, 5, 8, 11]) {
      for (let columns = 1; columns <= 8; columns++) {
        const width = columns <= 4 ? 4 : 8;
        for (const [rowStride, columnStride, start] of [
          [17, 1, 0],
          [1, 19, 0],
          [1, 1, 0],
          [2, 23, 0],
          [31, 3, 0],
          [0, 1, 0],
          [-9, -1, 1500],
          [1, -90, 1500],
          [-1, 90, 20],
        ] as const) {
          const packed = pack(
            { k, panel: new Panel(columns, 4), rowStride: 4 * rowStride, columnStride: 4 * columnStride },
            values,
            start,
          );
          const expected = Array.from({ length: k * width }, (_, index) => {
            const [row, column] = [Math.floor(index / width), index % width];
            return column < columns ? values[start + row * rowStride + column * columnStride]! : 0;
          });
          assert.equal(
            packed,
            expected,
            `${k} rows ${rowStride} apart, ${columns} columns ${columnStride} apart`,
          );
        }
      }
    }
  });
  test('reads nothing beyond its source', () => {
    // The source ends where the memory ends: a read beyond it would trap.
    for (const [rowStride, columnStride] of [
      [7, 1],
      [1, 9],
      [2, 19],
    ] as const) {
      const [k, columns] = [9, 7];
      const last = (k - 1) * rowStride + (columns - 1) * columnStride;
      const memory = new WebAssembly.Memory({ initial: 1 });
      const module = new ModuleBuilder({ simd: best, shared: false });
      module.kernel(['source', 'destination'], (f, p) =>
        emitPackPanel(
          f,
          { k, panel: new Panel(columns, 4), rowStride: 4 * rowStride, columnStride: 4 * columnStride },
          p,
        ),
      );
      new Float32Array(memory.buffer)[65536 / 4 - 1] = 5;
      (instantiate(module, memory).run as KernelRun)(65536 - 4 * (last + 1), 1024, 0, 0);
      assert.is(new Float32Array(memory.buffer, 1024)[(k - 1) * 8 + columns - 1], 5);
    }
  });
});
