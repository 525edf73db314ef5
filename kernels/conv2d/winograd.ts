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
import { eitherOf, emitPreparation } from '../toolkit/wasm/units.js';
import type { Correlation } from './direct.js';
import type { Frame } from './frame.js';
import type { ResultName } from './results.js';
import { f2x3, Transform, type Winograd } from './winogradTransforms.js';

/** Shapes by which a correlation is computed this way or not. The batch is not among them: no result depends on it. */
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

/** The tiles that make results of this height and width, and the image in a frame that has all of the last ones. */
export function tilesOver(
  algorithm: Winograd,
  frame: Frame,
  [height, width]: readonly [number, number, ...unknown[]],
) {
  const { results: m, window } = algorithm;
  const tiles = [Math.ceil(height / m), Math.ceil(width / m)] as const;
  const size = [m * tiles[0] + window - 1, m * tiles[1] + window - 1] as const;
  const side = m + window - 1;
  return { algorithm, m, side, numbers: side * side, tiles, frame: frame.atLeast(size) };
}

/** Their part of explain(). */
export function notesOf(
  name: string,
  { m, tiles, frame, blocks, panels }: Pick<Layout, 'm' | 'tiles' | 'frame' | 'blocks' | 'panels'>,
  options: WasmOptions,
): string[] {
  return [
    `${name} winograd ${m}x${m} ${tallestTile(options)}x${panels.full.width}, ${tiles.join('x')} tiles`,
    ...(blocks.groups > 1 ? [`in ${blocks.groups} blocks`] : []),
    ...frame.note,
  ];
}

/** Sizes and places that all parts agree on. Steps are bytes. */
function layoutOf(correlation: Correlation, options: WasmOptions, algorithm: Winograd) {
  const { results } = correlation;
  const tiling = tilesOver(algorithm, correlation.frame, results.used);
  const { numbers, tiles, frame } = tiling;
  const { channels } = frame;
  const rowBytes = 4 * numbers * tiles[1] * channels;
  const limit = ((options.tuning?.block ?? 1) * mostBlockBytes) / Math.max(1, rowBytes);
  const blocks = new Cut(tiles[0], Math.max(1, Math.floor(limit)));
  const blockTiles = blocks.size * tiles[1];
  const panels = new Panels(results.output[2], options);
  // from one of the t² matrices to the next: of the transformed image, and of a panel of the transformed filter
  const imageStep = oddLines(4 * blockTiles * channels);
  const filterStep = ({ width }: Panel) => oddLines(4 * channels * width);
  const filter = panels.fullCount * filterStep(panels.full) + (panels.rest ? filterStep(panels.rest) : 0);
  const scratch = new Scratch({
    frame: frame.bytes,
    filter: numbers * filter,
    image: numbers * imageStep,
    products: 4 * numbers * blockTiles * panels.full.width,
  });
  return { ...tiling, results, filter: correlation.filter, blocks, panels, imageStep, filterStep, scratch };
}
type Layout = ReturnType<typeof layoutOf>;

/** @param algorithm one whose window is the correlation's; m is even where results are pooled */
export function winogradCode(
  correlation: Correlation,
  options: WasmOptions,
  algorithm: Winograd = f2x3,
): WasmCode {
  const { filter, name, batch, results } = correlation;
  const layout = layoutOf(correlation, options, algorithm);
  const { m, tiles, frame, blocks, panels, numbers } = layout;
  const module = new ModuleBuilder(options);
  const parts = new Parts(module, layout, options);
  const units = tiles[0] * tiles[1] * results.output[2] === 0 ? 0 : batch;
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
          const target = i32.add(at.image, i32.mul(line, 4 * tiles[1] * frame.channels));
          f.call(transformImage(module, layout), source, target);
        });
        panels.forEach(f, (panel, index) => {
          f.call(parts.multiplyBlock(height, panel), at.image, packedAt(index), at.products);
          const place = [at.products, image, row, f.let(i32.mul(index, panels.full.width))] as const;
          f.call(parts.finish(height, panel), ...place, ...results.names.map((name) => p[name]!));
        });
      });
    });
  });
  const notes = [...notesOf(name, layout, options), ...(results.pooled ? ['pooled'] : [])];
  return {
    ...{ bytes: module.bytes(), units, prepares: units > 0, scratchBytes: layout.scratch.bytes },
    algorithm: notes.join(', '),
  };
}

