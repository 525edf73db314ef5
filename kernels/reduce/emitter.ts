/** The common part of both ways to vectorize a reduction: cursors on sources, the prologue, the running position. */
import { bytesOf, type Dtype } from '../../src/core/dtype.js';
import { countOperations, hasRandom } from '../../src/core/expression.js';
import { sizeOf } from '../../src/core/shape.js';
import {
  type FunctionBuilder,
  type I32,
  i32,
  i32x4,
  type Local,
  type V128,
} from '../../src/writers/wasm/assembler.js';
import type { Hoisted, SimdPrinter } from '../../src/writers/wasm/simd.js';
import { allLanes, loadVector } from '../../src/writers/wasm/simdMemory.js';
import type { KernelCall } from '../contract.js';
import { unravel } from '../toolkit/wasm/units.js';
import type { ReduceSpecification } from './contract.js';
import type { ReduceLayout, Walk } from './layout.js';
import { type Reducer, reducerOf, type State } from './reducer.js';

/** A place in a source that moves: a byte address, or for the last walk an element index. */
interface Cursor {
  readonly walk: Walk;
  readonly dtype: Dtype;
  /** Bytes per element; 1 for the index. */
  readonly unit: number;
  readonly at: Local<'i32'>;
}

/** Walks the elements of one reduction and gives their prologue, four at a time. */
export class ReduceEmitter {
  readonly reducer: Reducer;
  readonly cost: number;
  private readonly cursors: Cursor[];
  private readonly usesIndex: boolean;
  private readonly hoisted: Hoisted;
  /** How many elements of the reduction have gone by. */
  private readonly position: Local<'i32'> | undefined;

  constructor(
    readonly f: FunctionBuilder,
    call: KernelCall<ReduceSpecification>,
    readonly layout: ReduceLayout,
    private readonly sources: { readonly printer: SimdPrinter; readonly pointers: readonly I32[] },
  ) {
    const { printer, pointers } = sources;
    const { operation, prologue } = call.specification;
    this.reducer = reducerOf(operation, prologue.dtype);
    this.usesIndex = hasRandom(prologue);
    this.cost = countOperations(prologue);
    this.position = operation === 'argMax' ? f.local('i32') : undefined;
    this.cursors = layout.walks.map((walk, i) => {
      const dtype = i < pointers.length ? call.inputs[i]!.dtype : 'int32';
      return { walk, dtype, unit: i < pointers.length ? bytesOf[dtype] : 1, at: f.local('i32') };
    });
    const nothing = sizeOf(layout.outer) * layout.length === 0;
    this.hoisted = printer.hoist(f, (index) => {
      const { walk, dtype } = this.cursors[index]!;
      const strides = [walk.column, walk.step, ...walk.rows, ...walk.outer];
      if (nothing || strides.some((stride) => stride !== 0)) return undefined;
      return loadVector(dtype, pointers[index]!, { stride: 0 });
    });
  }

  /** Puts every cursor at the first element of the reduction of `row` and `column`. */
  start(row: I32, column: I32): void {
    const { f } = this;
    const position = [...unravel(f, row, this.layout.rows), column];
    this.cursors.forEach(({ walk, unit, at }, i) => {
      const terms = position.map((index, axis) => i32.mul(index, [...walk.rows, walk.column][axis]! * unit));
      f.set(at, i32.sum(this.sources.pointers[i] ?? 0, ...terms));
    });
    if (this.position !== undefined) f.set(this.position, i32.const(0));
  }

  /** Moves along the last reduced axis. */
  advance(elements: number): void {
    this.move((walk) => walk.step * elements);
    if (this.position !== undefined) this.f.increase(this.position, elements);
  }

  /** Runs `inner`, which advances by the whole last reduced axis, for every position of the other reduced axes. */
  forEachOuter(inner: () => void): void {
    const { outer, length } = this.layout;
    const visit = (axis: number): void => {
      if (axis === outer.length) {
        inner();
        return;
      }
      this.f.loop(0, outer[axis]!, 1, () => {
        visit(axis + 1);
        // inner loops have moved by their whole extent
        const last = axis === outer.length - 1;
        this.move(
          (walk) =>
            walk.outer[axis]! - (last ? walk.step * length : walk.outer[axis + 1]! * outer[axis + 1]!),
        );
      });
    };
    visit(0);
  }

  /**
   * Loads, ahead of the rows, the part of the prologue that is the same in all of them (a mean that
   * is subtracted, say), at the columns that lie `column` behind the cursors.
   */
  ofColumns(column: number, lanes: number): Hoisted {
    const invariant = (index: number): V128 | undefined => {
      const { walk, dtype, unit, at } = this.cursors[index]!;
      if (walk.step !== 0 || walk.outer.some((stride) => stride !== 0)) return undefined;
      return loadVector(dtype, at, { stride: walk.column, lanes, offset: column * walk.column * unit });
    };
    return this.sources.printer.hoist(this.f, invariant, this.hoisted);
  }

  /** The prologue at elements `stride` apart, the first of them `row` steps and `column` columns on. */
  value(
    stride: (walk: Walk) => number,
    { row, column, lanes }: { row: number; column: number; lanes: number },
    hoisted = this.hoisted,
  ): V128 {
    const offset = ({ walk, unit }: Cursor) => (row * walk.step + column * walk.column) * unit;
    const operand = (index: number): V128 => {
      const cursor = this.cursors[index]!;
      return loadVector(cursor.dtype, cursor.at, {
        stride: stride(cursor.walk),
        lanes,
        offset: offset(cursor),
      });
    };
    const counter = () => {
      const cursor = this.cursors.at(-1)!;
      const step = stride(cursor.walk);
      const first = i32x4.splat(i32.add(cursor.at, offset(cursor)));
      return i32x4.add(first, i32x4.constLanes(...allLanes.map((lane) => lane * step)));
    };
    return this.sources.printer.evaluate(this.f, { operand, counter }, hoisted)[0]!;
  }

  /** Takes `value` into the state; its elements stand `row` places on in the reduction, `step` apart. */
  add(state: State, value: V128, row: number, step: 0 | 1): void {
    this.reducer.add(this.f, state, value, () => {
      const first = i32x4.splat(i32.add(this.position!, row));
      return step === 0 ? first : i32x4.add(first, i32x4.constLanes(...allLanes));
    });
  }

  private move(elements: (walk: Walk) => number): void {
    this.cursors.forEach(({ walk, unit, at }, i) => {
      if (i < this.sources.pointers.length || this.usesIndex) this.f.increase(at, elements(walk) * unit);
    });
  }
}
