/**
 * A whole matrix multiplication for known sizes and strides, as plain numbers.
 *
 * Order of the loops, outermost first: matrices of the batch; groups of panels and blocks of k, packed, which stay in
 * the second level cache; groups of row tiles, whose part of A does; panels (one stays in the first level cache); tiles.
 * Blocks of k change no bits: between them the sums go through the output in the precision they are kept in.
 */
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { EpilogueEmitter } from '../toolkit/wasm/epilogue.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { allFinite } from '../toolkit/wasm/packing.js';
import { allTerms, eachStrip, tableBytes, writeTable } from '../toolkit/wasm/terms.js';
import type { Bounds, Panel } from '../toolkit/wasm/tileGrid.js';
import { addressAt, emitPreparation, minimum, Scratch, unravel } from '../toolkit/wasm/units.js';
import { type MatmulPlan, type MatmulShape, planMatmul } from './plan.js';
import { blocksOf, type SumBlock } from './sums.js';

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
  const { panels, units, split, repeats } = plan;
  const scratch = scratchOf(plan, module.lanes);
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

/**
 * Packed B and A; with `skips`, a vector that is NaN where B is not finite, the table by which terms are listed, and the
 * records.
 */
function scratchOf(plan: MatmulPlan, lanes: number) {
  const { shape, block, panels, groups, panelGroup, packedRows, tiles, strips, skips } = plan;
  const together = Math.min(panels.full.width * panelGroup * groups.cut.size, panels.rowBytes / 4);
  const records = strips * (skips === 'once' ? tiles.groups : plan.rowGroup);
  const none = { panels: 0, rows: 0, note: 0, table: 0, records: 0 };
  if (plan.units === 0) return new Scratch(none);
  return new Scratch({
    ...{ panels: 4 * (plan.packsOnce ? shape.k : block) * together, rows: 4 * block * packedRows },
    ...(skips
      ? { note: 4 * lanes, table: tableBytes, records: records * plan.recordBytes }
      : { note: 0, table: 0, records: 0 }),
  });
}

type Operand = 'a' | 'b' | 'out' | 'panels' | 'rows' | 'note' | 'table' | 'records';

interface Pointers extends Readonly<Record<Operand, I32>> {
  readonly begin: Local<'i32'>;
  readonly end: Local<'i32'>;
  readonly operands: readonly I32[];
}

/** Some tiles and groups of panels of a block. */
interface Work {
  readonly block: SumBlock;
  readonly fromK: I32;
  readonly tiles: Bounds;
  readonly group: Bounds;
  /** 1 if what is packed of B is finite. */
  readonly finite: I32;
  /** The row of the output where the matrix begins. */
  readonly rowBase: I32;
  readonly addressOf: (row: I32) => I32;
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
    const { tiles, groups, split, packsOnce, skips, shape } = this.plan;
    const { begin, end } = p;
    const first = i32.const(0);
    const all = { from: first, to: i32.const(tiles.groups) };
    const allPanels = { from: first, to: i32.const(groups.cut.groups) };
    if (skips) writeTable(f, p.table);
    const packAll = (some: Bounds) => {
      this.clearNote();
      this.eachBlock((block, fromK) => {
        this.packPanels(block, f.let(i32.add(p.b, i32.mul(fromK, 4 * shape.b.row))), fromK, some);
      });
    };
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

