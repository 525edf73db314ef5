import { at } from '../../src/core/lists.js';
import { sizeOf } from '../../src/core/shape.js';
import { type I32, i32, v128 } from '../../src/writers/wasm/assembler.js';
import { SimdPrinter } from '../../src/writers/wasm/simd.js';
import { laneMask } from '../../src/writers/wasm/simdMemory.js';
import { epilogueStrides, type KernelCall } from '../contract.js';
import { EpilogueEmitter } from '../toolkit/wasm/epilogue.js';
import { fourLanes, type WasmCode, type WasmKernel, type WasmOptions } from '../toolkit/wasm/kernel.js';
import { buildUnits, minimum, numbered, placeInRow } from '../toolkit/wasm/units.js';
import type { ReduceSpecification } from './contract.js';
import { ReduceEmitter } from './emitter.js';
import { layOutReduction, type ReduceLayout } from './layout.js';
import { mergeLanes, type State, Total } from './reducer.js';

/** Rows of a block where the lanes lie along the columns; vectors of a block where they lie along the reduced axis. */
const blockRows = 64;
const blockVectors = 128;

/**
 * Lanes lie along the kept axis (each lane a column, groups of columns in registers, rows streaming by) or along the
 * reduced axis (each lane every fourth element, combined at the end), see layout.ts. float32 sums are blocked.
 */
export const reduceWasm: WasmKernel<ReduceSpecification> = (call, options) => {
  const { epilogue, axes } = call.specification;
  const sources = call.inputs.slice(0, call.inputs.length - (epilogue?.operands ?? 0));
  const output = at(call.outputs, 0);
  const vectors = call.inputs.slice(sources.length).some((operand) => {
    const { row, column } = epilogueStrides(operand, output.shape);
    return row === 0 && column !== 0;
  });
  const layout = layOutReduction(sources, axes, vectors);
  return layout.lanes === 'kept'
    ? alongKept(call, layout, options)
    : alongReduced(call, layout, fourLanes(options));
};

/** Where a vector of results stands: its row and column, of which `constant` bytes are known. */
interface Place {
  readonly row: I32;
  readonly column: I32;
  readonly constant: number;
  readonly lanes: number;
}

