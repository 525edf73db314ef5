/**
 * Packing: copies of matrix operands in the order in which a tile reads them: a panel of B [k, n] as [k][width]. Missing
 * columns are zero: what a tile computes there is not stored, but denormals would cost time.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import type { Panel } from './tileGrid.js';

/** One panel and where it comes from. */
export interface PackedPanel {
  /** Rows: the common dimension of the multiplication. */
  readonly k: number;
  readonly panel: Panel;
  /** Strides of the source in bytes: element (row, column) stands at row·rowStride + column·columnStride. */
  readonly rowStride: number;
  readonly columnStride: number;
}

/** A function (source, destination) that packs a panel. */
export function packing(module: ModuleBuilder, panel: PackedPanel): FunctionHandle {
  return module.once(
    `pack_${panel.k}x${panel.panel.columns}`,
    ['source', 'destination'] as const,
    (f, p) => emitPackPanel(f, panel, p),
    lanesOf(module, panel),
  );
}

const rowsPerTurn = 4;

/** Blocks of 4x4 are transposed, however wide vectors are. */
const transposedLanes = 4;

function isTransposed({ rowStride, columnStride }: PackedPanel): boolean {
  return rowStride === 4 && columnStride !== 4;
}

const lanesOf = (module: ModuleBuilder, panel: PackedPanel) =>
  isTransposed(panel) ? transposedLanes : module.lanes;

/**
 * A function (source, destination, note) that packs a panel, and adds to the vector at `note`, as wide as the module's or its
 * begin, what `noteFinite` does.
 */
export function notedPacking(module: ModuleBuilder, panel: PackedPanel): FunctionHandle {
  const parameters = ['source', 'destination', 'note'] as const;
  return module.once(
    `pack_${panel.k}x${panel.panel.columns}_noted`,
    parameters,
    (f, p) => {
      const sum = f.let(v128.load(p.note));
      emitPackPanel(f, panel, p, (value) => noteFinite(f, sum, value));
      f.store(p.note, sum);
    },
    lanesOf(module, panel),
  );
}

/**
 * Emits the packing of a panel from `source` (address of its element 0, 0) to `destination`: by copies where columns
 * are adjacent in memory, by 4x4 transposes where rows are (in vectors of 4 lanes), one by one elsewhere. Both variables
 * are moved by the code.
 *
 * @param see is shown every vector of the panel. Default: nobody.
 */
export function emitPackPanel(
  f: FunctionBuilder,
  packed: PackedPanel,
  { source, destination }: { source: Local<'i32'>; destination: Local<'i32'> },
  see?: (value: V128) => void,
): void {
  const { k, panel, rowStride, columnStride } = packed;
  const { width } = panel;
  const vectors = piecesOf(panel, f.lanes);
  const store = (row: number, at: number, value: V128) => {
    const kept = see === undefined ? value : f.let(value);
    f.store(destination, kept, 4 * row * width + at);
    see?.(kept);
  };
  const copyRow = (row: number) => {
    // loaded whole before it is stored, so that V8 may join its vectors
    const values = vectors.map(({ at, lanes }) =>
      f.let(loadStrided(source, lanes, columnStride, row * rowStride + (at / 4) * columnStride)),
    );
    for (const [v, value] of values.entries()) store(row, vectors[v]!.at, value);
  };
  const transposeRows = () => {
    for (const { at, lanes } of vectors) {
      const column = (lane: number) =>
        f.let(lane < lanes ? v128.load(source, (at / 4 + lane) * columnStride) : f32x4.const(0));
      const rows = transpose(f, [column(0), column(1), column(2), column(3)]);
      for (const [row, value] of rows.entries()) store(row, at, value);
    }
  };

  const rest = k % rowsPerTurn;
  if (k > rest) {
    const end = f.let(i32.add(destination, 4 * (k - rest) * width));
    f.forever((again) => {
      if (isTransposed(packed)) transposeRows();
      else for (let row = 0; row < rowsPerTurn; row++) copyRow(row);
      f.increase(source, rowsPerTurn * rowStride);
      f.increase(destination, 4 * rowsPerTurn * width);
      f.branchIf(again, i32.ltU(destination, end));
    });
  }
  for (let row = 0; row < rest; row++) copyRow(row);
}

/** A panel's row in vectors of so many lanes: the zeros behind its columns are a part of them. */
function piecesOf({ columns, width, vectors }: Panel, lanes: number): Omit<Panel['vectors'][number], 'v'>[] {
  if (lanes * vectors.length === width) return [...vectors];
  return Array.from({ length: width / lanes }, (_, v) => ({
    at: 4 * lanes * v,
    lanes: Math.max(0, Math.min(lanes, columns - lanes * v)),
  }));
}

/** Lanes from memory `stride` bytes apart, zeros in the rest; none, too. */
export function loadStrided(address: I32, lanes: number, stride: number, offset: number): V128 {
  if (lanes === 0) return f32x4.const(0);
  if (stride === 4) return v128.loadLanes(address, lanes, offset);
  if (lanes > 4) return v128.gather(address, { lanes, stride, offset });
  let value = v128.load32Zero(address, offset);
  for (let lane = 1; lane < lanes; lane++)
    value = v128.load32Lane(address, value, lane, offset + lane * stride);
  return value;
}

/** The transpose of a 4x4 block: pairs of rows interleaved, then halves joined. */
export function transpose(f: FunctionBuilder, [a, b, c, d]: readonly [V128, V128, V128, V128]): V128[] {
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

/** Adds x · 0 to a sum that starts at 0: it becomes NaN where an x is not finite. */
export function noteFinite(f: FunctionBuilder, sum: Local<'v128'>, x: V128): void {
  f.set(sum, f32x4.add(sum, f32x4.mul(x, 0)));
}

/** 1 if all that was noted in a sum was finite. */
export function allFinite(sum: V128): I32 {
  return i32.eqz(i32x4.bitmask(f32x4.ne(sum, sum)));
}