/** A function (source, target) that transforms a row of tiles of the image: channels of a tile side by side. */
export function transformImage(
  module: ModuleBuilder,
  {
    algorithm,
    m,
    frame,
    tiles,
    imageStep,
  }: Pick<Layout, 'algorithm' | 'm' | 'frame' | 'tiles' | 'imageStep'>,
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
      f.increase(p.source, 4 * channels * (m - 1));
    });
  });
}

/** The functions of the kernel. */
class Parts {
  constructor(
    private readonly module: ModuleBuilder,
    private readonly layout: Layout,
    private readonly options: WasmOptions,
  ) {}

  /** A function (source, destination) that transforms the filters of a panel: to [t²][channels][width]. */
  transformFilter(panel: Panel): FunctionHandle {
    const { algorithm, frame, filterStep, filter } = this.layout;
    const { runs, rowStride, columnStride } = filter;
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
  multiplyBlock(height: number, panel: Panel): FunctionHandle {
    const { tiles, frame, numbers, results, imageStep, filterStep } = this.layout;
    const rowStride = 4 * frame.channels;
    const size = { rows: height * tiles[1], columns: results.output[2] };
    const grid = new TileGrid(this.module, size, this.options, {
      name: 'multiply',
      parameters: ['image', 'filter', 'sums'],
      write(f, p, { width, vectors }, size) {
        f.loop(0, numbers, 1, () => {
          const tile = { ...size, segmentLength: frame.channels, rowStride, innerStride: 4 };
          const operands = { a: f.let(p.image), panel: f.let(p.filter) };
          emitGemmTile(f, tile, operands, {
            store: (r, v, sums) => f.store(p.sums, sums, 4 * r * numbers * width + vectors[v]!.at),
          });
          f.increase(p.image, imageStep);
          f.increase(p.filter, filterStep(panel));
          f.increase(p.sums, 4 * width);
        });
      },
    });
    const steps = { image: rowStride, sums: 4 * numbers * panel.width };
    return grid.all(`multiplyBlock_${size.rows}`, panel, steps);
  }

  /** A function (sums, image, row, first, …) that makes results of a block's products and stores them. */
  finish(height: number, panel: Panel): FunctionHandle {
    const { m, numbers, tiles, results } = this.layout;
    const { used, output, stored } = results;
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
        const line = (rows: number) => {
          f.loop(0, Math.floor(used[1] / m), 1, () => tile(rows, m));
          if (used[1] % m > 0) tile(rows, used[1] % m);
        };
        const split = { index: p.row, count: Math.floor(used[0] / m), total: tiles[0] };
        eitherOf(f, split, (isWhole) => line(isWhole ? m : used[0] % m));
        f.increase(p.row, 1);
      });
    });
  }

  /** Gives what stores the results of a tile, of which `size` are asked for, at `element`, their pools at `pooled`. */
  private finishTile(
    f: FunctionBuilder,
    p: Readonly<Record<'sums' | 'first' | ResultName, I32>>,
    panel: Panel,
  ) {
    const { algorithm, m, side, results } = this.layout;
    const [, width, outputs] = results.output;
    const transform = new Transform(algorithm.result);
    const finish = results.beginFinish(f, p);
    const pool = results.pooled ? results.beginPool(f, p) : undefined;
    const column = f.let(i32.mul(p.first, 4));
    return (element: I32, pooled: I32 | undefined, [rows, columns]: readonly [number, number]) => {
      for (const { v, at } of panel.vectors) {
        f.block(() => {
          const finished: V128[] = [];
          transform.byColumns(
            f,
            (r, c) => v128.load(p.sums, 4 * (r * side + c) * panel.width + at),
            (_, value) => finished.push(f.let(value)),
            () => f.fence(p.sums),
          );
          for (const [number, value] of finished.entries()) {
            const [r, c] = [Math.floor(number / m), number % m];
            if (r >= rows || c >= columns) continue;
            const position = panel.position(v, element, column, outputs * (r * width + c));
            const result = finish(value, position);
            if (pool) finished[number] = f.let(result);
            else results.store(f, p.out, result, position);
          }
          if (pool === undefined || pooled === undefined) return;
          for (let r = 0; r < rows; r += 2) {
            for (let c = 0; c < columns; c += 2) {
              const first = r * m + c;
              const pixels = [first, first + 1, first + m, first + m + 1].map((number) => finished[number]!);
              const further = (outputs * (r * results.stored[1] + c)) / 2;
              pool(pixels, panel.position(v, pooled, column, further));
            }
          }
        });
      }
    };
  }
}