  /** Some row tiles of one matrix of the batch, for some groups of panels. */
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
        const bBlock = f.let(i32.add(bMatrix, i32.mul(fromK, 4 * b.row)));
        if (!plan.packsOnce) {
          this.clearNote();
          this.packPanels(block, bBlock, fromK, group);
        }
        const finite = f.let(plan.skips ? allFinite(f.let(v128.load(p.note))) : i32.const(0));
        const aBlock = f.let(i32.add(aMatrix, i32.mul(fromK, 4 * a.column)));
        f.loop(rows.from, rows.to, plan.rowGroup, (from) => {
          const tiles = { from, to: f.let(minimum(i32.add(from, plan.rowGroup), rows.to)) };
          const addressOf = this.rowAddresses(block, aBlock, tiles);
          if (plan.skips === 'groups') this.listTerms(block, addressOf, tiles);
          const work = { block, fromK, tiles, group, finite, rowBase, addressOf };
          this.multiplyTiles(work);
          if (plan.skips) f.if(finite, () => this.multiplyRows(work));
        });
      });
    });
  }

  /** The tiles all of whose terms are summed, panel by panel. */
  private multiplyTiles({ block, fromK, tiles, group, finite, rowBase, addressOf }: Work): void {
    const { f, p, plan } = this;
    const panels = plan.groups.panelsOf(f, group);
    const visit = (panel: Panel, index: I32) => {
      const packed = this.packedAt(block, fromK, i32.sub(index, panels.from));
      const column = f.let(i32.mul(index, plan.panels.full.width));
      f.loop(tiles.from, tiles.to, 1, (tile) =>
        plan.tiles.pick(f, tile, (height, row) => {
          const place = [addressOf(row), packed, i32.add(rowBase, row), column] as const;
          const call = () => f.call(block.grid.tile(height, panel), ...place, p.out, fromK, ...p.operands);
          if (plan.skips) f.if(i32.or(i32.eqz(finite), this.sumsAll(tile, tiles)), call);
          else call();
        }),
      );
    };
    plan.panels.forEach(f, visit, panels);
  }

  /** The rows of tiles whose terms are listed, group of panels by group of panels. */
  private multiplyRows({ block, fromK, tiles, group, rowBase, addressOf }: Work): void {
    const { f, p, plan } = this;
    const { from } = plan.groups.panelsOf(f, group);
    plan.groups.forEach(f, group, (panels, first) => {
      const packed = this.packedAt(block, fromK, i32.sub(first, from));
      const column = f.let(i32.mul(first, plan.panels.full.width));
      f.loop(tiles.from, tiles.to, 1, (tile) => {
        const write = (size: number, row: I32, strip: I32) => {
          const place = [addressOf(row), packed, i32.add(rowBase, row), column] as const;
          const record = this.recordOf(tile, tiles, strip);
          f.call(block.listedRows(size, panels), ...place, p.out, fromK, ...p.operands, record);
        };
        const { rows } = plan.listed;
        const strips = () => {
          if (rows === 1) {
            // in one loop, however tall the tile is
            const top = f.let(plan.tiles.first(tile));
            const below = f.let(plan.tiles.first(i32.add(tile, 1)));
            f.loop(top, below, 1, (row) => write(1, row, i32.sub(row, top)));
          } else {
            plan.tiles.pick(f, tile, (height, top) =>
              eachStrip(f, { rows: height, strip: rows }, (size, index) =>
                write(size, f.let(i32.add(top, i32.mul(index, rows))), index),
              ),
            );
          }
        };
        f.if(i32.eqz(this.sumsAll(tile, tiles)), strips);
      });
    });
  }

  private eachBlock(visit: (block: SumBlock, fromK: I32) => void): void {
    const [first, last = first] = this.blocks;
    this.f.loop(0, last!.from, Math.max(1, this.plan.block), (fromK) => visit(first!, fromK));
    visit(last!, i32.const(last!.from));
  }

  /** Where a panel of a block stands, packed: the one at `place` of those that are. */
  private packedAt({ length }: SumBlock, fromK: I32, place: I32): I32 {
    const { panels, packsOnce } = this.plan;
    const block = packsOnce ? i32.mul(fromK, panels.rowBytes) : i32.const(0);
    return this.f.let(i32.sum(this.p.panels, block, i32.mul(place, 4 * length * panels.full.width)));
  }

  private clearNote(): void {
    if (this.plan.skips) this.f.store(this.p.note, f32x4.const(0));
  }

  /** Packs a block of B, whose first row is `fromK` and stands at `from`, for some groups of panels. */
  private packPanels(block: SumBlock, from: I32, fromK: I32, group: Bounds): void {
    const { f, p, plan } = this;
    const { column } = plan.shape.b;
    const some = plan.groups.panelsOf(f, group);
    const visit = (panel: Panel, index: I32) => {
      const first = i32.add(from, i32.mul(index, 4 * plan.panels.full.width * column));
      const packed = this.packedAt(block, fromK, i32.sub(index, some.from));
      const note = plan.skips ? [p.note] : [];
      f.call(block.pack(panel), first, packed, ...note);
    };
    plan.panels.forEach(f, visit, some);
  }

  /** Makes the records of some tiles. */
  private listTerms(block: SumBlock, addressOf: (row: I32) => I32, some: Bounds): void {
    const { f, p, plan } = this;
    f.loop(some.from, some.to, 1, (tile) =>
      plan.tiles.pick(f, tile, (height, row) =>
        f.call(block.list(height), addressOf(row), this.recordOf(tile, some), p.table),
      ),
    );
  }

  /** Where the record of a strip of a tile stands, of those that are kept. */
  private recordOf(tile: I32, { from }: Bounds, strip: I32 = i32.const(0)): I32 {
    const { skips, strips, recordBytes } = this.plan;
    const place = skips === 'once' ? tile : i32.sub(tile, from);
    return i32.sum(this.p.records, i32.mul(place, strips * recordBytes), i32.mul(strip, recordBytes));
  }

  /** 1 if all terms of a tile are summed. */
  private sumsAll(tile: I32, tiles: Bounds): I32 {
    return i32.eq(i32.load(this.f.let(this.recordOf(tile, tiles))), allTerms);
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
