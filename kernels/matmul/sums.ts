/**
 * What sums a block of k: tiles of rows all of whose terms count, and rows whose terms are listed. The last block takes the
 * sums through the epilogue; the others leave them in the output.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { EpilogueEmitter, FinishVector, OperandName } from '../toolkit/wasm/epilogue.js';
import { emitGemmTile, emitListedRows, type GemmHooks } from '../toolkit/wasm/gemm.js';
import { notedPacking, packing } from '../toolkit/wasm/packing.js';
import { listTerms } from '../toolkit/wasm/terms.js';
import { type Panel, TileGrid, type TileWork } from '../toolkit/wasm/tileGrid.js';
import type { MatmulPlan } from './plan.js';

/** A block of k: its first term, how many there are, what packs a panel of B for it, and the tiles that sum them. */
export interface SumBlock {
  readonly from: number;
  readonly length: number;
  readonly grid: TileGrid<TileParameter>;
  /** With `skips`, it is told where to note what of B is not finite. */
  pack(panel: Panel): FunctionHandle;
  /** Makes the records of the terms of a tile of so many rows. */
  list(rows: number): FunctionHandle;
  /** Sums the terms of so many rows that are listed in their record, for panels side by side. */
  listedRows(rows: number, panels: Panel): FunctionHandle;
}

/** Strides in bytes of A as tiles find it: in place, or packed. */
function stridesOfA({ shape: { a }, packedRows }: MatmulPlan) {
  if (packedRows > 0) return { row: 4, inner: 4 * packedRows };
  return { row: 4 * a.row, inner: 4 * a.column };
}

/** The first block, which stands for all of its length, and the last if it is another. */
export function blocksOf(module: ModuleBuilder, plan: MatmulPlan, epilogue: EpilogueEmitter): SumBlock[] {
  const { block, options, skips } = plan;
  const { m: rows, k, n: columns, b } = plan.shape;
  const { row: rowStride, inner: termStride } = stridesOfA(plan);
  const strides = { rowStride, termStride };
  const lastFrom = block === 0 ? 0 : (Math.ceil(k / block) - 1) * block;
  return (lastFrom === 0 ? [0] : [0, lastFrom]).map((from) => {
    const last = from === lastFrom;
    const length = last ? k - from : block;
    const source = { k: length, rowStride: 4 * b.row, columnStride: 4 * b.column };
    const { recordBytes, listed } = plan;
    const listing = { ...strides, strip: listed.rows, terms: length, recordBytes, worth: listed.worth };
    const part = { plan, epilogue, length, last };
    return {
      ...{ from, length },
      grid: new TileGrid(module, { rows, columns }, options, tileWork(part)),
      pack: (panel) => (skips ? notedPacking : packing)(module, { ...source, panel }),
      list: (rows) => listTerms(module, { ...listing, rows }),
      listedRows: (rows, panels) => listedRows(module, part, rows, panels),
    };
  });
}

const tileParameters = ['a', 'panel', 'row', 'column', 'out', 'fromK'] as const;
type TileParameter = (typeof tileParameters)[number] | OperandName;
type TilePointers = Readonly<Record<TileParameter, Local<'i32'>>>;

/** What sums a block of `length` terms: the last one takes the sums through the epilogue. */
interface Part {
  readonly plan: MatmulPlan;
  readonly epilogue: EpilogueEmitter;
  readonly length: number;
  readonly last: boolean;
}

function tileWork(part: Part): TileWork<TileParameter> {
  const { plan, epilogue, length, last } = part;
  const strides = stridesOfA(plan);
  return {
    name: `${last ? 'tile' : 'partial'}_${length}`,
    parameters: [...tileParameters, ...epilogue.names],
    write(f, p, panel, size) {
      const tile = {
        ...{ ...size, segmentLength: length, rowStride: strides.row, innerStride: strides.inner },
      };
      emitGemmTile(f, tile, p, sumHooks(part, f, p, panel));
    },
  };
}

/** A function like a tile's, of so many rows and some panels side by side, which is told of the record of their terms. */
function listedRows(module: ModuleBuilder, part: Part, rows: number, panels: Panel): FunctionHandle {
  const { plan, epilogue, length, last } = part;
  const { full } = plan.panels;
  const perPanel = full.vectors.length;
  // vectors stand in panels of their own, of which the last one may be narrower
  const vectors = panels.vectors.map(({ v }) => {
    const index = Math.floor(v / perPanel);
    const { width } = panels.vectors.length < (index + 1) * perPanel ? plan.panels.rest! : full;
    const at = 4 * index * length * full.width + full.vectors[v % perPanel]!.at;
    return { at, termBytes: 4 * width };
  });
  const { row: rowStride, inner: innerStride } = stridesOfA(plan);
  const name = `${last ? 'rows' : 'partialRows'}_${length}_${rows}x${panels.columns}`;
  return module.once(name, [...tileParameters, ...epilogue.names, 'record'] as const, (f, p) => {
    const terms = { list: f.let(i32.add(p.record, 4)), count: i32.load(p.record) };
    const listed = { rows, ...terms, rowStride, innerStride, vectors };
    emitListedRows(f, listed, p, sumHooks(part, f, p, panels));
  });
}

/** Where the sums of a tile or row begin, how they are finished, and where they are stored. */
function sumHooks(
  { plan, epilogue, length, last }: Part,
  f: FunctionBuilder,
  p: TilePointers,
  panel: Panel,
): GemmHooks {
  const { k, n } = plan.shape;
  const element = f.let(i32.mul(i32.add(i32.mul(p.row, n), p.column), 4));
  const column = f.let(i32.mul(p.column, 4));
  const sumsAt = f.let(i32.add(p.out, element));
  const offset = (r: number, v: number) => 4 * r * n + panel.vectors[v]!.at;
  // sums of earlier blocks count but for the first block: then whatever the output holds is masked
  const earlier = length === k ? undefined : f.let(i32x4.splat(i32.sub(0, i32.ne(p.fromK, 0))));
  // begun behind the sums, whose registers are free by then
  let finish: FinishVector | undefined;
  return {
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
  };
}
