/**
 * A whole matrix multiplication for known sizes and strides, as plain numbers: the matmul kernel, and whatever is a
 * multiplication in disguise, are made of it.
 *
 * Order of the loops, outermost first: matrices of the batch; groups of panels and blocks of k, packed, which stay in
 * the second level cache; groups of row tiles, whose part of A does; panels (one stays in the first level cache); tiles.
 * Blocks of k change no bits: between them the sums go through the output in the precision they are kept in.
 */
import { rowMajorStrides } from '../../../src/core/shape.js';
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  i32x4,
  type ModuleBuilder,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { EpilogueEmitter, type EpiloguePosition, type FinishVector } from './epilogue.js';
import { emitGemmTile, panelColumns } from './gemm.js';
import type { WasmOptions } from './kernel.js';
import { type MatmulPlan, type MatmulShape, planMatmul } from './matmulPlan.js';
import { emitPackPanel } from './packing.js';
import { addressAt, emitPreparation, minimum, unravel } from './units.js';

/** What happens to the finished sums: an `EpilogueEmitter`, or anything like it. */
export interface TileEpilogue {
  /** Names of the further inputs, in the order of their pointers after A and B. */
  readonly names: readonly string[];
  begin(f: FunctionBuilder, pointers: readonly I32[], still: boolean): FinishVector;
  store(f: FunctionBuilder, out: I32, value: V128, position: EpiloguePosition): void;
}

export interface MatmulEmission {
  /** Units of work: row tiles of all matrices, or panels of columns. */
  readonly units: number;
  readonly split: MatmulPlan['split'];
  /** As WasmCode has them. */
  readonly prepares: boolean;
  readonly repeats: boolean;
  /** Bytes of scratch that each worker needs, a multiple of 64; with 0 the kernel takes no scratch pointer. */
  readonly scratchBytes: number;
  /** The register tile, for reports: `6x8`. */
  readonly tile: string;
  /** Writes `run(a, b, further inputs…, out, scratch if any, begin, end)`. */
  emit(module: ModuleBuilder): void;
}

/** Plans a multiplication and returns what writes its kernel. Without an epilogue the sums are stored as they are. */
export function matmulEmission(
  shape: MatmulShape,
  options: Omit<WasmOptions, 'shared'>,
  epilogue: TileEpilogue = plainStore(shape),
): MatmulEmission {
  const plan = planMatmul(shape, options);
  return {
    units: plan.units,
    split: plan.split,
    prepares: preparesPanels(plan),
    repeats: plan.repeats,
    scratchBytes: plan.scratchBytes,
    tile: `${plan.rowCut.rows}x${panelColumns}`,
    emit: (module) => emitKernel(module, plan, epilogue),
  };
}

/** Whether a range of rows packs all of B, which serves further ranges. */
function preparesPanels({ packsOnce, split, units }: MatmulPlan): boolean {
  return packsOnce && split === 'rows' && units > 0;
}

function plainStore({ batch, m, n }: MatmulShape): TileEpilogue {
  const shape = [...batch, m, n];
  return new EpilogueEmitter(undefined, {
    inputs: [],
    outputs: [{ dtype: 'float32', shape, strides: rowMajorStrides(shape) }],
  });
}

/** Columns of a panel: those that exist, and the width that zeros fill. */
interface PanelSize {
  readonly columns: number;
  readonly width: 4 | 8;
}

/** A block of k: how many terms, and whether they are the last ones. */
interface SumBlock {
  readonly length: number;
  readonly last: boolean;
}

/** The functions for one kind of panel: its packing, and its tiles (tall ones, then others). */
interface PanelFunctions {
  readonly pack: FunctionHandle;
  readonly tiles: readonly FunctionHandle[];
}

/** The functions for one kind of block: for full panels and for the last one, as far as they occur. */
interface BlockFunctions {
  readonly length: number;
  readonly full: PanelFunctions | undefined;
  readonly rest: PanelFunctions | undefined;
}

