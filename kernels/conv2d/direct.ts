/**
 * Correlation without an im2col copy. Channels are innermost, so a row of a window is one run of memory and a window is
 * `segments` such runs: the tiles of toolkit/wasm/gemm.ts read them in place.
 *
 *     out[n, i, j, o] = Σ_a Σ_t frame[(i·sh + a) · lineLength + j·sw·channels + t] · filter[a · segmentLength + t][o]
 *
 * Before a pool, the tiles of two lines leave one panel of their results in scratch memory, from which they are pooled.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
  select,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { emitGemmTile, isLooped } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { packing } from '../toolkit/wasm/packing.js';
import { type Panel, TileGrid, type TileWork } from '../toolkit/wasm/tileGrid.js';
import { Scratch } from '../toolkit/wasm/units.js';
import { type Correlation, correlationCode } from './correlation.js';
import type { ResultName, Results } from './results.js';

type TileName = 'a' | 'panel' | 'pixel' | 'first' | 'count' | ResultName;

export function directCode(correlation: Correlation, options: WasmOptions): WasmCode {
  const { name, frame, window, strides, filter, results } = correlation;
  const [height, width] = results.stored;
  const [, used] = results.used;
  const module = new ModuleBuilder(options);
  const size = { rows: used, columns: results.output[2] };
  const grid = new TileGrid(module, size, options, tileWork(correlation));
  const { panels } = grid;
  const depth = window[0] * window[1] * frame.channels;
  const scratch = new Scratch({
    frame: frame.bytes,
    band: results.pooled ? 8 * used * panels.full.width : 0,
    filter: depth * panels.rowBytes,
  });
  return correlationCode(module, correlation, {
    ...{ frame, panels, scratch, panelBytes: 4 * depth * panels.full.width },
    notes: [`${name} direct ${grid.label}`],
    pack: (panel) => packFilter(module, filter, panel),
    writeImages(f, p, { image, open, at, packedAt, some }) {
      const base = open(image);
      const writePanel = (panel: Panel, index: I32) => {
        const first = f.let(i32.mul(index, panels.full.width));
        const packed = packedAt(index);
        const lineAt = (line: I32, out: I32, step: number) => {
          const { a, panel: from, count } = firstWindow(f, correlation, panel, { base, packed, line });
          const pixel = f.let(i32.mul(i32.add(i32.mul(image, results.output[0]), line), results.output[1]));
          const values = { ...p, a, panel: from, count, pixel, first, out };
          grid.call(f, panel, values, { a: 4 * strides[1] * frame.channels, pixel: 1, out: step });
        };
        f.loop(0, height, 1, (row) => {
          if (!results.pooled) return lineAt(row, p.out, 0);
          f.loop(0, 2, 1, (half) => {
            const line = f.let(i32.add(i32.mul(row, 2), half));
            const out = f.let(i32.add(at.band, i32.mul(half, 4 * used * panel.width)));
            lineAt(line, out, 4 * panel.width);
          });
          const pools = f.let(i32.mul(i32.add(i32.mul(image, height), row), width));
          const pointers = results.poolNames.map((name) => p[name]!);
          f.call(poolLine(module, results, panel), at.band, pools, first, ...pointers);
        });
      };
      panels.forEach(f, writePanel, some);
    },
  });
}

/**
 * Tells if windows leave out the lines that lie wholly above or below the pixels. A sum of few terms is written out
 * whole, which is faster than leaving some out.
 */
function skipsLines({ frame, window, leavesOutLines }: Correlation): boolean {
  if (!leavesOutLines) return false;
  const [first, last] = frame.filledRows;
  return (first > 0 || last < frame.size[0]) && isLooped(window[0], window[1] * frame.channels);
}

