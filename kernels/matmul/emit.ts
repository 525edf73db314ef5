/**
 * A whole matrix multiplication for known sizes and strides, as plain numbers.
 *
 * Order of the loops, outermost first: matrices of the batch; groups of panels and blocks of k, packed, which stay in
 * the second level cache; groups of row tiles, whose part of A does; panels (one stays in the first level cache); tiles.
 * Blocks of k change no bits: between them the sums go through the output in the precision they are kept in.
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
  select,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { EpilogueEmitter, FinishVector, OperandName } from '../toolkit/wasm/epilogue.js';
import { emitGemmTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { notedPacking, packing } from '../toolkit/wasm/packing.js';
import { allFinite, listing, readTerms } from '../toolkit/wasm/terms.js';
import { type Bounds, type Panel, TileGrid, type TileWork } from '../toolkit/wasm/tileGrid.js';
import { addressAt, emitPreparation, minimum, Scratch, unravel } from '../toolkit/wasm/units.js';
import { type MatmulPlan, type MatmulShape, planMatmul } from './plan.js';

/** What is known of a matmul that has been written. */
export type EmittedMatmul = Omit<WasmCode, 'bytes' | 'algorithm'> &
  Pick<MatmulPlan, 'split' | 'skips'> & { readonly tile: string };

/** Writes `run(a, b, operands of the epilogue…, out, scratch, begin, end)`. */
export function emitMatmul(
  module: ModuleBuilder,
  shape: MatmulShape,
  options: Omit<WasmOptions, 'shared'>,
  epilogue: EpilogueEmitter,
): EmittedMatmul {
  const plan = planMatmul(shape, options);
  const { block, panels, panelGroup, packedRows, units, split, repeats } = plan;
  const panelBytes = 4 * block * Math.min(panels.full.width * panelGroup, panels.rowBytes / 4);
  const records = plan.skips === undefined ? 0 : plan.skips === 'once' ? plan.tiles.groups : plan.rowGroup;
  const sizes = {
    ...{ panels: panelBytes, rows: 4 * block * packedRows },
    // a vector that is NaN where B is not finite, and the records
    ...{ note: 4 * module.lanes, records: records * plan.recordBytes },
  };
  const scratch = new Scratch(units === 0 ? { panels: 0, rows: 0, note: 0, records: 0 } : sizes);
  // a range of rows packs all of B, one of columns lists all terms: both serve further ranges
  const prepares = units > 0 && (split === 'rows' ? plan.packsOnce : plan.skips === 'once');
  const blocks = blocksOf(module, plan, epilogue);
  module.kernel(['a', 'b', ...epilogue.names, 'out', 'scratch'], (f, p) => {
    if (units === 0) return;
    const operands = epilogue.names.map((name) => p[name]!);
    new MatmulLoops(plan, blocks, f, { ...p, ...scratch.open(f, p.scratch), operands }).write(prepares);
  });
  return {
    ...{ units, split, skips: plan.skips, repeats, prepares, scratchBytes: scratch.bytes },
    tile: `${plan.tiles.size}x${panels.full.width}`,
  };
}

/** A block of k: its first term, how many there are, what packs a panel of B for it, and the tiles that sum them. */
interface SumBlock {
  readonly from: number;
  readonly length: number;
  readonly grid: TileGrid<TileParameter>;
  /** With `skips`, it is told where to note what of B is not finite. */
  pack(panel: Panel): FunctionHandle;
  /** Makes the record of the terms of a tile of so many rows. */
  list(rows: number): FunctionHandle;
}

/** Strides in bytes of A as tiles find it: in place, or packed. */
function stridesOfA({ shape: { a }, packedRows }: MatmulPlan) {
  if (packedRows > 0) return { row: 4, inner: 4 * packedRows };
  return { row: 4 * a.row, inner: 4 * a.column };
}

/** The first block, which stands for all of its length, and the last if it is another. */
function blocksOf(module: ModuleBuilder, plan: MatmulPlan, epilogue: EpilogueEmitter): SumBlock[] {
  const { block, options, skips } = plan;
  const { m: rows, k, n: columns, b } = plan.shape;
  const { row: rowStride, inner: termStride } = stridesOfA(plan);
  const strides = { rowStride, termStride };
  const lastFrom = block === 0 ? 0 : (Math.ceil(k / block) - 1) * block;
  return (lastFrom === 0 ? [0] : [0, lastFrom]).map((from) => {
    const last = from === lastFrom;
    const length = last ? k - from : block;
    const source = { k: length, rowStride: 4 * b.row, columnStride: 4 * b.column };
    return {
      ...{ from, length },
      grid: new TileGrid(module, { rows, columns }, options, tileWork(plan, epilogue, length, last)),
      pack: (panel) => (skips ? notedPacking : packing)(module, { ...source, panel }),
      list: (rows) => listing(module, { ...strides, rows, terms: length }),
    };
  });
}