const integers = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, 'i32'])) as Record<string, 'i32'>;

/** Writes the function of one size of tile. Being called often, it is soon replaced by its optimized code. */
function emitTile(
  module: ModuleBuilder,
  { shape: { k, n, a }, packedRows, wide }: MatmulPlan,
  epilogue: TileEpilogue,
  rows: number,
  { columns, width }: PanelSize,
  { length, last }: SumBlock,
): FunctionHandle {
  const parameters = {
    ...integers(['a', 'panel', 'row', 'column', 'out', 'fromK']),
    ...integers(epilogue.names),
  };
  return module.function(`tile_${rows}x${columns}x${length}`, parameters, (f, p) => {
    const element = f.let(i32.mul(i32.add(i32.mul(p.row!, n), p.column!), 4));
    const columnBytes = f.let(i32.mul(p.column!, 4));
    const sumsAt = f.let(i32.add(p.out!, element));
    const lanes = (v: number) => Math.min(4, columns - 4 * v);
    const offset = (r: number, v: number) => 4 * r * n + 16 * v;
    const tile = {
      ...{ rows, columns: width, segments: 1, segmentLength: length, segmentStride: 0 },
      rowStride: packedRows > 0 ? 4 : 4 * a.row,
      innerStride: packedRows > 0 ? 4 * packedRows : 4 * a.column,
      wide,
    };
    const position = (r: number, v: number): EpiloguePosition => ({
      element: { base: element, constant: offset(r, v) },
      column: { base: columnBytes, constant: 16 * v },
      lanes: lanes(v),
    });
    // sums of earlier blocks count but for the first block: then whatever the output holds is masked
    const earlier = length === k ? undefined : f.let(i32x4.splat(i32.sub(0, i32.ne(p.fromK!, 0))));
    // Begun behind the sums, whose registers are free by then.
    let finish: FinishVector | undefined;
    emitGemmTile(
      f,
      tile,
      { a: p.a!, panel: p.panel! },
      {
        initial(r, v) {
          if (earlier === undefined) return f32x4.const(0);
          return v128.and(v128.loadLanes(sumsAt, lanes(v), offset(r, v)), earlier);
        },
        finish(r, v, sums) {
          if (!last) return sums;
          finish ??= epilogue.begin(
            f,
            epilogue.names.map((name) => p[name]!),
            true,
          );
          return finish(sums, position(r, v));
        },
        store(r, v, value) {
          if (last) epilogue.store(f, p.out!, value, position(r, v));
          else f.storeLanes(sumsAt, value, lanes(v), offset(r, v));
        },
      },
    );
  });
}

/** Writes the functions for one kind of block. */
function emitBlock(
  module: ModuleBuilder,
  plan: MatmulPlan,
  epilogue: TileEpilogue,
  block: SumBlock,
): BlockFunctions {
  const { shape, rowCut, panelCut } = plan;
  const { row, column } = shape.b;
  const heights = rowCut.tall < rowCut.tiles ? [rowCut.rows, rowCut.rows - 1] : [rowCut.rows];
  const functions = ({ columns, width }: PanelSize): PanelFunctions => ({
    pack: module.function(`pack_${block.length}x${columns}`, { source: 'i32', destination: 'i32' }, (f, p) =>
      emitPackPanel(f, { k: block.length, columns, width, rowStride: 4 * row, columnStride: 4 * column }, p),
    ),
    tiles: heights.map((rows) => emitTile(module, plan, epilogue, rows, { columns, width }, block)),
  });
  return {
    length: block.length,
    full: panelCut.full > 0 ? functions({ columns: panelColumns, width: panelColumns }) : undefined,
    rest: panelCut.rest > 0 ? functions({ columns: panelCut.rest, width: panelCut.restWidth }) : undefined,
  };
}

