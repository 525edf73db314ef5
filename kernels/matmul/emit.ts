/**
 * A whole matrix multiplication for known sizes and strides, as plain numbers.
 *
 * Order of the loops, outermost first: matrices of the batch; groups of panels and blocks of k, packed, which stay in
 * the second level cache; groups of row tiles, whose part of A does; panels (one stays in the first level cache); tiles.
 * Blocks of k change no bits: between them the sums go through the output in the precision they are kept in.
 */
import { rowMajorStrides } from '../../src/core/shape.js';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import {
  EpilogueEmitter,
  type EpiloguePosition,
  type FinishVector,
  type OperandName,
} from '../toolkit/wasm/epilogue.js';
import { emitGemmTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { packing } from '../toolkit/wasm/packing.js';
import { Scratch } from '../toolkit/wasm/scratch.js';
import { type Bounds, TileGrid, type TileWork } from '../toolkit/wasm/tileGrid.js';
import { addressAt, emitPreparation, minimum, unravel } from '../toolkit/wasm/units.js';
import { type MatmulPlan, type MatmulShape, planMatmul } from './plan.js';

/** What happens to the finished sums: an `EpilogueEmitter`, or anything like it. */
export interface TileEpilogue {
  /** Names of the further inputs, in the order of their pointers after A and B. */
  readonly names: readonly OperandName[];
  begin(f: FunctionBuilder, p: Readonly<Record<string, I32>>, still: boolean): FinishVector;
  store(f: FunctionBuilder, out: I32, value: V128, position: EpiloguePosition): void;
}

export interface MatmulEmission extends Omit<WasmCode, 'bytes' | 'algorithm'> {
  readonly split: MatmulPlan['split'];
  /** The register tile, for reports: `6x8`. */
  readonly tile: string;
}

/** Writes `run(a, b, further inputs…, out, scratch, begin, end)`. Default epilogue: sums are stored as they are. */
export function emitMatmul(
  module: ModuleBuilder,
  shape: MatmulShape,
  options: Omit<WasmOptions, 'shared'>,
  epilogue: TileEpilogue = plainStore(shape),
): MatmulEmission {
  const plan = planMatmul(shape, options);
  const { block, panels, panelGroup, packedRows, units, split, repeats } = plan;
  const panelBytes = 4 * block * Math.min(panels.full.width * panelGroup, panels.rowBytes / 4);
  const scratch = new Scratch(
    units === 0 ? { panels: 0, rows: 0 } : { panels: panelBytes, rows: 4 * block * packedRows },
  );
  const loops = new MatmulLoops(module, plan, epilogue);
  module.kernel(['a', 'b', ...epilogue.names, 'out', 'scratch'], (f, p) => {
    if (units > 0) loops.write(f, { ...p, ...scratch.open(f, p.scratch) });
  });
  return {
    ...{ units, split, repeats, prepares: preparesPanels(plan), scratchBytes: scratch.bytes },
    tile: `${plan.tiles.size}x${panels.full.width}`,
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

const tileParameters = ['a', 'panel', 'row', 'column', 'out', 'fromK'] as const;
type TileParameter = (typeof tileParameters)[number] | OperandName;

/** A block of k: its first term, how many there are, and the tiles that sum them. */
interface SumBlock {
  readonly from: number;
  readonly length: number;
  readonly grid: TileGrid<TileParameter>;
}

/** A tile of a block of `length` terms: the last one takes the sums through the epilogue. */
function tileWork(
  { shape: { k, n, a }, packedRows, options: { wide = false } }: MatmulPlan,
  epilogue: TileEpilogue,
  length: number,
  last: boolean,
): TileWork<TileParameter> {
  return {
    name: `${last ? 'tile' : 'partial'}_${length}`,
    parameters: [...tileParameters, ...epilogue.names],
    write(f, p, rows, panel) {
      const element = f.let(i32.mul(i32.add(i32.mul(p.row, n), p.column), 4));
      const column = f.let(i32.mul(p.column, 4));
      const sumsAt = f.let(i32.add(p.out, element));
      const offset = (r: number, v: number) => 4 * r * n + panel.vectors[v]!.at;
      // sums of earlier blocks count but for the first block: then whatever the output holds is masked
      const earlier = length === k ? undefined : f.let(i32x4.splat(i32.sub(0, i32.ne(p.fromK, 0))));
      // begun behind the sums, whose registers are free by then
      let finish: FinishVector | undefined;
      const tile = {
        ...{ rows, columns: panel.width, segments: 1, segmentLength: length, segmentStride: 0, wide },
        rowStride: packedRows > 0 ? 4 : 4 * a.row,
        innerStride: packedRows > 0 ? 4 * packedRows : 4 * a.column,
      };
      emitGemmTile(f, tile, p, {
        initial(r, v) {
          if (earlier === undefined) return f32x4.const(0);
          return v128.and(v128.loadLanes(sumsAt, panel.vectors[v]!.lanes, offset(r, v)), earlier);
        },
        finish(r, v, sums) {
          if (!last) return sums;
          finish ??= epilogue.begin(f, p, true);
          return finish(sums, panel.position(v, element, column, r * n));
        },
        store(r, v, value) {
          if (last) epilogue.store(f, p.out, value, panel.position(v, element, column, r * n));
          else f.storeLanes(sumsAt, value, panel.vectors[v]!.lanes, offset(r, v));
        },
      });
    },
  };
}

type Pointers = Readonly<Record<'a' | 'b' | 'out' | 'panels' | 'rows', I32>> &
  Readonly<Record<'begin' | 'end', Local<'i32'>>> &
  Readonly<Record<OperandName, I32>>;

/** The loops of the kernel's own function. */
class MatmulLoops {
  private readonly blocks: readonly SumBlock[];
  private readonly lastFrom: number;

  constructor(
    private readonly module: ModuleBuilder,
    private readonly plan: MatmulPlan,
    private readonly epilogue: TileEpilogue,
  ) {
    const { k } = plan.shape;
    this.lastFrom = plan.block === 0 ? 0 : (Math.ceil(k / plan.block) - 1) * plan.block;
    const size = { rows: plan.shape.m, columns: plan.shape.n };
    this.blocks = (this.lastFrom === 0 ? [0] : [0, this.lastFrom]).map((from) => {
      const last = from === this.lastFrom;
      const length = last ? k - from : plan.block;
      const work = tileWork(plan, epilogue, length, last);
      return { from, length, grid: new TileGrid(module, size, plan.options, work) };
    });
  }

  write(f: FunctionBuilder, p: Pointers): void {
    const { tiles, panels, split, packsOnce, shape } = this.plan;
    const { begin, end } = p;
    const allPanels = { from: i32.const(0), to: i32.const(panels.count) };
    const packAll = (some: Bounds) =>
      this.packPanels(f, p, this.blocks[0]!, { matrix: p.b, fromK: i32.const(0), some });
    if (split === 'panels') {
      const some = { from: begin, to: end };
      if (packsOnce) packAll(some);
      this.multiply(f, p, i32.const(0), {
        rows: { from: i32.const(0), to: i32.const(tiles.groups) },
        panels: some,
      });
      return;
    }
    if (preparesPanels(this.plan)) emitPreparation(f, begin, () => packAll(allPanels));
    if (shape.batch.every((size) => size === 1)) {
      this.multiply(f, p, i32.const(0), { rows: { from: begin, to: end }, panels: allPanels });
      return;
    }
    f.while(i32.ltU(begin, end), () => {
      const matrix = f.let(i32.divU(begin, i32.const(tiles.groups)));
      const from = f.let(i32.sub(begin, i32.mul(matrix, tiles.groups)));
      const to = f.let(minimum(i32.add(from, i32.sub(end, begin)), i32.const(tiles.groups)));
      this.multiply(f, p, matrix, { rows: { from, to }, panels: allPanels });
      f.increase(begin, i32.sub(to, from));
    });
  }

  /** Some row tiles of one matrix of the batch, for some panels. */
  private multiply(
    f: FunctionBuilder,
    p: Pointers,
    matrix: I32,
    some: { rows: Bounds; panels: Bounds },
  ): void {
    const { plan, epilogue } = this;
    const { batch, m, a, b } = plan.shape;
    const position = unravel(f, matrix, batch);
    const bytes = (stride: number) => 4 * stride;
    const aMatrix = addressAt(f, p.a, position, a.batch.map(bytes));
    const bMatrix = addressAt(f, p.b, position, b.batch.map(bytes));
    const rowBase = f.let(i32.mul(matrix, m));
    const extra = epilogue.names.map((name) => p[name]!);
    f.loop(some.panels.from, some.panels.to, plan.panelGroup, (fromPanel) => {
      const group = {
        from: fromPanel,
        to: f.keep(minimum(i32.add(fromPanel, plan.panelGroup), some.panels.to)),
      };
      this.eachBlock(f, (block, fromK) => {
        if (!plan.packsOnce) this.packPanels(f, p, block, { matrix: bMatrix, fromK, some: group });
        const aBlock = f.let(i32.add(aMatrix, i32.mul(fromK, 4 * a.column)));
        f.loop(some.rows.from, some.rows.to, plan.rowGroup, (from) => {
          const tiles = { from, to: f.let(minimum(i32.add(from, plan.rowGroup), some.rows.to)) };
          const addressOf = this.rowAddresses(f, p, { block, aBlock, tiles });
          plan.panels.forEach(
            f,
            (panel, index) => {
              const packed = this.packedAt(f, p, block, i32.sub(index, group.from));
              const column = f.let(i32.mul(index, plan.panels.full.width));
              f.loop(tiles.from, tiles.to, 1, (tile) =>
                plan.tiles.pick(f, tile, (rows, row) => {
                  const outRow = i32.add(rowBase, row);
                  f.call(
                    block.grid.tile(rows, panel),
                    addressOf(row),
                    packed,
                    outRow,
                    column,
                    p.out,
                    fromK,
                    ...extra,
                  );
                }),
              );
            },
            group,
          );
        });
      });
    });
  }

  private eachBlock(f: FunctionBuilder, visit: (block: SumBlock, fromK: I32) => void): void {
    const [first, last] = this.blocks;
    if (last === undefined) visit(first!, i32.const(0));
    else {
      f.loop(0, this.lastFrom, this.plan.block, (fromK) => visit(first!, fromK));
      visit(last, i32.const(this.lastFrom));
    }
  }

  /** Where a panel of a block stands, packed: the one at `place` of those that are. */
  private packedAt(f: FunctionBuilder, p: Pointers, { length }: SumBlock, place: I32): I32 {
    return f.let(i32.add(p.panels, i32.mul(place, 4 * length * this.plan.panels.full.width)));
  }

  /** Packs a block of B, whose first row is `fromK`, for some panels. */
  private packPanels(
    f: FunctionBuilder,
    p: Pointers,
    block: SumBlock,
    of: { matrix: I32; fromK: I32; some: Bounds },
  ): void {
    const {
      panels,
      shape: { b },
    } = this.plan;
    panels.forEach(
      f,
      (panel, index) => {
        const first = i32.add(i32.mul(of.fromK, 4 * b.row), i32.mul(index, 4 * panels.full.width * b.column));
        const packed = this.packedAt(f, p, block, i32.sub(index, of.some.from));
        f.call(
          packing(this.module, { k: block.length, panel, rowStride: 4 * b.row, columnStride: 4 * b.column }),
          i32.add(of.matrix, first),
          packed,
        );
      },
      of.some,
    );
  }

  /** Where a tile finds its rows of A: in place, or in a copy [block][packedRows] of some tiles that is made here. */
  private rowAddresses(
    f: FunctionBuilder,
    p: Pointers,
    of: { block: SumBlock; aBlock: I32; tiles: Bounds },
  ): (row: I32) => I32 {
    const {
      tiles,
      packedRows,
      shape: { a },
    } = this.plan;
    const { block, aBlock } = of;
    if (packedRows === 0) return (row) => i32.add(aBlock, i32.mul(row, 4 * a.row));
    const fromRow = f.let(tiles.first(of.tiles.from));
    const bytes = f.let(i32.mul(i32.sub(tiles.first(of.tiles.to), fromRow), 4));
    const source = f.let(i32.add(aBlock, i32.mul(fromRow, 4)));
    const destination = f.let(p.rows);
    f.loop(0, block.length, 1, () => {
      f.copy(destination, source, bytes);
      f.increase(source, 4 * a.column);
      f.increase(destination, 4 * packedRows);
    });
    return (row) => i32.add(p.rows, i32.mul(i32.sub(row, fromRow), 4));
  }
}
