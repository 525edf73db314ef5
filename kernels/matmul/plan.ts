/** Decisions about a matrix multiplication before any code is written. Plain numbers. */

import { tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmOptions } from '../toolkit/wasm/kernel.js';
import { recordBytes } from '../toolkit/wasm/terms.js';
import { Cut, Panels } from '../toolkit/wasm/tileGrid.js';

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
  readonly options: PlanOptions;
  readonly tiles: Cut;
  readonly panels: Panels;
  /** Terms that are summed at a time: all of k, or a multiple of 4. */
  readonly block: number;
  /** Panels whose packed B, and row tiles whose part of A, are worked on together. */
  readonly panelGroup: number;
  readonly rowGroup: number;
  /** Rows in a packed part of A, [block][packedRows]; 0 if A is read in place. */
  readonly packedRows: number;
  /** One packing of B serves the whole batch. */
  readonly packsOnce: boolean;
  /** The kind of unit: a tile of rows of one matrix, all columns wide, or a panel of columns, all rows high. */
  readonly split: 'rows' | 'panels';
  /** Row tiles of all matrices, or panels. */
  readonly units: number;
  /**
   * Every sum ends with + 0, so that terms that are zero may be left out of it (terms.ts): by k and n alone, so
   * that no bit depends on the number of rows.
   */
  readonly endsPositive: boolean;
  /**
   * When the records of terms that are left out are made: for a group of row tiles at a time, or once for all. A record
   * takes `recordBytes`. Undefined: no terms are left out.
   */
  readonly skips: 'groups' | 'once' | undefined;
  readonly recordBytes: number;
  /** Each range of units packs what others pack too; false where it need not, having been told so. */
  readonly repeats: boolean;
}

type PlanOptions = Omit<WasmOptions, 'shared'>;

/** Bytes of packed B and of A that are worked on at a time: shares of a second level cache. */
const panelGroupBytes = 256 * 1024;
const rowGroupBytes = 128 * 1024;

/**
 * Where the rows of A are adjacent in memory, every term of a sum touches a cache line of its own, often in the same set
 * as the others. Such an A is packed, in shorter blocks and 16 tiles at a time, if there are panels enough to repay it.
 */
const longestSum = { alongRows: 1024, acrossRows: 256 };
const tilesPackedTogether = 16;
/** Of 16 lanes half as many: packed, the gradient of `mnist-mlp`'s first weights leaves out zeros and takes 0.75 of the time. */
const panelsWorthPacking = ({ machine }: PlanOptions) => (machine?.lanes === 16 ? 4 : 8);

/**
 * A worker packs B for its rows, or reads A for its columns: in place, or packed where rows are adjacent. Reading in
 * place is worth so much less.
 */
const packingCost = 4;
/** Fewer panels are too few to share. */
const panelsWorthSharing = 8;

/** Fewer columns and terms are too few to repay a list of the terms that are not zero. */
const columnsWorthListing = 64;
const termsWorthListing = 64;
/** Bytes of records that may be kept for a whole matrix. */
const mostRecordBytes = 256 * 1024;

/** How many items are worked on together if `limit` are allowed; the groups are of nearly equal size. */
function groupSize(items: number, limit: number): number {
  const groups = Math.ceil(items / Math.max(1, limit));
  return groups <= 1 ? items : Math.ceil(items / groups);
}

/**
 * Cuts a multiplication into tiles, panels and blocks, by shape and strides; `simd`, `wide` and `tuning` change the height
 * of a tile, and the latter the blocks. Sizes of zero are fine and give no units.
 */
export function planMatmul(shape: MatmulShape, options: PlanOptions): MatmulPlan {
  const { tuning = {} } = options;
  const { m, k, n, a, b } = shape;
  const tiles = new Cut(m, tallestTile(options));
  const panels = new Panels(n, options);

  const scale = tuning.block ?? 1;
  const limit = scale * (a.column === 1 ? longestSum.alongRows : longestSum.acrossRows);
  const block = k <= limit || shape.sumsInOutput === false ? k : 4 * Math.ceil(groupSize(k, limit) / 4);
  const panelGroup = groupSize(panels.count, Math.floor(panelGroupBytes / (4 * block * panels.full.width)));
  const rowsAdjacent = a.row === 1 && a.column !== 1 && k > 1;
  const packsRows = rowsAdjacent && (tuning.packRows ?? panels.count >= panelsWorthPacking(options));
  const rowGroup = packsRows
    ? Math.min(Math.ceil(tilesPackedTogether * scale), tiles.groups)
    : groupSize(tiles.groups, Math.floor(rowGroupBytes / (4 * block * tiles.size)));
  const packedRows = packsRows ? rowGroup * tiles.size : 0;

  const matrices = shape.batch.reduce((product, size) => product * size, 1);
  const wideEnough = panels.count >= panelsWorthSharing && n * (packsRows ? 1 : packingCost) >= m;
  const split = matrices === 1 && wideEnough ? 'panels' : 'rows';
  const empty = n === 0 || tiles.groups === 0;
  const units = empty ? 0 : split === 'panels' ? panels.count : matrices * tiles.groups;
  const packsOnce = b.batch.every((stride) => stride === 0) && panelGroup === panels.count && block === k;
  const endsPositive = n >= columnsWorthListing && k >= termsWorthListing;
  const record = recordBytes(block);
  const keepsAll = block === k && !packsRows && tiles.groups * record <= mostRecordBytes;
  const listable = endsPositive && (a.column === 1 || packsRows) && m >= tiles.size;
  const lists = split === 'rows' ? 'groups' : keepsAll ? 'once' : undefined;
  const repeats = split === 'rows' ? !packsOnce : packsRows;
  return {
    ...{ shape, options, tiles, panels, block, panelGroup, rowGroup, packedRows, units },
    ...{ packsOnce, split, repeats, endsPositive, recordBytes: record },
    skips: listable && units > 0 ? lists : undefined,
  };
}
