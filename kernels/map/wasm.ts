import { bytesOf } from '../../src/core/dtype.js';
import { computeType, type Expression, walk } from '../../src/core/expression.js';
import { last } from '../../src/core/lists.js';
import { type Shape, sizeOf } from '../../src/core/shape.js';
import { collapseAxes } from '../../src/core/view.js';
import { type FunctionBuilder, type I32, i32 } from '../../src/writers/wasm/assembler.js';
import { type Hoisted, SimdPrinter } from '../../src/writers/wasm/simd.js';
import { convertVector, countingLanes, loadVector, storeVector } from '../../src/writers/wasm/simdMemory.js';
import type { Layout } from '../contract.js';
import type { WasmKernel } from '../toolkit/wasm/kernel.js';
import {
  addressAt,
  buildUnits,
  minimum,
  numbered,
  rowsPerUnit,
  unravel,
  type VectorPlace,
} from '../toolkit/wasm/units.js';
import type { MapSpecification } from './contract.js';

/** Elements of a piece of a long row: 16 KiB per operand. */
const pieceElements = 4096;

/**
 * Vectors along the innermost axis of the merged shape. A unit is a piece of a row longer than 4096 elements, or as
 * many whole rows as make about that many.
 */
export const mapWasm: WasmKernel<MapSpecification> = ({ specification, inputs, outputs }, options) => {
  const { expressions } = specification;
  const names = [...numbered('x', inputs.length), ...numbered('y', outputs.length)];
  const layouts = [...inputs, ...outputs];
  const merged = collapseAxes(
    outputs[0]!.shape,
    layouts.map((layout) => layout.strides),
  );
  const columns = last(merged.shape);
  const outer = merged.shape.slice(0, -1);
  const rows = sizeOf(outer);
  const unroll = unrollOf(expressions);
  const printer = new SimdPrinter(expressions);

  const pieces = Math.ceil(columns / pieceElements);
  const rowsAtOnce = rowsPerUnit(columns);
  const units = pieces > 1 ? rows * pieces : Math.ceil((rows * Math.min(columns, 1)) / rowsAtOnce);

  const bytes = buildUnits(options, names, units, (f, p) => {
    const operands = layouts.map((layout, i) => ({
      layout,
      pointer: p[names[i]!] as I32,
      outerStrides: merged.strides[i]!.slice(0, -1),
      stride: last(merged.strides[i]!),
    }));
    const work = { expressions, operands, inputs: inputs.length, outer, columns, unroll };
    const row = new RowEmitter(f, printer, work);
    if (pieces > 1) {
      const index = rows === 1 ? i32.const(0) : f.let(i32.divU(p.unit, i32.const(pieces)));
      const from = f.let(i32.mul(i32.sub(p.unit, i32.mul(index, pieces)), pieceElements));
      row.emit(index, { from, to: f.let(minimum(i32.add(from, pieceElements), i32.const(columns))) });
    } else if (rows === 1) {
      row.emit(i32.const(0), undefined);
    } else {
      const from = f.let(i32.mul(p.unit, rowsAtOnce));
      const to = f.let(minimum(i32.add(from, rowsAtOnce), i32.const(rows)));
      f.loop(from, to, 1, (index) => row.emit(index, undefined));
    }
  });
  return { bytes, units, scratchBytes: 0, algorithm: `map_${merged.shape.join('x')}_by_4x${unroll}` };
};

/** Vectors per turn of the inner loop: short work is unrolled to hide the loop, long work needs the registers. */
function unrollOf(expressions: readonly Expression[]): number {
  let cost = 0;
  for (const expression of expressions) {
    walk(expression, (part) => {
      if (part.type === 'random') cost += 10;
      if (part.type === 'call') cost += ['exp', 'log', 'tanh', 'power'].includes(part.function) ? 10 : 1;
    });
  }
  return cost <= 6 ? 4 : cost <= 16 ? 2 : 1;
}

interface MapWork {
  readonly expressions: readonly Expression[];
  /** Inputs, then outputs. */
  readonly operands: readonly MapOperand[];
  readonly inputs: number;
  readonly outer: Shape;
  readonly columns: number;
  readonly unroll: number;
}

