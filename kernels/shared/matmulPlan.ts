/** What is decided about a matrix multiplication before any code is written. Plain numbers. */
import type { SimdLevel } from '../../src/writers/simdLevel.js';
import { cutRows, panelColumns, type RowCut, tallestTile } from './gemm.js';
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
  /** Row tiles of all matrices. */
  readonly units: number;
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

/** How many items are worked on together if `limit` are allowed; the groups are of nearly equal size. */
function groupSize(items: number, limit: number): number {
  const groups = Math.ceil(items / Math.max(1, limit));
  return groups <= 1 ? items : Math.ceil(items / groups);
}

const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple;

/**
 * Cuts a multiplication into tiles, panels and blocks, by shape and strides alone; `simd` and `wide` set the height of a
 * tile. Default of `wide`: false. Sizes of zero are fine and give no units.
 */
export function planMatmul(shape: MatmulShape, simd: SimdLevel, wide = false): MatmulPlan {
  const { m, k, n, a, b } = shape;
  const rowCut = cutRows(m, tallestTile(simd, wide));
  const panelCut = cutPanels(n);
  const panels = panelCut.full + (panelCut.rest > 0 ? 1 : 0);

  const limit = a.column === 1 ? longestSum.alongRows : longestSum.acrossRows;
  const block = k <= limit || shape.sumsInOutput === false ? k : roundUp(groupSize(k, limit), 4);
  const panelGroup = groupSize(panels, Math.floor(panelGroupBytes / (4 * block * panelColumns)));
  const packsRows = a.row === 1 && a.column !== 1 && k > 1 && panels >= panelsWorthPacking;
  const rowGroup = packsRows
    ? Math.min(tilesPackedTogether, rowCut.tiles)
    : groupSize(rowCut.tiles, Math.floor(rowGroupBytes / (4 * block * rowCut.rows)));
  const packedRows = packsRows ? rowGroup * rowCut.rows : 0;

  const units = n === 0 ? 0 : shape.batch.reduce((product, size) => product * size, rowCut.tiles);
  const packedPanels = Math.min(4 * block * panelColumns * panelGroup, packedBytes(block, n));
  const packedRowsOffset = roundUp(packedPanels, 64);
  return {
    ...{ shape, rowCut, panelCut, panels, block, panelGroup, rowGroup, packedRows, units, packedRowsOffset },
    wide,
    packsOnce: b.batch.every((stride) => stride === 0) && panelGroup === panels && block === k,
    scratchBytes: units === 0 ? 0 : packedRowsOffset + roundUp(4 * block * packedRows, 64),
  };
}
