/**
 * Where the tiles of Winograd's algorithms lie: what convolutions and filter gradients share. The last tile of an axis may be
 * of a smaller algorithm (`Winograd.edge`), which has the first numbers along its axis and no others.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmOptions } from '../toolkit/wasm/kernel.js';
import type { Cut, Panels } from '../toolkit/wasm/tileGrid.js';
import type { Frame } from './frame.js';
import { type Edge, type Matrix, Transform, type Winograd } from './winogradTransforms.js';

/** The tiles along an axis. */
export interface AxisTiles {
  /** Tiles of the algorithm itself, and of those the ones all of whose results are wanted: all, or all but the last. */
  readonly full: number;
  readonly whole: number;
  /** The algorithm of one more tile, which is smaller. */
  readonly edge: Edge | undefined;
  /** Results wanted of the last tile, where not all are, or where it is the smaller one; else 0. */
  readonly rest: number;
  /** Of all tiles. */
  readonly count: number;
  /** Pixels that they read. */
  readonly pixels: number;
}

/** Cuts `size` results into tiles: the last is of the smaller algorithm where that makes enough, behind another. */
export function tilesAlong(
  { results: m, window, edge }: Omit<Winograd, 'image' | 'filter' | 'result'>,
  size: number,
): AxisTiles {
  const whole = Math.floor(size / m);
  const rest = size % m;
  const last = whole > 0 && rest > 0 && edge !== undefined && rest <= edge.results ? edge : undefined;
  const full = whole + (rest > 0 && last === undefined ? 1 : 0);
  return {
    ...{ full, whole, edge: last, rest, count: full + (last ? 1 : 0) },
    pixels: m * full + (last?.results ?? 0) + window - 1,
  };
}

/** The tiles that make results of this height and width, and the image in a frame that has all of the last ones. */
export function tilesOver(
  algorithm: Winograd,
  frame: Frame,
  [height, width]: readonly [number, number, ...unknown[]],
  hasEdgeRows = true,
) {
  const { results: m, window } = algorithm;
  const rows = tilesAlong(hasEdgeRows ? algorithm : { ...algorithm, edge: undefined }, height);
  const columns = tilesAlong(algorithm, width);
  const side = m + window - 1;
  return {
    ...{ algorithm, m, side, numbers: side * side, rows, columns },
    tiles: [rows.count, columns.count] as const,
    frame: frame.atLeast([rows.pixels, columns.pixels]),
  };
}

export type Tiling = ReturnType<typeof tilesOver>;

/**
 * The t² numbers of a block's tiles in rectangles [rows, columns], each with the tiles that have its numbers: smaller tiles
 * have the first along their axis alone. So that these stand side by side, the smaller ones of `full` rows of tiles come
 * first, then the others of those row by row, then `edges` rows of smaller tiles, and the smaller ones of those.
 */
export function rectangles(
  { side, rows, columns }: Pick<Tiling, 'side' | 'rows' | 'columns'>,
  { full, edges }: { readonly full: number; readonly edges: number },
) {
  const split = (edge: Edge | undefined) => {
    const first = edge?.image.length ?? side;
    const ranges = [
      [0, first],
      [first, side],
    ] as const;
    return ranges.filter(([from, end]) => from < end);
  };
  const behindEdges = columns.edge ? full : 0;
  return split(edges > 0 ? rows.edge : undefined).flatMap((down) =>
    split(columns.edge).map((along) => {
      const from = along[0] > 0 ? behindEdges : 0;
      const ofLast = along[0] > 0 ? columns.full : columns.count;
      const end = behindEdges + full * columns.full + (down[0] > 0 ? 0 : edges * ofLast);
      const size = [down[1] - down[0], along[1] - along[0]] as const;
      return { from, tiles: end - from, first: down[0] * side + along[0], size };
    }),
  );
}

/**
 * Visits the rows of tiles of a block in that order of places, `step` apart: where the first of its tiles stands, and the
 * smaller one. The block has `units` times `full` rows of tiles, each time with so many `edges` behind them, and
 * with a call of `begin` ahead of them.
 */
export function forEachRow(
  f: FunctionBuilder,
  columns: AxisTiles,
  block: { units: number; full: number; edges: number; at: I32; step: number; begin?: (unit: I32) => void },
  visit: (isEdge: boolean, whole: I32, edge: I32) => void,
): void {
  const { units, full, edges, at, step } = block;
  const edge = f.let(at);
  const whole = f.let(i32.add(at, columns.edge ? units * full * step : 0));
  const low = f.let(i32.add(whole, units * full * columns.full * step));
  const corner = f.let(i32.add(low, units * edges * columns.full * step));
  f.loop(0, units, 1, (unit) => {
    block.begin?.(unit);
    f.loop(0, full, 1, () => {
      visit(false, whole, edge);
      f.increase(whole, columns.full * step);
      f.increase(edge, step);
    });
    f.loop(0, edges, 1, () => {
      visit(true, low, corner);
      f.increase(low, columns.full * step);
      f.increase(corner, step);
    });
  });
}

/** Their part of explain(). */
export function notesOf(
  name: string,
  { m, tiles, blocks, panels }: Tiling & { readonly blocks: Cut; readonly panels: Panels },
  options: WasmOptions,
): string[] {
  return [
    `${name} winograd ${m}x${m} ${tallestTile(options)}x${panels.full.width}, ${tiles.join('x')} tiles`,
    ...(blocks.groups > 1 ? [`in ${blocks.groups} blocks`] : []),
  ];
}

/**
 * A function (source, target, edge) that transforms a row of tiles of the image, the smaller one to `edge`: channels of a
 * tile side by side.
 *
 * @param isEdge for a row of smaller tiles
 */
export function transformImage(
  module: ModuleBuilder,
  layout: Tiling & { readonly imageStep: number },
  isEdge: boolean,
): FunctionHandle {
  const { algorithm, m, side, frame, columns, imageStep } = layout;
  const { channels, lineBytes } = frame;
  const rows = isEdge ? algorithm.edge! : algorithm;
  const name = `transformImage${isEdge ? '_edge' : ''}`;
  return module.once(name, ['source', 'target', 'edge'], (f, p) => {
    const whole = channels - (channels % f.lanes);
    const tile = (target: Local<'i32'>, matrix: Matrix) => {
      const transform = new Transform(rows.image, matrix);
      const vector = (lanes: number) => {
        f.block(() =>
          transform.byRows(
            f,
            (row, column) => v128.loadLanes(p.source, lanes, row * lineBytes + column * channels * 4),
            (row, column, value) => f.storeLanes(target, value, lanes, (row * side + column) * imageStep),
            () => f.fence(target),
          ),
        );
        f.increase(p.source, 4 * lanes);
        f.increase(target, 4 * lanes);
      };
      f.loop(0, whole, f.lanes, () => vector(f.lanes));
      if (channels > whole) vector(channels - whole);
    };
    f.loop(0, columns.full, 1, () => {
      tile(p.target, algorithm.image);
      f.increase(p.source, 4 * channels * (m - 1));
    });
    if (columns.edge) tile(p.edge, columns.edge.image);
  });
}
