/** Decisions about a matrix multiplication before any code is written. Plain numbers. */

import { type ListedTile, listedTile, tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmOptions } from '../toolkit/wasm/kernel.js';
import { recordBytes } from '../toolkit/wasm/terms.js';
import { Cut, PanelGroups, Panels } from '../toolkit/wasm/tileGrid.js';

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
  /** Panels side by side that a row with a list of its terms is multiplied with; one by one where none is listed. */
  readonly groups: PanelGroups;
  /** Terms that are summed at a time: all of k, or a multiple of 4. */
  readonly block: number;
  /** Groups of panels whose packed B, and row tiles whose part of A, are worked on together. */
  readonly panelGroup: number;
  readonly rowGroup: number;
  /** Rows in a packed part of A, [block][packedRows]; 0 if A is read in place. */
  readonly packedRows: number;
  /** One packing of B serves the whole batch. */
  readonly packsOnce: boolean;
  /** The kind of unit: a tile of rows of one matrix, all columns wide, or a group of panels of columns, all rows high. */
  readonly split: 'rows' | 'panels';
  /** Row tiles of all matrices, or groups of panels. */
  readonly units: number;
  /**
   * Every sum ends with + 0, so that terms that are zero may be left out of it (terms.ts): by k and n alone, so
   * that no bit depends on the number of rows.
   */
  readonly endsPositive: boolean;
  /**
   * When the records of terms that are not left out are made: for a group of row tiles at a time, or once for all. One takes
   * `recordBytes`. Undefined: no terms are left out.
   */
  readonly skips: 'groups' | 'once' | undefined;
  readonly recordBytes: number;
  /** How rows are summed that leave out terms, and records of a tile. */
  readonly listed: ListedTile;
  readonly strips: number;
  /** Each range of units packs what others pack too; false where it need not, having been told so. */
  readonly repeats: boolean;
}

type PlanOptions = Omit<WasmOptions, 'shared'>;

/** Bytes of packed B and of A that are worked on at a time: shares of a second level cache. */
const panelGroupBytes = 256 * 1024;
/** Where terms are left out, of which lists are made for each such share. */
const listedGroupBytes = 512 * 1024;
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
/** Most bytes of packed B that are kept where blocks of it are packed at once. */
const mostPackedBytes = 1024 * 1024;
/** To list an element of A takes so many times as long as to pack one of B. */
const listingCost = 8;
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
  const endsPositive = n >= columnsWorthListing && k >= termsWorthListing;
  const rowsAdjacent = a.row === 1 && a.column !== 1 && k > 1;
  const packsRows = rowsAdjacent && (tuning.packRows ?? panels.count >= panelsWorthPacking(options));
  const listable = endsPositive && (a.column === 1 || packsRows) && m >= tiles.size;
  const listed = listedTile(options);
  const groups = new PanelGroups(panels, listable ? listed.vectors / panels.full.vectors.length : 1);

  const scale = tuning.block ?? 1;
  const limit =
    scale * (listable ? listed.terms : a.column === 1 ? longestSum.alongRows : longestSum.acrossRows);
  const block = k <= limit || shape.sumsInOutput === false ? k : 4 * Math.ceil(groupSize(k, limit) / 4);
  const groupBytes = 4 * block * panels.full.width * Math.max(1, groups.cut.size);
  const panelGroup = groupSize(
    groups.cut.groups,
    Math.floor((listable ? listedGroupBytes : panelGroupBytes) / groupBytes),
  );
  const rowGroup = packsRows
    ? Math.min(Math.ceil(tilesPackedTogether * scale), tiles.groups)
    : groupSize(tiles.groups, Math.floor(rowGroupBytes / (4 * block * tiles.size)));
  const packedRows = packsRows ? rowGroup * tiles.size : 0;

  const record = recordBytes(block);
  const strips = Math.ceil(tiles.size / listed.rows);
  const keepsAll = block === k && !packsRows && tiles.groups * strips * record <= mostRecordBytes;
  const matrices = shape.batch.reduce((product, size) => product * size, 1);
  const wideEnough = listable ? keepsAll && n >= listingCost * m : n * (packsRows ? 1 : packingCost) >= m;
  const split = matrices === 1 && panels.count >= panelsWorthSharing && wideEnough ? 'panels' : 'rows';
  const empty = n === 0 || tiles.groups === 0;
  const units = empty ? 0 : split === 'panels' ? groups.cut.groups : matrices * tiles.groups;
  const keepsB = block === k || (listable && k * panels.rowBytes <= mostPackedBytes);
  const packsOnce = b.batch.every((stride) => stride === 0) && panelGroup === groups.cut.groups && keepsB;
  const repeats = split === 'rows' ? !packsOnce : packsRows;
  return {
    ...{ shape, options, tiles, panels, groups, block, panelGroup, rowGroup, packedRows, units },
    ...{ packsOnce, split, repeats, endsPositive, recordBytes: record, listed, strips },
    skips: listable && units > 0 ? (split === 'rows' ? 'groups' : 'once') : undefined,
  };
}