interface MapOperand {
  readonly layout: Layout;
  readonly pointer: I32;
  readonly outerStrides: readonly number[];
  /** Elements between neighbors in a row. */
  readonly stride: number;
}

/** Writes the work on one row, or on a piece of one. */
class RowEmitter {
  private readonly hoisted: Hoisted;

  constructor(
    private readonly f: FunctionBuilder,
    private readonly printer: SimdPrinter,
    private readonly work: MapWork,
  ) {
    this.hoisted = printer.hoist(f, (index) => {
      const { layout, pointer, outerStrides, stride } = work.operands[index]!;
      const single = stride === 0 && outerStrides.every((step) => step === 0);
      return single ? loadVector(layout.dtype, pointer, { stride: 0 }) : undefined;
    });
  }

  /** The whole row when `piece` is undefined; a piece begins at a multiple of the unrolled vectors. */
  emit(row: I32, piece: { from: I32; to: I32 } | undefined): void {
    const { f } = this;
    const { operands, outer, columns, unroll } = this.work;
    const { lanes } = f;
    const position = unravel(f, row, outer);
    const bases = operands.map(({ layout, pointer, outerStrides }) =>
      addressAt(
        f,
        pointer,
        position,
        outerStrides.map((stride) => stride * bytesOf[layout.dtype]),
      ),
    );
    const hoisted = this.printer.hoist(
      f,
      (index) => {
        const { layout, stride } = operands[index]!;
        return stride === 0 ? loadVector(layout.dtype, bases[index]!, { stride: 0 }) : undefined;
      },
      this.hoisted,
    );
    const visit = (place: VectorPlace) => this.vector(bases, i32.mul(row, columns), place, hoisted);

    const { from, to } = piece ?? { from: i32.const(0), to: i32.const(columns) };
    const whole =
      piece === undefined ? i32.const(columns - (columns % lanes)) : f.let(i32.and(to, i32.const(-lanes)));
    const count = piece === undefined ? columns : 0;
    const unrolled =
      piece === undefined
        ? i32.const(count - (count % (lanes * unroll)))
        : f.let(i32.add(from, i32.and(i32.sub(to, from), i32.const(-lanes * unroll))));
    const bytes = 4 * lanes;
    f.loop(i32.mul(from, 4), i32.mul(unrolled, 4), bytes * unroll, (at) => {
      for (let k = 0; k < unroll; k++) visit({ at, constant: bytes * k, lanes });
    });
    f.loop(i32.mul(unrolled, 4), i32.mul(whole, 4), bytes, (at) => visit({ at, constant: 0, lanes }));
    if (columns % lanes !== 0) {
      const isLast = piece === undefined ? i32.const(1) : i32.eq(to, i32.const(columns));
      f.if(isLast, () => visit({ at: i32.mul(whole, 4), constant: 0, lanes: columns % lanes }));
    }
  }

  private vector(bases: readonly I32[], rowStart: I32, place: VectorPlace, hoisted: Hoisted): void {
    const { f } = this;
    const { operands, inputs, expressions } = this.work;
    const { at, constant, lanes } = place;
    // Offsets count 4 bytes per element; bytes and other strides scale them.
    const locate = (index: number): [I32, number] => {
      const { layout, stride } = operands[index]!;
      const size = bytesOf[layout.dtype];
      const scaled = i32.mul(size === 1 ? i32.shrU(at, i32.const(2)) : at, stride);
      return [i32.add(bases[index]!, scaled), (constant / 4) * size * stride];
    };
    const values = this.printer.evaluate(
      f,
      {
        operand: (index) => {
          const { layout, stride } = operands[index]!;
          const [address, offset] = locate(index);
          return loadVector(layout.dtype, address, { stride, lanes, offset });
        },
        counter: () => countingLanes(i32.add(rowStart, i32.shrU(i32.add(at, constant), i32.const(2)))),
      },
      hoisted,
    );
    values.forEach((value, o) => {
      const index = inputs + o;
      const { dtype } = operands[index]!.layout;
      const [address, offset] = locate(index);
      const converted = convertVector(value, expressions[o]!.dtype, computeType(dtype));
      storeVector(f, dtype, converted, { address, lanes, offset });
    });
  }
}
