import { bytesOf } from '../../src/core/dtype.js';
import { computeType } from '../../src/core/expression.js';
import { leading } from '../../src/core/lists.js';
import { f32x4, type I32, i32, i32x4, select, v128 } from '../../src/writers/wasm/assembler.js';
import { loadVector, storeVector } from '../../src/writers/wasm/simdMemory.js';
import { EpilogueEmitter } from '../toolkit/wasm/epilogue.js';
import type { WasmKernel } from '../toolkit/wasm/kernel.js';
import {
  buildUnits,
  emitTouch,
  forEachVector,
  isEmpty,
  minimum,
  placeInRow,
  rowsPerUnit,
} from '../toolkit/wasm/units.js';
import type { GatherSpecification, ScatterAddSpecification } from './contract.js';

/** Rows of so many bytes are touched before they are read: all rows of a unit at once. */
const worthTouching = 256;

/** A unit is as many rows of the output as make about 4096 elements; rows are copied, or go through the epilogue. */
export const gatherWasm: WasmKernel<GatherSpecification> = (call, options) => {
  const { specification, inputs, outputs } = call;
  const { dtype } = inputs[0]!;
  const [outer, rows, inner] = leading(inputs[0]!.shape, 3);
  const count = inputs[1]!.shape[0]!;
  const epilogue = new EpilogueEmitter(specification.epilogue, call);
  const copies = specification.epilogue === undefined && outputs[0]!.dtype === dtype;
  const rowBytes = inner * bytesOf[dtype];
  const atOnce = rowsPerUnit(inner);
  const touches = !copies && atOnce > 1 && rowBytes >= worthTouching && bytesOf[outputs[0]!.dtype] === 4;
  const units = isEmpty(outputs[0]!.shape) ? 0 : Math.ceil((outer * count) / atOnce);
  const names = ['table', 'indices', ...epilogue.names, 'out'];
  const bytes = buildUnits(options, names, units, (f, p) => {
    const finish = epilogue.begin(f, p);
    const from = f.let(i32.mul(p.unit!, atOnce));
    const to = f.let(minimum(i32.add(from, atOnce), i32.const(outer * count)));
    const rowOf = (target: I32) => {
      const matrix = outer === 1 ? i32.const(0) : f.let(i32.divU(target, i32.const(count)));
      const i = i32.sub(target, i32.mul(matrix, count));
      const index = f.let(i32.load(i32.add(p.indices!, i32.mul(i, 4))));
      const known = f.let(i32.ltU(index, i32.const(rows)));
      return { known, source: i32.mul(i32.add(i32.mul(matrix, rows), index), rowBytes) };
    };
    if (touches) {
      const touched = f.let(i32.const(0));
      f.loop(from, to, 1, (target) => {
        const { known, source } = rowOf(target);
        f.if(known, () => emitTouch(f, f.let(i32.add(p.table!, source)), rowBytes, touched));
      });
      // a use of the loads, which else were left out: it is overwritten
      f.store(i32.add(p.out!, i32.mul(from, 4 * inner)), touched);
    }
    f.loop(from, to, 1, (target) => {
      const { known, source } = rowOf(target);
      if (copies) {
        const destination = f.let(i32.add(p.out!, i32.mul(target, rowBytes)));
        f.if(
          known,
          () => f.copy(destination, i32.add(p.table!, source), rowBytes),
          () => f.fill(destination, 0, rowBytes),
        );
        return;
      }
      // Of an unknown row the first is read instead, and nothing kept.
      const row = f.let(select(known, i32.add(p.table!, source), p.table!));
      const kept = f.let(i32x4.splat(i32.sub(0, known)));
      const start = f.let(i32.mul(target, 4 * inner));
      forEachVector(f, inner, 4, (vector) => {
        const { at, constant, lanes } = vector;
        const size = bytesOf[dtype];
        const offset = size === 1 ? i32.shrU(at, i32.const(2)) : at;
        const value =
          rows === 0
            ? i32x4.const(0)
            : loadVector(dtype, i32.add(row, offset), { lanes, offset: (constant / 4) * size });
        const position = placeInRow(f, start, vector);
        epilogue.store(f, p.out!, finish(f.let(v128.and(value, kept)), position), position);
      });
    });
  });
  const algorithm = copies ? `gather_${rowBytes}_bytes` : `gather_${dtype}_by_4x4`;
  return { bytes, units, scratchBytes: 0, algorithm };
};

/** Columns of a unit of scatterAdd: it clears them in every row, then adds to them in the order of the indices. */
const scatterColumns = 64;

/** A unit is up to 64 columns of one of the outer tables. */
export const scatterAddWasm: WasmKernel<ScatterAddSpecification> = ({ inputs, outputs }, options) => {
  const { dtype } = outputs[0]!;
  const [outer, rows, inner] = leading(outputs[0]!.shape, 3);
  const count = inputs[1]!.shape[0]!;
  const groups = Math.ceil(inner / scatterColumns);
  const units = isEmpty(outputs[0]!.shape) ? 0 : outer * groups;
  const size = bytesOf[dtype];
  const { add } = computeType(dtype) === 'float32' ? f32x4 : i32x4;
  const bytes = buildUnits(options, ['values', 'indices', 'table'], units, (f, p) => {
    const matrix = f.let(i32.divU(p.unit, i32.const(groups)));
    const group = f.let(i32.sub(p.unit, i32.mul(matrix, groups)));
    const column = f.let(i32.mul(group, scatterColumns * size));
    const table = f.let(i32.sum(p.table, i32.mul(matrix, rows * inner * size), column));
    const values = f.let(i32.sum(p.values, i32.mul(matrix, count * inner * size), column));
    const columns = (width: number) => {
      f.loop(0, rows * inner * size, inner * size, (row) => f.fill(i32.add(table, row), 0, width * size));
      f.loop(0, count, 1, (i) => {
        const index = f.let(i32.load(i32.add(p.indices, i32.mul(i, 4))));
        f.if(i32.ltU(index, i32.const(rows)), () => {
          const target = f.let(i32.add(table, i32.mul(index, inner * size)));
          const source = f.let(i32.add(values, i32.mul(i, inner * size)));
          forEachVector(f, width, 1, ({ at, lanes }) => {
            const offset = size === 1 ? i32.shrU(at, i32.const(2)) : at;
            const load = (base: I32) => loadVector(dtype, i32.add(base, offset), { lanes });
            storeVector(f, dtype, add(load(target), load(source)), {
              address: i32.add(target, offset),
              lanes,
            });
          });
        });
      });
    };
    const last = inner - (groups - 1) * scatterColumns;
    if (groups === 1 || last === scatterColumns) columns(last);
    else {
      f.if(
        i32.ltU(group, i32.const(groups - 1)),
        () => columns(scatterColumns),
        () => columns(last),
      );
    }
  });
  return { bytes, units, scratchBytes: 0, algorithm: `scatterAdd_columns_by_${scatterColumns}` };
};
