/**
 * Correlation by Winograd's algorithms (winogradTransforms.ts). The image is cut into tiles of t x t, m apart, each of
 * which gives m x m results; for each of the t² numbers k of a tile:
 *
 *     M[k][tile, o] = Σ_c V[k][tile, c] · U[k][c, o]
 *
 * matrix products of [tiles, channels] by [channels, out]. Filters are transformed once a call; the tiles of a block of an
 * image are transformed together, then one panel of outputs after the other is multiplied, transformed back and stored
 * (or pooled: 2x2 pools take the results of a tile from registers).
 *
 * Tiles lie where the shapes put them, so bits depend on nothing but operands and shapes. How accurate it is:
 * docs/decisions/0005-winograd-by-shape.md.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  ModuleBuilder,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { emitGemmTile, tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { loadStrided } from '../toolkit/wasm/packing.js';
import { oddLines, Scratch } from '../toolkit/wasm/scratch.js';
import { Cut, type Panel, Panels, TileGrid } from '../toolkit/wasm/tileGrid.js';
import { emitPreparation } from '../toolkit/wasm/units.js';
import type { Correlation } from './direct.js';
import { Frame } from './frame.js';
import type { ResultName, Results } from './results.js';
import { f2x3, Transform, type Winograd } from './winogradTransforms.js';

/** What decides whether a correlation is computed this way: shapes, but for the batch, which no result depends on. */
export interface WinogradShape {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Whether the pixels of the image stand apart in a frame of zeros; see Frame. */
  readonly frame: Pick<Frame, 'steps' | 'channels'>;
  /** Height, width and channels of the results. */
  readonly output: readonly [number, number, number];
}

/**
 * F(2x2, 3x3) for windows of 3x3 that move by 1, from 8 channels to 8 at least (the transforms cost more than they save
 * below), on at least 4x4 results (tiles would be mostly border). It decides bits: whoever changes it gives the numerics
 * of the backend a new version (src/core/numerics.ts).
 */
export function usesWinograd({ window, strides, frame, output }: WinogradShape): boolean {
  const [height, width, outputs] = output;
  return (
    window.every((size) => size === 3) &&
    [...strides, ...frame.steps].every((step) => step === 1) &&
    Math.min(frame.channels, outputs) >= 8 &&
    Math.min(height, width) >= 4
  );
}

/** Most bytes of transformed image at a time: with the filters it should stay in the second-level cache. */
const mostBlockBytes = 128 * 1024;

/** Sizes and places that all parts agree on. Steps are bytes. */
function layoutOf(
  { frame: given, output }: Correlation,
  results: Results,
  options: WasmOptions,
  algorithm: Winograd,
) {
  const { results: m, window } = algorithm;
  const side = m + window - 1;
  const numbers = side * side;
  // rows and columns of results that are asked for, of tiles over them, and the border that the last ones need
  const used = results.used(output);
  const tiles = [Math.ceil(used[0] / m), Math.ceil(used[1] / m)] as const;
  const least = (axis: 0 | 1) => Math.max(given.size[axis], m * tiles[axis] + window - 1);
  const frame = new Frame(given.image, [least(0), least(1)], given.place);
  const rowBytes = 4 * numbers * tiles[1] * given.channels;
  const limit = ((options.tuning?.block ?? 1) * mostBlockBytes) / Math.max(1, rowBytes);
  const blocks = new Cut(tiles[0], Math.max(1, Math.floor(limit)));
  const blockTiles = blocks.size * tiles[1];
  const panels = new Panels(output[2], options);
  // from one of the t² matrices to the next: of the transformed image, and of a panel of the transformed filter
  const imageStep = oddLines(4 * blockTiles * given.channels);
  const filterStep = ({ width }: Panel) => oddLines(4 * given.channels * width);
  const filter = panels.fullCount * filterStep(panels.full) + (panels.rest ? filterStep(panels.rest) : 0);
  const scratch = new Scratch({
    frame: frame.bytes,
    filter: numbers * filter,
    image: numbers * imageStep,
    products: 4 * numbers * blockTiles * panels.full.width,
  });
  return { algorithm, side, numbers, frame, used, tiles, blocks, panels, imageStep, filterStep, scratch };
}
type Layout = ReturnType<typeof layoutOf>;