/** Writes the kernel: its functions, and the loops that call them in order. */
function emitKernel(module: ModuleBuilder, plan: MatmulPlan, epilogue: TileEpilogue): void {
  const names = ['a', 'b', ...epilogue.names, 'out', ...(plan.scratchBytes > 0 ? ['scratch'] : [])];
  if (plan.units === 0) {
    module.kernel(names, () => {});
    return;
  }

  const { batch, k } = plan.shape;
  const lastFrom = plan.block === 0 ? 0 : (Math.ceil(k / plan.block) - 1) * plan.block;
  const middle =
    lastFrom === 0 ? undefined : emitBlock(module, plan, epilogue, { length: plan.block, last: false });
  const last = emitBlock(module, plan, epilogue, { length: k - lastFrom, last: true });

  module.kernel(names, (f, p) => {
    const pointers = { a: p.a!, b: p.b!, out: p.out!, scratch: p.scratch ?? i32.const(0) };
    const extra = epilogue.names.map((name) => p[name]!);
    const loops = new MatmulLoops(f, plan, { middle, last, lastFrom }, pointers, extra);
    const [begin, end] = [p.begin!, p.end!];
    const allPanels = { from: i32.const(0), to: i32.const(plan.panels) };
    if (plan.split === 'panels') {
      const panels = { from: begin, to: end };
      if (plan.packsOnce) loops.packPanels(last, p.b!, i32.const(0), panels);
      return loops.multiply(i32.const(0), { from: i32.const(0), to: i32.const(plan.rowCut.tiles) }, panels);
    }
    if (preparesPanels(plan)) {
      emitPreparation(f, begin, () => loops.packPanels(last, p.b!, i32.const(0), allPanels));
    }
    if (batch.every((size) => size === 1)) {
      return loops.multiply(i32.const(0), { from: begin, to: end }, allPanels);
    }
    f.while(i32.ltU(begin, end), () => {
      const tiles = plan.rowCut.tiles;
      const matrix = f.let(i32.divU(begin, i32.const(tiles)));
      const from = f.let(i32.sub(begin, i32.mul(matrix, tiles)));
      const to = f.let(minimum(i32.add(from, i32.sub(end, begin)), i32.const(tiles)));
      loops.multiply(matrix, { from, to }, allPanels);
      f.increase(begin, i32.sub(to, from));
    });
  });
}

/** A half-open range. */
interface Bounds {
  readonly from: I32;
  readonly to: I32;
}

/** The loops of the kernel's own function. */
class MatmulLoops {
  constructor(
    private readonly f: FunctionBuilder,
    private readonly plan: MatmulPlan,
    private readonly blocks: { middle: BlockFunctions | undefined; last: BlockFunctions; lastFrom: number },
    private readonly pointers: Readonly<Record<'a' | 'b' | 'out' | 'scratch', I32>>,
    private readonly extra: readonly I32[],
  ) {}

  /** Some row tiles of one matrix of the batch, for some panels. */
  multiply(matrix: I32, rows: Bounds, panels: Bounds): void {
    const { f, plan, blocks, pointers } = this;
    const { batch, m, a, b } = plan.shape;
    const position = unravel(f, matrix, batch);
    const aMatrix = addressAt(f, pointers.a, 'float32', position, a.batch);
    const bMatrix = addressAt(f, pointers.b, 'float32', position, b.batch);
    const rowBase = f.let(i32.mul(matrix, m));
    f.loop(panels.from, panels.to, plan.panelGroup, (fromPanel) => {
      const limit = minimum(i32.add(fromPanel, plan.panelGroup), panels.to);
      const toPanel = limit.constant === undefined ? f.let(limit) : limit;
      const group = { from: fromPanel, to: toPanel };
      const multiplyBlock = (block: BlockFunctions, fromK: I32) => {
        if (!plan.packsOnce) this.packPanels(block, bMatrix, fromK, group);
        const aBlock = f.let(i32.add(aMatrix, i32.mul(fromK, 4 * a.column)));
        f.loop(rows.from, rows.to, plan.rowGroup, (fromTile) => {
          const toTile = f.let(minimum(i32.add(fromTile, plan.rowGroup), rows.to));
          const addressOf = this.rowAddresses(block, aBlock, fromTile, toTile);
          this.eachPanel(block, group, ({ tiles }, panel, packed) => {
            const column = f.let(i32.mul(panel, panelColumns));
            this.eachTile(fromTile, toTile, (height, row) => {
              const outRow = i32.add(rowBase, row);
              f.call(
                tiles[height]!,
                addressOf(row),
                packed,
                outRow,
                column,
                pointers.out,
                fromK,
                ...this.extra,
              );
            });
          });
        });
      };
      const { middle, last, lastFrom } = blocks;
      if (middle) f.loop(0, lastFrom, plan.block, (fromK) => multiplyBlock(middle, fromK));
      multiplyBlock(last, i32.const(lastFrom));
    });
  }

