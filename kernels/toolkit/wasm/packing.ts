/**
 * Packing: copies of matrix operands in the order in which a tile reads them.
 *
 * A panel holds up to 8 columns of B [k, n] as [k][8]; a last one of 4 or fewer columns as [k][4]. Missing columns are
 * zero: what a tile computes there is not stored, but denormals would cost time.
 */
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { panelColumns } from './gemm.js';

/** How the columns of a matrix are cut into panels. */
export interface PanelCut {
  /** Panels of 8 columns, all of them real. */
  readonly full: number;
  /** Real columns of the last panel, 0 if there is none; and its width. */
  readonly rest: number;
  readonly restWidth: 4 | 8;
}

/** Cuts columns into panels of 8; 1 to 4 that are left over get a panel of 4, 5 to 7 one of 8. */
export function cutPanels(columns: number): PanelCut {
  const rest = columns % panelColumns;
  return { full: (columns - rest) / panelColumns, rest, restWidth: rest <= 4 ? 4 : 8 };
}

/** Bytes of a packed B [k, n]. */
export function packedBytes(k: number, n: number): number {
  const { full, rest, restWidth } = cutPanels(n);
  return 4 * k * (full * panelColumns + (rest > 0 ? restWidth : 0));
}

/** One panel and where it comes from. */
export interface PackedPanel {
  /** Rows: the common dimension of the multiplication. */
  readonly k: number;
  /** Columns that exist (1 to 8), and the width that zeros fill. */
  readonly columns: number;
  readonly width: 4 | 8;
  /** Strides of the source in bytes: element (row, column) stands at row·rowStride + column·columnStride. */
  readonly rowStride: number;
  readonly columnStride: number;
}

/**
 * Emits the packing of a panel from `source` (address of its element 0, 0) to `destination`, 4 rows per turn: by copies
 * where columns are adjacent in memory, by 4x4 transposes where rows are, one by one elsewhere. Both variables are moved
 * by the code.
 */
export function emitPackPanel(
  f: FunctionBuilder,
  { k, columns, width, rowStride, columnStride }: PackedPanel,
  { source, destination }: { source: Local<'i32'>; destination: Local<'i32'> },
): void {
  const vectors = Array.from({ length: width / 4 }, (_, v) => ({ v, lanes: Math.min(4, columns - 4 * v) }));
  const store = (row: number, v: number, value: V128) =>
    f.store(destination, value, 4 * row * width + 16 * v);
  const copyRow = (row: number) => {
    // loaded whole before it is stored, so that V8 may join its vectors
    const values = vectors.map(({ v, lanes }) => {
      const offset = row * rowStride + 4 * v * columnStride;
      return f.let(
        columnStride === 4
          ? v128.loadLanes(source, lanes, offset)
          : gatherLanes(source, lanes, columnStride, offset),
      );
    });
    for (const [v, value] of values.entries()) store(row, v, value);
  };
  const transposeFourRows = () => {
    for (const { v, lanes } of vectors) {
      const column = (lane: number) =>
        f.let(lane < lanes ? v128.load(source, (4 * v + lane) * columnStride) : f32x4.const(0));
      const rows = transpose(f, column(0), column(1), column(2), column(3));
      for (const [row, value] of rows.entries()) store(row, v, value);
    }
  };

  const rest = k % 4;
  if (k > rest) {
    const end = f.let(i32.add(destination, 4 * (k - rest) * width));
    f.forever((again) => {
      if (rowStride === 4 && columnStride !== 4) transposeFourRows();
      else for (let row = 0; row < 4; row++) copyRow(row);
      f.increase(source, 4 * rowStride);
      f.increase(destination, 16 * width);
      f.branchIf(again, i32.ltU(destination, end));
    });
  }
  for (let row = 0; row < rest; row++) copyRow(row);
}

/** Lanes from memory `stride` bytes apart, zeros in the rest. */
export function gatherLanes(address: I32, lanes: number, stride: number, offset: number): V128 {
  let value = v128.load32Zero(address, offset);
  for (let lane = 1; lane < lanes; lane++)
    value = v128.load32Lane(address, value, lane, offset + lane * stride);
  return value;
}

/** The transpose of a 4x4 block: pairs of rows interleaved, then halves joined. */
function transpose(f: FunctionBuilder, a: V128, b: V128, c: V128, d: V128): V128[] {
  const low = [0, 4, 1, 5] as const;
  const high = [2, 6, 3, 7] as const;
  const [abLow, cdLow] = [f.let(i32x4.shuffle(a, b, low)), f.let(i32x4.shuffle(c, d, low))];
  const [abHigh, cdHigh] = [f.let(i32x4.shuffle(a, b, high)), f.let(i32x4.shuffle(c, d, high))];
  return [
    i32x4.shuffle(abLow, cdLow, [0, 1, 4, 5]),
    i32x4.shuffle(abLow, cdLow, [2, 3, 6, 7]),
    i32x4.shuffle(abHigh, cdHigh, [0, 1, 4, 5]),
    i32x4.shuffle(abHigh, cdHigh, [2, 3, 6, 7]),
  ];
}
