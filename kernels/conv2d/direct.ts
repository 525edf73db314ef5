/**
 * Correlation without an im2col copy. Channels are innermost, so a row of a window is one run of memory and a window is
 * `segments` such runs: the tiles of shared/gemm.ts read them in place.
 *
 *     out[n, i, j, o] = Σ_a Σ_t frame[(i·sh + a) · lineLength + j·sw·channels + t] · filter[a · segmentLength + t][o]
 *
 * Before a pool, the tiles of two lines leave one panel of their results in scratch memory, whence they are pooled.
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
import type { EpiloguePosition } from '../toolkit/wasm/epilogue.js';
import { cutRows, emitGemmTile, isLooped, panelColumns, tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { emitPackPanel, packedBytes } from '../toolkit/wasm/packing.js';
import { emitPreparation } from '../toolkit/wasm/units.js';
import type { Correlation } from './correlation.js';
import { emitClearFrame, emitFillFrame, type Frame, filledRows, frameBytes, isPlain } from './image.js';
import { forEachPanel, makePanels } from './panels.js';
import type { Pointers, Results } from './results.js';

interface Panel {
  readonly width: 4 | 8;
  readonly pack: FunctionHandle;
  /** One function for each height of tile. */
  readonly tiles: readonly FunctionHandle[];
  /** Pools a row of windows. */
  readonly pool: FunctionHandle | undefined;
}

/** Columns of a line of results that somebody asks for. */
function usedColumns({ output }: Correlation, results: Results): number {
  return results.grid(output)[1] * (results.pooled ? 2 : 1);
}

/** Bytes of two lines of a panel's results. */
function bandBytes(correlation: Correlation, results: Results): number {
  return results.pooled ? Math.ceil((8 * usedColumns(correlation, results) * panelColumns) / 64) * 64 : 0;
}

export function directCode(correlation: Correlation, results: Results, options: WasmOptions): WasmCode {
  const { name, batch, frame, output, window } = correlation;
  const outputs = output[2];
  const [height, width] = results.grid(output);
  const depth = window[0] * window[1] * frame.channels;
  const module = new ModuleBuilder(options);
  const names = ['image', 'filter', ...results.names, 'scratch'];
  const units = height * width * outputs === 0 ? 0 : batch;
  const cut = cutRows(usedColumns(correlation, results), tallestTile(options));
  if (units === 0) module.kernel(names, () => {});
  else emitKernel(module, correlation, results, names, options);
  const packed = Math.ceil(packedBytes(depth, outputs) / 64) * 64;
  const parts = [isPlain(frame) ? '' : ', framed image', results.pooled ? ', pooled' : ''];
  return {
    bytes: module.bytes(),
    units,
    prepares: units > 0,
    scratchBytes: frameBytes(frame) + bandBytes(correlation, results) + packed + 64,
    algorithm: `${name} direct ${cut.rows}x${panelColumns}${parts.join('')}`,
  };
}