/** Where the first window of a line begins in the frame and in a packed panel, and how many of its lines are summed. */
function firstWindow(
  f: FunctionBuilder,
  correlation: Correlation,
  panel: Panel,
  at: { base: I32; packed: I32; line: I32 },
): { a: I32; panel: I32; count: I32 } {
  const { frame, window, strides } = correlation;
  const top = f.let(i32.mul(at.line, strides[0]));
  const lineBytes = 4 * window[1] * frame.channels * panel.width;
  let [above, count] = [i32.const(0), i32.const(window[0])];
  if (skipsLines(correlation)) {
    const [first, last] = frame.filledRows;
    const notBelowZero = (x: Local<'i32'>) => f.let(select(i32.gtS(x, i32.const(0)), x, i32.const(0)));
    above = notBelowZero(f.let(i32.sub(first, top)));
    const end = f.let(i32.sub(last, top));
    const bounded = select(i32.ltS(end, i32.const(window[0])), end, i32.const(window[0]));
    count = notBelowZero(f.let(i32.sub(bounded, above)));
  }
  const a = f.let(i32.add(at.base, i32.mul(i32.add(top, above), frame.lineBytes)));
  return { a, panel: f.let(i32.add(at.packed, i32.mul(above, lineBytes))), count };
}

/** A function (source, destination) that packs a panel of the filter. */
export function packFilter(
  module: ModuleBuilder,
  { runs, runRows, rowStride, columnStride }: Correlation['filter'],
  panel: Panel,
): FunctionHandle {
  const packRun = packing(module, { k: runRows, panel, rowStride, columnStride });
  return module.once(`packAll_${panel.columns}`, ['source', 'destination'], (f, p) => {
    for (const [index, offset] of runs.entries()) {
      f.call(packRun, i32.add(p.source, offset), i32.add(p.destination, index * runRows * panel.width * 4));
    }
  });
}

/** A tile is pixels of one line of the results: `out` is the output, or where its first stands in the band before a pool. */
function tileWork(correlation: Correlation): TileWork<TileName> {
  const { frame, window, strides, results } = correlation;
  const outputs = results.output[2];
  const counted = skipsLines(correlation) ? (['count'] as const) : [];
  return {
    name: 'tile',
    parameters: ['a', 'panel', 'pixel', 'first', 'out', ...counted, ...results.finishNames],
    write(f, p, panel, size) {
      const element = f.let(i32.mul(i32.add(i32.mul(p.pixel, outputs), p.first), 4));
      const column = f.let(i32.mul(p.first, 4));
      const finish = results.beginFinish(f, p, true);
      const position = (r: number, v: number) => panel.position(v, element, column, r * outputs);
      const tile = {
        ...size,
        segments: window[0],
        segmentLength: window[1] * frame.channels,
        rowStride: 4 * strides[1] * frame.channels,
        segmentStride: frame.lineBytes,
        innerStride: 4,
        ...(counted.length > 0 ? { segmentCount: p.count } : {}),
      };
      emitGemmTile(f, tile, p, {
        finish: (r, v, sum) => finish(sum, position(r, v)),
        store(r, v, value) {
          if (results.pooled) f.store(p.out, value, 4 * r * panel.width + panel.vectors[v]!.at);
          else results.store(f, p.out, value, position(r, v));
        },
      });
    },
  };
}

/** A function that pools the two lines of a panel's results that stand in the band: one row of windows. */
function poolLine(module: ModuleBuilder, results: Results, panel: Panel): FunctionHandle {
  const { used, output } = results;
  return module.once(`pool_${panel.columns}`, ['band', 'window', 'first', ...results.poolNames], (f, p) => {
    const pool = results.beginPool(f, p);
    const element = f.let(i32.mul(i32.add(i32.mul(p.window, output[2]), p.first), 4));
    const column = f.let(i32.mul(p.first, 4));
    f.loop(0, used[1], 2, () => {
      for (const { v, at } of panel.vectors) {
        const pixels = [0, 1, used[1], used[1] + 1].map((pixel) =>
          f.let(v128.load(p.band, 4 * panel.width * pixel + at)),
        );
        pool(pixels, panel.position(v, element, column));
      }
      f.increase(p.band, 8 * panel.width);
      f.increase(element, 4 * output[2]);
    });
  });
}