  /** Packs a block of B, whose first row is `fromK`, for a range of panels. */
  packPanels(block: BlockFunctions, matrix: I32, fromK: I32, panels: Bounds): void {
    const { row, column } = this.plan.shape.b;
    this.eachPanel(block, panels, ({ pack }, panel, packed) => {
      const first = i32.add(i32.mul(fromK, 4 * row), i32.mul(panel, 4 * panelColumns * column));
      this.f.call(pack, i32.add(matrix, first), packed);
    });
  }

  /** Where a tile finds its rows of A: in place, or in a copy [block][packedRows] of a range of tiles that is made here. */
  private rowAddresses(block: BlockFunctions, aBlock: I32, from: I32, to: I32): (row: I32) => I32 {
    const { f, plan, pointers } = this;
    const { row: rowStride, column: columnStride } = plan.shape.a;
    if (plan.packedRows === 0) return (row) => i32.add(aBlock, i32.mul(row, 4 * rowStride));
    const copy = f.let(i32.add(pointers.scratch, plan.packedRowsOffset));
    const fromRow = f.let(this.firstRow(from));
    const bytes = f.let(i32.mul(i32.sub(this.firstRow(to), fromRow), 4));
    const source = f.let(i32.add(aBlock, i32.mul(fromRow, 4)));
    const destination = f.let(copy);
    f.loop(0, block.length, 1, () => {
      f.copy(destination, source, bytes);
      f.increase(source, 4 * columnStride);
      f.increase(destination, 4 * plan.packedRows);
    });
    return (row) => i32.add(copy, i32.mul(i32.sub(row, fromRow), 4));
  }

  /** The first row of a tile: as if all had a row less than the tall ones, and the rows that these have more. */
  private firstRow(tile: I32): I32 {
    const { rows, tall } = this.plan.rowCut;
    return i32.add(i32.mul(tile, rows - 1), minimum(tile, i32.const(tall)));
  }

  private eachPanel(
    block: BlockFunctions,
    { from, to }: Bounds,
    visit: (functions: PanelFunctions, panel: I32, packed: I32) => void,
  ): void {
    const { f, plan, pointers } = this;
    const { full, rest } = block;
    const end = i32.const(plan.panelCut.full);
    const packed = (panel: I32) =>
      f.let(i32.add(pointers.scratch, i32.mul(i32.sub(panel, from), 4 * block.length * panelColumns)));
    if (full) f.loop(from, minimum(to, end), 1, (panel) => visit(full, panel, packed(panel)));
    if (rest) f.if(i32.gtU(to, end), () => visit(rest, end, packed(end)));
  }

  private eachTile(from: I32, to: I32, visit: (height: number, row: I32) => void): void {
    const { f, plan } = this;
    const { tiles, tall } = plan.rowCut;
    f.loop(from, to, 1, (tile) => {
      const row = f.let(this.firstRow(tile));
      if (tall === tiles) visit(0, row);
      else
        f.if(
          i32.ltU(tile, i32.const(tall)),
          () => visit(0, row),
          () => visit(1, row),
        );
    });
  }
}