/** @param algorithm one whose window is the correlation's; m is even where results are pooled */
export function winogradCode(
  correlation: Correlation,
  results: Results,
  options: WasmOptions,
  algorithm: Winograd = f2x3,
): WasmCode {
  const layout = layoutOf(correlation, results, options, algorithm);
  const { tiles, frame, blocks, panels, numbers } = layout;
  const { filter, name, batch } = correlation;
  const m = algorithm.results;
  const module = new ModuleBuilder(options);
  const parts = new Parts(module, correlation, layout, results);
  const units = tiles[0] * tiles[1] * correlation.output[2] === 0 ? 0 : batch;
  module.kernel(['image', 'filter', ...results.names, 'scratch'], (f, p) => {
    if (units === 0) return;
    const at = layout.scratch.open(f, p.scratch);
    const packedAt = (index: I32) =>
      f.let(i32.add(at.filter, i32.mul(index, numbers * layout.filterStep(panels.full))));
    emitPreparation(f, p.begin, () => {
      frame.clear(f, at.frame);
      panels.forEach(f, (panel, index) => {
        const first = i32.mul(index, panels.full.width * filter.columnStride);
        f.call(parts.transformFilter(panel), i32.add(p.filter, first), packedAt(index));
      });
    });
    f.loop(p.begin, p.end, 1, (image) => {
      const base = frame.open(f, p.image, image, at.frame);
      blocks.forEach(f, (height, row) => {
        f.loop(0, height, 1, (line) => {
          const source = i32.add(base, i32.mul(i32.add(row, line), m * frame.lineBytes));
          f.call(
            transformImage(module, layout),
            source,
            i32.add(at.image, i32.mul(line, 4 * tiles[1] * frame.channels)),
          );
        });
        panels.forEach(f, (panel, index) => {
          f.call(parts.multiplyBlock(height, panel, options), at.image, packedAt(index), at.products);
          const first = f.let(i32.mul(index, panels.full.width));
          f.call(
            parts.finish(height, panel),
            at.products,
            image,
            row,
            first,
            ...results.names.map((name) => p[name]!),
          );
        });
      });
    });
  });
  const notes = [
    `${name} winograd ${m}x${m} ${tallestTile(options)}x${panels.full.width}, ${tiles.join('x')} tiles`,
    ...(blocks.groups > 1 ? [`in ${blocks.groups} blocks`] : []),
    ...frame.note,
    ...(results.pooled ? ['pooled'] : []),
  ];
  return {
    ...{ bytes: module.bytes(), units, prepares: units > 0, scratchBytes: layout.scratch.bytes },
    algorithm: notes.join(', '),
  };
}

/** A function (source, target) that transforms a row of tiles of the image: channels of a tile side by side. */
export function transformImage(
  module: ModuleBuilder,
  { algorithm, frame, tiles, imageStep }: Pick<Layout, 'algorithm' | 'frame' | 'tiles' | 'imageStep'>,
): FunctionHandle {
  const { channels, lineBytes } = frame;
  const transform = new Transform(algorithm.image);
  return module.once('transformImage', ['source', 'target'], (f, p) => {
    const whole = channels - (channels % f.lanes);
    const vector = (lanes: number) => {
      f.block(() =>
        transform.byRows(
          f,
          (row, column) => v128.loadLanes(p.source, lanes, row * lineBytes + column * channels * 4),
          (number, value) => f.storeLanes(p.target, value, lanes, number * imageStep),
          () => f.fence(p.target),
        ),
      );
      f.increase(p.source, 4 * lanes);
      f.increase(p.target, 4 * lanes);
    };
    f.loop(0, tiles[1], 1, () => {
      f.loop(0, whole, f.lanes, () => vector(f.lanes));
      if (channels > whole) vector(channels - whole);
      f.increase(p.source, 4 * channels * (algorithm.results - 1));
    });
  });
}

/** The functions of the kernel. */
class Parts {
  constructor(
    private readonly module: ModuleBuilder,
    private readonly correlation: Correlation,
    private readonly layout: Layout,
    private readonly results: Results,
  ) {}

  /** A function (source, destination) that transforms the filters of a panel: to [t²][channels][width]. */
  transformFilter(panel: Panel): FunctionHandle {
    const { algorithm, frame, filterStep } = this.layout;
    const { runs, rowStride, columnStride } = this.correlation.filter;
    const transform = new Transform(algorithm.filter);
    const tapOffset = (tap: number) => (runs.length === 1 ? tap * frame.channels * rowStride : runs[tap]!);
    return this.module.once(`transformFilter_${panel.columns}`, ['source', 'destination'], (f, p) => {
      f.loop(0, frame.channels, 1, () => {
        for (const { at, lanes } of panel.vectors) {
          transform.byColumns(
            f,
            (row, column) => {
              const offset = tapOffset(algorithm.window * row + column) + (at / 4) * columnStride;
              return loadStrided(p.source, lanes, columnStride, offset);
            },
            (number, value) => f.store(p.destination, value, number * filterStep(panel) + at),
          );
        }
        f.increase(p.source, rowStride);
        f.increase(p.destination, 4 * panel.width);
      });
    });
  }