function emitKernel(
  module: ModuleBuilder,
  correlation: Correlation,
  results: Results,
  names: readonly string[],
  options: WasmOptions,
): void {
  const { frame, output, window, strides, filter } = correlation;
  const { wide = false } = options;
  const [height, width, outputs] = output;
  const [storedRows, storedColumns] = results.grid(output);
  const depth = window[0] * window[1] * frame.channels;
  const used = usedColumns(correlation, results);
  const cut = cutRows(used, tallestTile(options));
  const heights = cut.tall < cut.tiles ? [cut.rows, cut.rows - 1] : [cut.rows];
  const panels = makePanels(
    outputs,
    (columns, panelWidth): Panel => ({
      width: panelWidth,
      pack: emitPack(module, filter, columns, panelWidth),
      tiles: heights.map((rows) => emitTile(module, correlation, results, rows, columns, panelWidth, wide)),
      pool: results.pooled ? emitPool(module, correlation, results, columns, panelWidth) : undefined,
    }),
  );
  const plain = isPlain(frame);
  const skips = skipsLines(correlation);
  const line = frame.frameWidth * frame.channels * 4;

  module.kernel(names, (f, parameters) => {
    const p = parameters as Pointers;
    const band = f.let(i32.add(p.scratch!, frameBytes(frame)));
    const packed = {
      packed: f.let(i32.add(band, bandBytes(correlation, results))),
      bytes: 4 * depth * panelColumns,
    };
    emitPreparation(f, p.begin!, () => {
      if (!plain) emitClearFrame(f, frame, p.scratch!);
      forEachPanel(f, outputs, panels, packed, ({ pack }, first, at) => {
        const source = i32.add(p.filter!, i32.mul(first, filter.columnStride));
        f.call(pack, source, at);
      });
    });
    f.loop(p.begin!, p.end!, 1, (image) => {
      const pixels = f.let(
        i32.add(p.image!, i32.mul(image, 4 * frame.height * frame.width * frame.channels)),
      );
      if (!plain) emitFillFrame(f, frame, pixels, p.scratch!);
      const base = plain ? pixels : p.scratch!;
      forEachPanel(f, outputs, panels, packed, ({ tiles, width: panelWidth, pool }, first, at) => {
        // one line of results; `target` is where its tiles store, `step` bytes from pixel to pixel
        const emitLine = (row: I32, target: I32, step: number) => {
          const top = f.let(i32.mul(row, strides[0]));
          const { above, count } = skips
            ? filledLines(f, frame, window[0], top)
            : { above: i32.const(0), count: undefined };
          const a = f.let(i32.add(base, i32.mul(i32.add(top, above), line)));
          const b = f.let(i32.add(at, i32.mul(above, 4 * window[1] * frame.channels * panelWidth)));
          const pixel = f.let(i32.mul(i32.add(i32.mul(image, height), row), width));
          const rest = [...(count ? [count] : []), ...results.finishNames.map((name) => p[name]!)];
          const run = (tileCount: number, from: number, handle: FunctionHandle, rows: number) => {
            f.loop(0, tileCount, 1, (tile) => {
              const column = f.let(i32.add(i32.mul(tile, rows), from));
              const start = i32.add(a, i32.mul(column, 4 * strides[1] * frame.channels));
              const to = i32.add(target, i32.mul(column, step));
              f.call(handle, start, b, i32.add(pixel, column), first, to, ...rest);
            });
          };
          run(cut.tall, 0, tiles[0]!, cut.rows);
          if (heights.length > 1) run(cut.tiles - cut.tall, cut.tall * cut.rows, tiles[1]!, cut.rows - 1);
        };
        f.loop(0, storedRows, 1, (row) => {
          if (pool === undefined) {
            emitLine(row, p.out!, 0);
            return;
          }
          const bandRow = 4 * used * panelWidth;
          f.loop(0, 2, 1, (half) => {
            const upper = f.let(i32.add(i32.mul(row, 2), half));
            emitLine(upper, f.let(i32.add(band, i32.mul(half, bandRow))), 4 * panelWidth);
          });
          const window = f.let(i32.mul(i32.add(i32.mul(image, storedRows), row), storedColumns));
          f.call(pool, band, window, first, ...results.poolNames.map((name) => p[name]!));
        });
      });
    });
  });
}

/**
 * Whether windows leave out the lines that lie wholly above or below the pixels. A sum of few terms is written out
 * whole, which is faster than leaving some out.
 */
function skipsLines({ frame, window }: Correlation): boolean {
  const [first, last] = filledRows(frame);
  return (first > 0 || last < frame.frameHeight) && isLooped(window[0], window[1] * frame.channels);
}

/** For the window whose first line is `top`: how many of its lines lie above all pixels, and how many among them. */
function filledLines(
  f: FunctionBuilder,
  frame: Frame,
  lines: number,
  top: I32,
): { above: Local<'i32'>; count: Local<'i32'> } {
  const [first, last] = filledRows(frame);
  const smaller = (x: I32, y: number) => select(i32.ltS(x, i32.const(y)), x, i32.const(y));
  const notBelowZero = (x: Local<'i32'>) => select(i32.gtS(x, i32.const(0)), x, i32.const(0));
  const above = f.let(notBelowZero(f.let(i32.sub(first, top))));
  const end = smaller(f.let(i32.sub(last, top)), lines);
  return { above, count: f.let(notBelowZero(f.let(i32.sub(end, above)))) };
}