const tileParameters = ['a', 'panel', 'row', 'column', 'out', 'fromK', 'record'] as const;
type TileParameter = (typeof tileParameters)[number] | OperandName;

/** A tile of a block of `length` terms: the last one takes the sums through the epilogue. */
function tileWork(
  plan: MatmulPlan,
  epilogue: EpilogueEmitter,
  length: number,
  last: boolean,
): TileWork<TileParameter> {
  const { k, n } = plan.shape;
  const strides = stridesOfA(plan);
  return {
    name: `${last ? 'tile' : 'partial'}_${length}`,
    parameters: [...tileParameters, ...epilogue.names],
    write(f, p, panel, size) {
      const element = f.let(i32.mul(i32.add(i32.mul(p.row, n), p.column), 4));
      const column = f.let(i32.mul(p.column, 4));
      const sumsAt = f.let(i32.add(p.out, element));
      const offset = (r: number, v: number) => 4 * r * n + panel.vectors[v]!.at;
      // sums of earlier blocks count but for the first block: then whatever the output holds is masked
      const earlier = length === k ? undefined : f.let(i32x4.splat(i32.sub(0, i32.ne(p.fromK, 0))));
      // begun behind the sums, whose registers are free by then
      let finish: FinishVector | undefined;
      const tile = {
        ...size,
        segmentLength: length,
        rowStride: strides.row,
        innerStride: strides.inner,
        ...(plan.skips && { terms: readTerms(f, p.record) }),
      };
      emitGemmTile(f, tile, p, {
        initial(r, v) {
          if (earlier === undefined) return f32x4.const(0);
          return v128.and(v128.loadLanes(sumsAt, panel.vectors[v]!.lanes, offset(r, v)), earlier);
        },
        finish(r, v, sums) {
          if (!last) return sums;
          finish ??= epilogue.begin(f, p, true);
          if (plan.endsPositive) f.set(sums, f32x4.add(sums, 0));
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

interface Pointers extends Readonly<Record<'a' | 'b' | 'out' | 'panels' | 'rows' | 'note' | 'records', I32>> {
  readonly begin: Local<'i32'>;
  readonly end: Local<'i32'>;
  readonly operands: readonly I32[];
}

/** The loops of the kernel's own function. */
class MatmulLoops {
  constructor(
    private readonly plan: MatmulPlan,
    private readonly blocks: readonly SumBlock[],
    private readonly f: FunctionBuilder,
    private readonly p: Pointers,
  ) {}

  write(prepares: boolean): void {
    const { f, p } = this;
    const { tiles, panels, split, packsOnce, shape } = this.plan;
    const { begin, end } = p;
    const first = i32.const(0);
    const all = { from: first, to: i32.const(tiles.groups) };
    const allPanels = { from: first, to: i32.const(panels.count) };
    const packAll = (some: Bounds) => this.packPanels(this.blocks[0]!, p.b, first, some);
    if (split === 'panels') {
      if (prepares)
        emitPreparation(f, begin, () =>
          this.listTerms(this.blocks[0]!, (row) => this.rowInPlace(p.a, row), all),
        );
      const some = { from: begin, to: end };
      if (packsOnce) packAll(some);
      this.multiply(first, all, some);
      return;
    }
    if (prepares) emitPreparation(f, begin, () => packAll(allPanels));
    if (shape.batch.every((size) => size === 1)) {
      this.multiply(first, { from: begin, to: end }, allPanels);
      return;
    }
    f.while(i32.ltU(begin, end), () => {
      const matrix = f.let(i32.divU(begin, i32.const(tiles.groups)));
      const from = f.let(i32.sub(begin, i32.mul(matrix, tiles.groups)));
      const to = f.let(minimum(i32.add(from, i32.sub(end, begin)), i32.const(tiles.groups)));
      this.multiply(matrix, { from, to }, allPanels);
      f.increase(begin, i32.sub(to, from));
    });
  }

  /** Some row tiles of one matrix of the batch, for some panels. */
  private multiply(matrix: I32, rows: Bounds, some: Bounds): void {
    const { f, p, plan } = this;
    const { batch, m, a, b } = plan.shape;
    const position = unravel(f, matrix, batch);
    const bytes = (stride: number) => 4 * stride;
    const aMatrix = addressAt(f, p.a, position, a.batch.map(bytes));
    const bMatrix = addressAt(f, p.b, position, b.batch.map(bytes));
    const rowBase = f.let(i32.mul(matrix, m));
    f.loop(some.from, some.to, plan.panelGroup, (from) => {
      const group = { from, to: f.keep(minimum(i32.add(from, plan.panelGroup), some.to)) };
      this.eachBlock((block, fromK) => {
        if (!plan.packsOnce) this.packPanels(block, bMatrix, fromK, group);
        const finite = plan.skips && f.let(allFinite(f.let(v128.load(p.note))));
        const aBlock = f.let(i32.add(aMatrix, i32.mul(fromK, 4 * a.column)));
        f.loop(rows.from, rows.to, plan.rowGroup, (from) => {
          const tiles = { from, to: f.let(minimum(i32.add(from, plan.rowGroup), rows.to)) };
          const addressOf = this.rowAddresses(block, aBlock, tiles);
          if (plan.skips === 'groups') this.listTerms(block, addressOf, tiles);
          const visit = (panel: Panel, index: I32) => {
            const packed = this.packedAt(block, i32.sub(index, group.from));
            const column = f.let(i32.mul(index, plan.panels.full.width));
            f.loop(tiles.from, tiles.to, 1, (tile) =>
              plan.tiles.pick(f, tile, (height, row) => {
                const place = [addressOf(row), packed, i32.add(rowBase, row), column] as const;
                const record =
                  finite === undefined ? 0 : select(finite, this.recordOf(tile, tiles), i32.const(0));
                f.call(block.grid.tile(height, panel), ...place, p.out, fromK, record, ...p.operands);
              }),
            );
          };
          plan.panels.forEach(f, visit, group);
        });
      });
    });
  }

  private eachBlock(visit: (block: SumBlock, fromK: I32) => void): void {
    const [first, last = first] = this.blocks;
    this.f.loop(0, last!.from, Math.max(1, this.plan.block), (fromK) => visit(first!, fromK));
    visit(last!, i32.const(last!.from));
  }

  /** Where a panel of a block stands, packed: the one at `place` of those that are. */
  private packedAt({ length }: SumBlock, place: I32): I32 {
    return this.f.let(i32.add(this.p.panels, i32.mul(place, 4 * length * this.plan.panels.full.width)));
  }

  /** Packs a block of a matrix B, whose first row is `fromK`, for some panels. */
  private packPanels(block: SumBlock, matrix: I32, fromK: I32, some: Bounds): void {
    const { f, p, plan } = this;
    const { row, column } = plan.shape.b;
    if (plan.skips) f.store(p.note, f32x4.const(0));
    const visit = (panel: Panel, index: I32) => {
      const first = i32.add(i32.mul(fromK, 4 * row), i32.mul(index, 4 * plan.panels.full.width * column));
      const packed = this.packedAt(block, i32.sub(index, some.from));
      const note = plan.skips ? [p.note] : [];
      f.call(block.pack(panel), i32.add(matrix, first), packed, ...note);
    };
    plan.panels.forEach(f, visit, some);
  }

  /** Makes the records of some tiles. */
  private listTerms(block: SumBlock, addressOf: (row: I32) => I32, some: Bounds): void {
    const { f, plan } = this;
    f.loop(some.from, some.to, 1, (tile) =>
      plan.tiles.pick(f, tile, (height, row) =>
        f.call(block.list(height), addressOf(row), this.recordOf(tile, some)),
      ),
    );
  }

  /** Where the record of a tile stands, of those that are kept. */
  private recordOf(tile: I32, some: Bounds): I32 {
    const place = this.plan.skips === 'once' ? tile : i32.sub(tile, some.from);
    return i32.add(this.p.records, i32.mul(place, this.plan.recordBytes));
  }

  /** Where a row of A stands, in place. */
  private rowInPlace(aBlock: I32, row: I32): I32 {
    return i32.add(aBlock, i32.mul(row, 4 * this.plan.shape.a.row));
  }

  /** Where a tile finds its rows of A: in place, or in a copy [block][packedRows] of some tiles that is made here. */
  private rowAddresses(block: SumBlock, aBlock: I32, some: Bounds): (row: I32) => I32 {
    const { f, p } = this;
    const { tiles, packedRows, shape } = this.plan;
    const { a } = shape;
    if (packedRows === 0) return (row) => this.rowInPlace(aBlock, row);
    const fromRow = f.let(tiles.first(some.from));
    const bytes = f.let(i32.mul(i32.sub(tiles.first(some.to), fromRow), 4));
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
