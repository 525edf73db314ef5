/** What is decided about a matrix multiplication before any code is written. Plain numbers. */

import { cutRows, panelColumns, type RowCut, tallestTile } from './gemm.js';
import type { WasmOptions } from './kernel.js';
import { cutPanels, type PanelCut, packedBytes } from './packing.js';

/** Strides of an operand in elements, of any sign; 0 repeats it. `batch` has one per axis of the batch. */
export interface MatrixStrides {
  readonly batch: readonly number[];
  readonly row: number;
  readonly column: number;
}

/** out[…batch, m, n] = A[…batch, m, k] · B[…batch, k, n]; the output is row-major without gaps. */
export interface MatmulShape {
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** A(row, column) with row < m and column < k. */
  readonly a: MatrixStrides;
  /** B(row, column) with row < k and column < n. */
  readonly b: MatrixStrides;
  /** False if the output's elements cannot hold float32 sums, so that all of k must be summed at once. */
  readonly sumsInOutput?: boolean;
}

export interface MatmulPlan {
  readonly shape: MatmulShape;
  /** Whether V8 joins vectors (WasmOptions). */
  readonly wide: boolean;
  readonly rowCut: RowCut;
  readonly panelCut: PanelCut;
  readonly panels: number;
  /** Terms that are summed at a time: all of k, or a multiple of 4. */
  readonly block: number;
  /** Panels whose packed B, and row tiles whose part of A, are worked on together. */
  readonly panelGroup: number;
  readonly rowGroup: number;
  /** Rows in a packed part of A, [block][packedRows]; 0 if A is read in place. */
  readonly packedRows: number;
  /** Whether one packing of B serves the whole batch. */
  readonly packsOnce: boolean;
  /** What a unit is: a tile of rows of one matrix, all columns wide, or a panel of columns, all rows high. */
  readonly split: 'rows' | 'panels';
  /** Row tiles of all matrices, or panels. */
  readonly units: number;
  /** Whether each range of units packs what others pack too; false where it need not, having been told so. */
  readonly repeats: boolean;
  /** Where in the scratch area the packed A begins, and the size of the area. */
  readonly packedRowsOffset: number;
  readonly scratchBytes: number;
}

/** Bytes of packed B and of A that are worked on at a time: shares of a second level cache. */
const panelGroupBytes = 256 * 1024;
const rowGroupBytes = 128 * 1024;

/**
 * Where the rows of A are adjacent in memory, every term of a sum touches a cache line of its own, often in the same set
 * as the others. Such an A is packed, in shorter blocks and 16 tiles at a time, if there are panels enough to repay it.
 */
const longestSum = { alongRows: 1024, acrossRows: 256 };
const tilesPackedTogether = 16;
const panelsWorthPacking = 8;

/**
 * A worker packs B for its rows, or reads A for its columns: in place, or packed where rows are adjacent. Reading in
 * place is worth so much less.
 */
const packingCost = 4;
/** Fewer panels are too few to share. */
const panelsWorthSharing = 8;

/** How many items are worked on together if `limit` are allowed; the groups are of nearly equal size. */
function groupSize(items: number, limit: number): number {
  const groups = Math.ceil(items / Math.max(1, limit));
  return groups <= 1 ? items : Math.ceil(items / groups);
}

const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple;

/**
 * Cuts a multiplication into tiles, panels and blocks, by shape and strides; `simd`, `wide` and `tuning` change the height
 * of a tile, and the latter the blocks. Sizes of zero are fine and give no units.
 */
export function planMatmul(shape: MatmulShape, options: Omit<WasmOptions, 'shared'>): MatmulPlan {
  const { wide = false, tuning = {} } = options;
  const { m, k, n, a, b } = shape;
  const rowCut = cutRows(m, tallestTile(options));
  const panelCut = cutPanels(n);
  const panels = panelCut.full + (panelCut.rest > 0 ? 1 : 0);

  const scale = tuning.block ?? 1;
  const limit = scale * (a.column === 1 ? longestSum.alongRows : longestSum.acrossRows);
  const block = k <= limit || shape.sumsInOutput === false ? k : roundUp(groupSize(k, limit), 4);
  const panelGroup = groupSize(panels, Math.floor(panelGroupBytes / (4 * block * panelColumns)));
  const rowsAdjacent = a.row === 1 && a.column !== 1 && k > 1;
  const packsRows = rowsAdjacent && (tuning.packRows ?? panels >= panelsWorthPacking);
  const rowGroup = packsRows
    ? Math.min(Math.ceil(tilesPackedTogether * scale), rowCut.tiles)
    : groupSize(rowCut.tiles, Math.floor(rowGroupBytes / (4 * block * rowCut.rows)));
  const packedRows = packsRows ? rowGroup * rowCut.rows : 0;

  const matrices = shape.batch.reduce((product, size) => product * size, 1);
  const wideEnough = panels >= panelsWorthSharing && n * (packsRows ? 1 : packingCost) >= m;
  const split = matrices === 1 && wideEnough ? 'panels' : 'rows';
  const empty = n === 0 || rowCut.tiles === 0;
  const units = empty ? 0 : split === 'panels' ? panels : matrices * rowCut.tiles;
  const packsOnce = b.batch.every((stride) => stride === 0) && panelGroup === panels && block === k;
  const packedPanels = Math.min(4 * block * panelColumns * panelGroup, packedBytes(block, n));
  const packedRowsOffset = roundUp(packedPanels, 64);
  return {
    ...{ shape, rowCut, panelCut, panels, block, panelGroup, rowGroup, packedRows, units, packedRowsOffset },
    wide,
    ...{ packsOnce, split, repeats: split === 'rows' ? !packsOnce : packsRows },
    scratchBytes: units === 0 ? 0 : packedRowsOffset + roundUp(4 * block * packedRows, 64),
  };
}