function emitPack(
  module: ModuleBuilder,
  { blocks, blockRows, rowStride, columnStride }: Correlation['filter'],
  columns: number,
  width: 4 | 8,
): FunctionHandle {
  const packBlock = module.function(
    `pack_${blockRows}x${columns}`,
    { source: 'i32', destination: 'i32' } as const,
    (f, p) => emitPackPanel(f, { k: blockRows, columns, width, rowStride, columnStride }, p),
  );
  return module.function(`packAll_${columns}`, { source: 'i32', destination: 'i32' } as const, (f, p) => {
    blocks.forEach(({ offset }, index) => {
      f.call(packBlock, i32.add(p.source, offset), i32.add(p.destination, index * blockRows * width * 4));
    });
  });
}

/**
 * A function that computes one tile: pixels of one line of the results, columns of one panel. `out` is the output, or
 * where the first pixel of the tile stands in the band before a pool.
 */
function emitTile(
  module: ModuleBuilder,
  correlation: Correlation,
  results: Results,
  rows: number,
  columns: number,
  width: 4 | 8,
  wide: boolean,
): FunctionHandle {
  const { frame, output, window, strides } = correlation;
  const outputs = output[2];
  const skips = skipsLines(correlation);
  const parameters = Object.fromEntries(
    ['a', 'panel', 'pixel', 'first', 'out', ...(skips ? ['count'] : []), ...results.finishNames].map(
      (name) => [name, 'i32' as const],
    ),
  );
  return module.function(`tile_${rows}x${columns}`, parameters, (f: FunctionBuilder, p) => {
    const element = f.let(i32.mul(i32.add(i32.mul(p.pixel!, outputs), p.first!), 4));
    const column = f.let(i32.mul(p.first!, 4));
    const finish = results.beginFinish(f, p, true);
    const position = (r: number, v: number): EpiloguePosition => ({
      element: { base: element, constant: 4 * r * outputs + 16 * v },
      column: { base: column, constant: 16 * v },
      lanes: Math.min(4, columns - 4 * v),
    });
    const tile = {
      rows,
      columns: width,
      segments: window[0],
      segmentLength: window[1] * frame.channels,
      rowStride: 4 * strides[1] * frame.channels,
      segmentStride: 4 * frame.frameWidth * frame.channels,
      innerStride: 4,
      wide,
      ...(skips ? { segmentCount: p.count! } : {}),
    };
    emitGemmTile(
      f,
      tile,
      { a: p.a!, panel: p.panel! },
      {
        finish: (r, v, sum) => finish(sum, position(r, v)),
        store(r, v, value) {
          if (results.pooled) f.store(p.out!, value, 4 * r * width + 16 * v);
          else results.store(f, p, value, position(r, v));
        },
      },
    );
  });
}

/** A function that pools the two lines of a panel's results that stand in the band: one row of windows. */
function emitPool(
  module: ModuleBuilder,
  correlation: Correlation,
  results: Results,
  columns: number,
  width: 4 | 8,
): FunctionHandle {
  const outputs = correlation.output[2];
  const used = usedColumns(correlation, results);
  const parameters = Object.fromEntries(
    ['band', 'window', 'first', ...results.poolNames].map((name) => [name, 'i32' as const]),
  );
  return module.function(`pool_${columns}`, parameters, (f, p) => {
    const pool = results.beginPool(f, p);
    const element = f.let(i32.mul(i32.add(i32.mul(p.window!, outputs), p.first!), 4));
    const column = f.let(i32.mul(p.first!, 4));
    f.loop(0, used, 2, () => {
      for (let v = 0; 4 * v < columns; v++) {
        const pixels = [0, 1, used, used + 1].map((pixel) =>
          f.let(v128.load(p.band!, 4 * width * pixel + 16 * v)),
        );
        pool(pixels, {
          element: { base: element, constant: 16 * v },
          column: { base: column, constant: 16 * v },
          lanes: Math.min(4, columns - 4 * v),
        });
      }
      f.increase(p.band!, 8 * width);
      f.increase(element, 4 * outputs);
    });
  });
}
