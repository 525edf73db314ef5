/**
 * Correlation by Winograd's algorithms (winogradTransforms.ts). The image is cut into tiles of t x t, m apart, each of
 * which gives m x m results; for each of the t² numbers k of a tile:
 *
 *     M[k][tile, o] = Σ_c V[k][tile, c] · U[k][c, o]
 *
 * matrix products of [tiles, channels] by [channels, out]. Filters are transformed once a call; the tiles of a block (of an
 * image, or of some small ones) are transformed together, then one panel of outputs after the other is multiplied, transformed back and stored
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
import { Cut, eachVector, type Panel, Panels, TileGrid } from '../toolkit/wasm/tileGrid.js';
import { eitherOf, oddLines, Scratch } from '../toolkit/wasm/units.js';
import { type Correlation, correlationCode } from './correlation.js';
import type { Frame } from './frame.js';
import type { ResultName } from './results.js';
import { forEachRow, notesOf, rectangles, tilesOver, transformImage } from './winogradTiles.js';
import { type Edge, f4x3, Transform, type Winograd } from './winogradTransforms.js';

/** Shapes by which a correlation is computed this way or not. The batch is not among them: no result depends on it. */
export interface WinogradShape {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Steps between the image's pixels in its frame, and its channels. */
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

/**
 * Images whose tiles are fewer than the rows of a tile of the product are done together: up to so many bytes, and in so many
 * units of work at least, for many workers. Two images of 7x7 have 8 tiles.
 */
const mostBytesTogether = 512 * 1024;
const leastUnits = 16;

/** The largest divisor of a batch that is no larger than `most`. */
function divisorUpTo(most: number, batch: number): number {
  let images = Math.max(1, Math.floor(Math.min(most, batch)));
  while (batch % images !== 0) images--;
  return images;
}

/** Sizes and places that all parts agree on. Steps are bytes. */
function layoutOf(
  { batch, frame: image, filter, results }: Correlation,
  options: WasmOptions,
  algorithm: Winograd,
) {
  const tiling = tilesOver(algorithm, image, results.used);
  const { numbers, rows, columns, frame } = tiling;
  const { channels } = frame;
  const rowBytes = 4 * numbers * columns.count * channels;
  const limit = ((options.tuning?.block ?? 1) * mostBlockBytes) / Math.max(1, rowBytes);
  // a row of smaller tiles is done with the last block
  const blocks = new Cut(rows.full, Math.max(1, Math.floor(limit)));
  const ownTiles = (blocks.size + rows.count - rows.full) * columns.count;
  const bytes = 4 * numbers * ownTiles * channels;
  const isSmall = blocks.groups === 1 && ownTiles < tallestTile(options);
  const images = isSmall ? divisorUpTo(Math.min(mostBytesTogether / bytes, batch / leastUnits), batch) : 1;
  const blockTiles = images * ownTiles;
  const panels = new Panels(results.output[2], options);
  // from one of the t² matrices to the next: of the transformed image, and of a panel of the transformed filter
  const imageStep = oddLines(4 * blockTiles * channels);
  const filterStep = ({ width }: Panel) => oddLines(4 * channels * width);
  const filterBytes =
    panels.fullCount * filterStep(panels.full) + (panels.rest ? filterStep(panels.rest) : 0);
  const scratch = new Scratch({
    frame: frame.bytes,
    filter: numbers * filterBytes,
    image: numbers * imageStep,
    products: 4 * numbers * blockTiles * panels.full.width,
  });
  const module = new ModuleBuilder(options);
  const steps = { imageStep, filterStep };
  return { ...tiling, module, options, filter, results, images, blocks, panels, ...steps, scratch };
}
type Layout = ReturnType<typeof layoutOf>;

/** Rows of tiles of an image that are multiplied together: so many, and one of smaller tiles or none. */
interface Block {
  readonly full: number;
  readonly edges: number;
}
const nameOf = ({ full, edges }: Block, panel: Panel) => `${full}${edges ? '_edge' : ''}x${panel.columns}`;

/** @param algorithm one whose window is the correlation's; its results are even where they are pooled */
export function winogradCode(
  correlation: Correlation,
  options: WasmOptions,
  algorithm: Winograd = f4x3,
): WasmCode {
  const layout = layoutOf(correlation, options, algorithm);
  const { module, m, results, rows, columns, frame, images, blocks, panels, numbers, scratch } = layout;
  return correlationCode(module, correlation, {
    ...{ frame, panels, scratch, images, panelBytes: numbers * layout.filterStep(panels.full) },
    notes: notesOf(correlation.name, layout, options),
    pack: (panel) => transformFilter(layout, panel),
    writeImages(f, p, { image, open, at, packedAt, some }) {
      const base = images === 1 ? open(image) : undefined;
      const source = f.local('i32');
      const write = (row: I32, block: Block) => {
        const begin = (unit: I32) => {
          const first = base ?? open(f.keep(i32.add(image, unit)));
          f.set(source, i32.add(first, i32.mul(row, m * frame.lineBytes)));
        };
        const places = { units: images, ...block, at: at.image, step: 4 * frame.channels, begin };
        forEachRow(f, columns, places, (isEdge, whole, edge) => {
          f.call(transformImage(module, layout, isEdge), source, whole, edge);
          f.increase(source, m * frame.lineBytes);
        });
        const writePanel = (panel: Panel, index: I32) => {
          f.call(multiplyBlock(layout, block, panel), at.image, packedAt(index), at.products);
          const place = [at.products, image, row, f.let(i32.mul(index, panels.full.width))] as const;
          f.call(finishBlock(layout, block, panel), ...place, ...results.names.map((name) => p[name]!));
        };
        panels.forEach(f, writePanel, some);
      };
      blocks.forEach(f, (full, row) => {
        const isLast = blocks.groups === 1 ? i32.const(1) : i32.eq(i32.add(row, full), rows.full);
        f.if(
          rows.edge ? isLast : i32.const(0),
          () => write(row, { full, edges: 1 }),
          () => write(row, { full, edges: 0 }),
        );
      });
    },
  });
}

/** A function (source, destination) that transforms the filters of a panel: to [t²][channels][width]. */
function transformFilter(layout: Layout, panel: Panel): FunctionHandle {
  const { module, algorithm, side, frame, filterStep, filter } = layout;
  const { runs, rowStride, columnStride } = filter;
  const transform = new Transform(algorithm.filter);
  const tapOffset = (tap: number) => (runs.length === 1 ? tap * frame.channels * rowStride : runs[tap]!);
  return module.once(`transformFilter_${panel.columns}`, ['source', 'destination'], (f, p) => {
    f.loop(0, frame.channels, 1, () => {
      const steps = [f.lanes * columnStride, 4 * f.lanes];
      eachVector(f, panel, { at: [p.source, p.destination], steps }, (v, [source, destination]) => {
        const { at, lanes } = panel.vectors[v]!;
        transform.byColumns(
          f,
          (row, column) => {
            const offset = tapOffset(algorithm.window * row + column) + (at / 4) * columnStride;
            return loadStrided(source, lanes, columnStride, offset);
          },
          (row, column, value) => f.store(destination, value, (row * side + column) * filterStep(panel) + at),
        );
      });
      f.increase(p.source, rowStride);
      f.increase(p.destination, 4 * panel.width);
    });
  });
}

/** A function (image, filter, sums) that multiplies a block by a panel: to [tiles][t²][width]. */
function multiplyBlock(layout: Layout, block: Block, panel: Panel): FunctionHandle {
  const { module, frame, images, numbers, imageStep, filterStep } = layout;
  const all = { full: images * block.full, edges: images * block.edges };
  return module.once(`multiplyBlock_${nameOf(block, panel)}`, ['image', 'filter', 'sums'], (f, p) => {
    for (const { from, tiles, first, size } of rectangles(layout, all)) {
      f.call(
        multiply(layout, tiles, size, panel),
        i32.add(p.image, 4 * frame.channels * from + first * imageStep),
        i32.add(p.filter, first * filterStep(panel)),
        i32.add(p.sums, 4 * panel.width * (from * numbers + first)),
      );
    }
  });
}

/** A function (image, filter, sums) that multiplies so many tiles, for a rectangle of the t² numbers. */
function multiply(
  { module, options, frame, side, numbers, results, imageStep, filterStep }: Layout,
  tiles: number,
  [rows, columns]: readonly [number, number],
  panel: Panel,
): FunctionHandle {
  const rowStride = 4 * frame.channels;
  const name = `multiply_${rows}x${columns}`;
  const grid = new TileGrid(module, { rows: tiles, columns: results.output[2] }, options, {
    name,
    parameters: ['image', 'filter', 'sums'],
    write(f, p, { width, vectors }, size) {
      const skip = (numbers: number) => {
        f.increase(p.image, numbers * imageStep);
        f.increase(p.filter, numbers * filterStep(panel));
        f.increase(p.sums, numbers * 4 * width);
      };
      f.loop(0, rows, 1, () => {
        f.loop(0, columns, 1, () => {
          const tile = { ...size, segmentLength: frame.channels, rowStride, innerStride: 4 };
          const operands = { a: f.let(p.image), panel: f.let(p.filter) };
          emitGemmTile(f, tile, operands, {
            store: (r, v, sums) => f.store(p.sums, sums, 4 * r * numbers * width + vectors[v]!.at),
          });
          skip(1);
        });
        skip(side - columns);
      });
    },
  });
  const steps = { image: rowStride, sums: 4 * numbers * panel.width };
  return grid.all(`${name}_${tiles}`, panel, steps);
}

/** A function (sums, image, row, first, …) that makes results of a block's products and stores them, from this image on. */
function finishBlock(layout: Layout, block: Block, panel: Panel): FunctionHandle {
  const { module, m, numbers, rows, columns, images, results } = layout;
  const { output, stored } = results;
  const names = ['sums', 'image', 'row', 'first', ...results.names] as const;
  return module.once(`finish_${nameOf(block, panel)}`, names, (f, p) => {
    const write = tileFinisher(layout, f, p, panel);
    const step = 4 * numbers * panel.width;
    const [row, image] = [f.local('i32'), f.local('i32')];
    /** Of the first element of a row of this image, in an output of this size. */
    const elementAt = (row: I32, [rows, columns]: readonly [number, number, ...unknown[]]) => {
      const line = i32.mul(i32.add(i32.mul(image, rows), row), columns * output[2]);
      return f.let(i32.mul(i32.add(line, p.first), 4));
    };
    const finishRow = (isEdge: boolean, whole: I32, last: I32) => {
      const element = elementAt(i32.mul(row, m), output);
      const pooled = results.pooled ? elementAt(i32.mul(row, m / 2), stored) : undefined;
      const line = (height: number, down?: Edge) => {
        const sums = f.let(whole);
        f.loop(0, columns.whole, 1, () => {
          write({ sums, element, pooled }, [height, m], [down]);
          f.increase(sums, step);
          f.increase(element, 4 * m * output[2]);
          if (pooled) f.increase(pooled, 4 * (m / 2) * output[2]);
        });
        const place = { sums: columns.edge ? last : sums, element, pooled };
        if (columns.rest > 0) write(place, [height, columns.rest], [down, columns.edge]);
      };
      const split = { index: row, count: rows.whole, total: rows.full };
      if (isEdge) line(rows.rest, rows.edge);
      else eitherOf(f, split, (isWhole) => line(isWhole ? m : rows.rest));
      f.increase(row, 1);
    };
    const begin = (unit: I32) => {
      f.set(row, p.row);
      f.set(image, i32.add(p.image, unit));
    };
    forEachRow(f, columns, { units: images, ...block, at: p.sums, step, begin }, finishRow);
  });
}

/**
 * Gives what stores the results of a tile, of which `size` are asked for, at `element`, their pools at `pooled`.
 * `edges` are the smaller algorithms along the height and the width, where they are taken.
 */
function tileFinisher(
  { algorithm, side, results }: Layout,
  f: FunctionBuilder,
  p: Readonly<Record<'first' | ResultName, I32>>,
  panel: Panel,
) {
  const [, width, outputs] = results.output;
  const finish = results.beginFinish(f, p);
  const pool = results.pooled ? results.beginPool(f, p) : undefined;
  const column = f.let(i32.mul(p.first, 4));
  return (
    { sums, element, pooled }: { sums: I32; element: I32; pooled: I32 | undefined },
    [rows, columns]: readonly [number, number],
    [down = algorithm, along = algorithm]: readonly (Edge | undefined)[],
  ) => {
    const transform = new Transform(down.result, along.result);
    eachVector(
      f,
      panel,
      { at: [sums, element, column, pooled ?? element] },
      (v, [sums, element, column, pooled]) => {
        f.block(() => {
          const finished: V128[][] = down.result.map(() => []);
          // stored as soon as they are there, pooled as soon as a window is: fewer numbers are in flight
          const store = (r: number, c: number, value: V128) => {
            if (r >= rows || c >= columns) return;
            const position = panel.position(v, element, column, outputs * (r * width + c));
            const result = finish(f.let(value), position);
            if (pool === undefined) return results.store(f, p.out, result, position);
            finished[r]![c] = f.let(result);
            if (r % 2 === 0 || c % 2 === 0) return;
            const pixels = [finished[r - 1]!, finished[r]!].flatMap((line) => [line[c - 1]!, line[c]!]);
            const further = (outputs * ((r - 1) * results.stored[1] + c - 1)) / 2;
            pool(pixels, panel.position(v, pooled, column, further));
          };
          transform.byColumns(
            f,
            (r, c) => v128.load(sums, 4 * (r * side + c) * panel.width + panel.vectors[v]!.at),
            store,
            () => f.fence(sums),
          );
        });
      },
    );
  };
}