/** Names, printers and grouping, then the module. `emit` writes the reduction of one piece of work. */
function build(
  call: KernelCall<ReduceSpecification>,
  layout: ReduceLayout,
  options: WasmOptions,
  work: {
    readonly pieces: number;
    readonly piecesPerUnit: number;
    readonly algorithm: string;
    emit(reduce: ReduceEmitter, piece: I32, store: (place: Place, state: State) => void): void;
  },
): WasmCode {
  const epilogue = new EpilogueEmitter(call.specification.epilogue, call);
  const printer = new SimdPrinter([call.specification.prologue]);
  const sources = numbered('x', call.inputs.length - epilogue.names.length);
  const units = Math.ceil(work.pieces / work.piecesPerUnit);
  const bytes = buildUnits(options, [...sources, ...epilogue.names, 'out'], units, (f, p) => {
    const finish = epilogue.begin(f, p);
    const pointers = sources.map((name) => p[name]!);
    const reduce = new ReduceEmitter(f, call, layout, { printer, pointers });
    const from = f.let(i32.mul(p.unit!, work.piecesPerUnit));
    const to = minimum(i32.add(from, work.piecesPerUnit), i32.const(work.pieces));
    f.loop(from, f.let(to), 1, (piece) => {
      work.emit(reduce, piece, ({ row, column, constant, lanes }, state) => {
        const at = f.let(i32.mul(column, 4));
        const position = placeInRow(f, i32.mul(row, 4 * layout.columns), { at, constant, lanes });
        epilogue.store(f, p.out!, finish(reduce.reducer.result(state), position), position);
      });
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: work.algorithm };
}

/** Lanes along the kept axis: a piece is a group of up to 32 columns of one row of the output. */
function alongKept(
  call: KernelCall<ReduceSpecification>,
  layout: ReduceLayout,
  options: WasmOptions,
): WasmCode {
  const { columns, length } = layout;
  const reduced = sizeOf(layout.outer) * length;
  // Narrow groups give more threads work; wide ones read longer runs of wide rows.
  const width = columns <= 64 ? 16 : 32;
  const groups = Math.ceil(columns / width);
  return build(call, layout, options, {
    pieces: sizeOf(layout.rows) * groups,
    piecesPerUnit: Math.max(1, Math.floor(4096 / Math.max(1, width * reduced))),
    algorithm: `${call.specification.operation}_columns_by_${width}`,
    emit(reduce, piece, store) {
      const { f } = reduce;
      const row = groups === 1 ? piece : f.let(i32.divU(piece, i32.const(groups)));
      const group = groups === 1 ? i32.const(0) : f.let(i32.sub(piece, i32.mul(row, groups)));
      const column = groups === 1 ? group : f.let(i32.mul(group, width));
      reduce.start(row, column);
      const emitGroup = (count: number) => {
        const results = reduceColumns(reduce, count);
        results.forEach((state, v) => {
          const lanes = Math.min(f.lanes, count - f.lanes * v);
          store({ row, column, constant: 4 * f.lanes * v, lanes }, state);
        });
      };
      const last = columns - (groups - 1) * width;
      if (groups === 1 || last === width) emitGroup(last);
      else {
        f.if(
          i32.ltU(group, i32.const(groups - 1)),
          () => emitGroup(width),
          () => emitGroup(last),
        );
      }
    },
  });
}

/** Reduces `count` columns from where the cursors stand; rows stream by, two at a time where that is cheap. */
function reduceColumns(reduce: ReduceEmitter, count: number): State[] {
  const { f, reducer, layout } = reduce;
  const vectors = Array.from({ length: Math.ceil(count / f.lanes) }, (_, v) => ({
    column: f.lanes * v,
    lanes: Math.min(f.lanes, count - f.lanes * v),
  }));
  const anything = sizeOf(layout.outer) * layout.length > 0;
  const ahead = vectors.map(({ column, lanes }) => (anything ? reduce.ofColumns(column, lanes) : undefined));
  const oneBlock = layout.outer.length === 0 && (!reducer.rounds || layout.length <= blockRows);
  const totals = oneBlock ? [] : vectors.map(() => new Total(f, reducer));
  const states = vectors.map(() => reducer.create(f));
  // decides bits, so it must not depend on the width of vectors
  const pairs = count <= 16 && reduce.cost <= 8 ? vectors.map(() => reducer.create(f)) : undefined;
  const addRow = (into: readonly State[], row: number) => {
    vectors.forEach(({ column, lanes }, v) => {
      const value = reduce.value((walk) => walk.column, { row, column, lanes }, ahead[v]);
      reduce.add(at(into, v), value, row, 0);
    });
  };
  const block = (rows: number) => {
    if (!oneBlock) for (const state of [...states, ...(pairs ?? [])]) reducer.reset(f, state);
    const step = pairs === undefined ? 1 : 2;
    f.loop(0, rows - (rows % step), step, () => {
      addRow(states, 0);
      if (pairs !== undefined) addRow(pairs, 1);
      reduce.advance(step);
    });
    if (rows % step !== 0) {
      addRow(states, 0);
      reduce.advance(1);
    }
    pairs?.forEach((pair, v) => {
      reducer.merge(f, at(states, v), pair);
    });
    totals.forEach((total, v) => {
      total.add(at(states, v));
    });
  };
  reduce.forEachOuter(() => {
    const rows = reducer.rounds ? blockRows : layout.length;
    const whole = rows === 0 ? 0 : Math.floor(layout.length / rows);
    f.loop(0, whole, 1, () => block(rows));
    const rest = layout.length - whole * rows;
    if (rest > 0) block(rest);
  });
  return oneBlock ? states : totals.map((total) => total.finish());
}

/** Lanes along the reduced axis: a piece is one element of the output. */
function alongReduced(
  call: KernelCall<ReduceSpecification>,
  layout: ReduceLayout,
  options: WasmOptions,
): WasmCode {
  const { columns } = layout;
  const reduced = sizeOf(layout.outer) * layout.length;
  return build(call, layout, options, {
    pieces: sizeOf(layout.rows) * columns,
    piecesPerUnit: Math.max(1, Math.floor(4096 / Math.max(1, reduced))),
    algorithm: `${call.specification.operation}_rows`,
    emit(reduce, piece, store) {
      const { f } = reduce;
      const row = columns === 1 ? piece : f.let(i32.divU(piece, i32.const(columns)));
      const column = columns === 1 ? i32.const(0) : f.let(i32.sub(piece, i32.mul(row, columns)));
      reduce.start(row, column);
      const state = reduceRow(reduce);
      mergeLanes(f, reduce.reducer, state);
      store({ row, column, constant: 0, lanes: 1 }, state);
    },
  });
}

/** Reduces one run after the other into four lanes, four vectors at a time where that is cheap. */
function reduceRow(reduce: ReduceEmitter): State {
  const { f, reducer, layout } = reduce;
  const vectors = Math.floor(layout.length / 4);
  const lanes = layout.length % 4;
  const oneBlock = layout.outer.length === 0 && vectors <= blockVectors;
  const total = oneBlock ? undefined : new Total(f, reducer);
  const states = Array.from({ length: reduce.cost <= 8 && vectors >= 8 ? 4 : 1 }, () => reducer.create(f));
  const addVector = (state: State, vector: number, count: number) => {
    const value = reduce.value((walk) => walk.step, { row: 4 * vector, column: 0, lanes: count });
    // Lanes beyond the end must not count.
    const counted = count === 4 ? value : v128.bitselect(value, reducer.neutral, laneMask(count));
    reduce.add(state, counted, 4 * vector, 1);
  };
  const block = (count: number, tail: number) => {
    if (!oneBlock) for (const state of states) reducer.reset(f, state);
    const step = states.length;
    f.loop(0, count - (count % step), step, () => {
      states.forEach((state, k) => {
        addVector(state, k, 4);
      });
      reduce.advance(4 * step);
    });
    for (let k = 0; k < count % step; k++) addVector(at(states, k), k, 4);
    if (tail > 0) addVector(at(states, count % step), count % step, tail);
    reduce.advance(4 * (count % step) + tail);
    for (let half = step / 2; half >= 1; half /= 2) {
      for (let k = 0; k < half; k++) reducer.merge(f, at(states, k), at(states, k + half));
    }
    total?.add(at(states, 0));
  };
  reduce.forEachOuter(() => {
    const whole = Math.floor(vectors / blockVectors);
    f.loop(0, whole, 1, () => block(blockVectors, 0));
    const rest = vectors - whole * blockVectors;
    if (rest > 0 || lanes > 0) block(rest, lanes);
  });
  return total?.finish() ?? at(states, 0);
}