  /** A function (image, filter, sums) that multiplies `height` rows of tiles by a panel: to [tiles][t²][width]. */
  multiplyBlock(height: number, panel: Panel, options: WasmOptions): FunctionHandle {
    const { tiles, frame, numbers, imageStep, filterStep } = this.layout;
    const { channels } = frame;
    const size = { rows: height * tiles[1], columns: this.correlation.output[2] };
    const grid = new TileGrid(this.module, size, options, {
      name: 'multiply',
      parameters: ['image', 'filter', 'sums'],
      write(f, p, rows, { width, vectors }) {
        f.loop(0, numbers, 1, () => {
          const tile = {
            ...{ rows, columns: width, segments: 1, segmentLength: channels, wide: options.wide ?? false },
            ...{ rowStride: 4 * channels, segmentStride: 0, innerStride: 4 },
          };
          emitGemmTile(
            f,
            tile,
            { a: f.let(p.image), panel: f.let(p.filter) },
            { store: (r, v, sums) => f.store(p.sums, sums, 4 * r * numbers * width + vectors[v]!.at) },
          );
          f.increase(p.image, imageStep);
          f.increase(p.filter, filterStep(panel));
          f.increase(p.sums, 4 * width);
        });
      },
    });
    return this.module.once(
      `multiplyBlock_${size.rows}x${panel.columns}`,
      ['image', 'filter', 'sums'],
      (f, p) =>
        grid.forEachTile(f, panel, (tile, row) => {
          const sums = i32.add(p.sums, i32.mul(row, 4 * numbers * panel.width));
          f.call(tile, i32.add(p.image, i32.mul(row, 4 * channels)), p.filter, sums);
        }),
    );
  }

  /** A function (sums, image, row, first, …) that makes results of a block's products and stores them. */
  finish(height: number, panel: Panel): FunctionHandle {
    const {
      correlation: { output },
      layout,
      results,
    } = this;
    const { used, numbers, algorithm } = layout;
    const m = algorithm.results;
    const stored = results.grid(output);
    const names = ['sums', 'image', 'row', 'first', ...results.names] as const;
    return this.module.once(`finish_${height}x${panel.columns}`, names, (f, p) => {
      const write = this.finishTile(f, p, panel);
      /** Of the first element of a row of this image, in an output of this size. */
      const elementAt = (row: I32, [rows, columns]: readonly [number, number, ...unknown[]]) => {
        const line = i32.mul(i32.add(i32.mul(p.image, rows), row), columns * output[2]);
        return f.let(i32.mul(i32.add(line, p.first), 4));
      };
      f.loop(0, height, 1, () => {
        const element = elementAt(i32.mul(p.row, m), output);
        const pooled = results.pooled ? elementAt(i32.mul(p.row, m / 2), stored) : undefined;
        const tile = (rows: number, columns: number) => {
          write(element, pooled, [rows, columns]);
          f.increase(p.sums, 4 * numbers * panel.width);
          f.increase(element, 4 * m * output[2]);
          if (pooled) f.increase(pooled, 4 * (m / 2) * output[2]);
        };
        const whole = used.map((size) => Math.floor(size / m)) as [number, number];
        const line = (rows: number) => {
          f.loop(0, whole[1], 1, () => tile(rows, m));
          if (used[1] % m > 0) tile(rows, used[1] % m);
        };
        if (used[0] % m === 0) line(m);
        else
          f.if(
            i32.ltU(p.row, i32.const(whole[0])),
            () => line(m),
            () => line(used[0] % m),
          );
        f.increase(p.row, 1);
      });
    });
  }

  /** What stores the results of one tile, of which `size` are asked for, at `element`; their pools at `pooled`. */
  private finishTile(
    f: FunctionBuilder,
    p: Readonly<Record<'sums' | 'first' | ResultName, I32>>,
    panel: Panel,
  ) {
    const {
      correlation: { output },
      layout: { algorithm, side },
      results,
    } = this;
    const m = algorithm.results;
    const [, width, outputs] = output;
    const [, pools] = results.grid(output);
    const transform = new Transform(algorithm.result);
    const finish = results.beginFinish(f, p);
    const pool = results.pooled ? results.beginPool(f, p) : undefined;
    const column = f.let(i32.mul(p.first, 4));
    return (element: I32, pooled: I32 | undefined, [rows, columns]: readonly [number, number]) => {
      for (const { v, at } of panel.vectors) {
        f.block(() => {
          const values: V128[] = [];
          transform.byColumns(
            f,
            (r, c) => v128.load(p.sums, 4 * (r * side + c) * panel.width + at),
            (_, value) => values.push(f.let(value)),
            () => f.fence(p.sums),
          );
          const finished = values.map((value, number) => {
            const [r, c] = [Math.floor(number / m), number % m];
            if (r >= rows || c >= columns) return value;
            const position = panel.position(v, element, column, outputs * (r * width + c));
            const result = finish(value, position);
            if (pool) return f.let(result);
            results.store(f, p.out, result, position);
            return result;
          });
          if (pool === undefined || pooled === undefined) return;
          for (let r = 0; r < rows; r += 2) {
            for (let c = 0; c < columns; c += 2) {
              const first = r * m + c;
              const pixels = [first, first + 1, first + m, first + m + 1].map((number) => finished[number]!);
              pool(pixels, panel.position(v, pooled, column, (outputs * (r * pools + c)) / 2));
            }
          }
        });
      }
    };
  }
}
