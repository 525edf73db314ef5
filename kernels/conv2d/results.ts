/** The way of a convolution's results to memory: through the epilogue, or through prologue, pool and epilogue. */
import { fourAxes, rowMajorStrides } from '../../src/core/shape.js';
import { type FunctionBuilder, type I32, i32, type V128 } from '../../src/writers/wasm/assembler.js';
import { loadVector, storeVector } from '../../src/writers/wasm/simdMemory.js';
import type { KernelCall, Layout } from '../contract.js';
import { candidate, indexOffset, treeMaximum } from '../maxPool/treeMaximum.js';
import {
  EpilogueEmitter,
  type EpiloguePosition,
  type FinishVector,
  type OperandName,
} from '../toolkit/wasm/epilogue.js';
import { type Conv2dSpecification, resultShape } from './contract.js';

/** Pointers behind image and filter: to what epilogues read, and to the outputs. */
export type ResultName = OperandName | 'out' | 'indices';
type Pointers = Readonly<Record<ResultName, I32>>;

/** Takes the four pixels of a pool's window, row-major, at the window's place in the output. */
type PoolVectors = (pixels: readonly V128[], position: EpiloguePosition) => void;

export class Results {
  /** Height, width and channels of the results. */
  readonly output: readonly [number, number, number];
  /** Height and width of what is stored: of themselves, or of the 2x2 pools over them. */
  readonly stored: readonly [number, number];
  /** Height and width of the results that somebody asks for: a pool leaves out an odd last row or column. */
  readonly used: readonly [number, number];
  /** Four vectors of results become one. */
  readonly pooled: boolean;
  /** Pointers that `beginFinish` needs, and those that `beginPool` does. */
  readonly finishNames: readonly OperandName[];
  readonly poolNames: readonly ResultName[];
  /** All of them, in the order of the call. */
  readonly names: readonly ResultName[];
  private readonly before: EpilogueEmitter;
  private readonly after: EpilogueEmitter;
  private readonly out: Layout;
  private readonly indices: Layout | undefined;

  /** `call` of a conv2d or of a conv2dInputGradient, which is not pooled. */
  constructor(call: KernelCall<Conv2dSpecification>) {
    const { epilogue, pool } = call.specification;
    this.pooled = pool !== undefined;
    this.after = new EpilogueEmitter(epilogue, call);
    const shape = fourAxes(resultShape(call));
    const [, height, width, channels] = shape;
    this.output = [height, width, channels];
    this.stored = this.pooled ? [Math.floor(height / 2), Math.floor(width / 2)] : [height, width];
    this.used = this.pooled ? [2 * this.stored[0], 2 * this.stored[1]] : this.stored;
    const y: Layout = { dtype: 'float32', shape, strides: rowMajorStrides(shape) };
    const own = call.inputs.slice(0, call.inputs.length - (epilogue?.operands ?? 0));
    this.before = new EpilogueEmitter(pool?.prologue, { inputs: own, outputs: [y] }, 'before');
    this.out = call.outputs[0]!;
    this.indices = call.outputs[1];
    const finish = this.pooled ? this.before : this.after;
    this.finishNames = finish.names;
    this.poolNames = [...this.after.names, 'out', ...(this.indices ? (['indices'] as const) : [])];
    this.names = this.pooled ? [...finish.names, ...this.poolNames] : this.poolNames;
  }

  /** Begins, ahead of loops, the finishing of vectors before they are stored or pooled; see EpilogueEmitter.begin. */
  beginFinish(
    f: FunctionBuilder,
    p: Readonly<Record<OperandName, I32>>,
    keepsAddresses = false,
  ): FinishVector {
    return (this.pooled ? this.before : this.after).begin(f, p, keepsAddresses);
  }

  /** The same sums have the same results in every pixel. */
  get sameForPixels(): boolean {
    return this.before.sameForRows && this.after.sameForRows;
  }

  /** Loads a vector of what has been pooled, and gives what stores it elsewhere. */
  copying(f: FunctionBuilder, p: Pointers, from: EpiloguePosition): (to: EpiloguePosition) => void {
    const outputs = [
      { pointer: p.out, layout: this.out },
      ...(this.indices ? [{ pointer: p.indices, layout: this.indices }] : []),
    ].map(({ pointer, layout: { dtype } }) => {
      const placeOf = ({ element, lanes }: EpiloguePosition) => {
        const [base, offset] = indexOffset(dtype, element.base, element.constant);
        return { address: i32.add(pointer, base), lanes, offset };
      };
      const { address, ...elements } = placeOf(from);
      return { dtype, placeOf, value: f.let(loadVector(dtype, address, elements)) };
    });
    return (to) => {
      for (const { dtype, placeOf, value } of outputs) storeVector(f, dtype, value, placeOf(to));
    };
  }

  /** Stores a finished vector, where nothing is pooled. */
  store(f: FunctionBuilder, out: I32, value: V128, position: EpiloguePosition): void {
    this.after.store(f, out, value, position);
  }

  /** Pools finished vectors and stores what comes out. Ahead of loops. */
  beginPool(f: FunctionBuilder, p: Pointers): PoolVectors {
    const finish = this.after.begin(f, p);
    return (pixels, place) => {
      const { value, position } = treeMaximum(f, pixels.map(candidate));
      this.after.store(f, p.out, finish(value, place), place);
      if (this.indices === undefined) return;
      const { dtype } = this.indices;
      const [offset, rest] = indexOffset(dtype, place.element.base, place.element.constant);
      storeVector(f, dtype, position, {
        address: i32.add(p.indices, offset),
        lanes: place.lanes,
        offset: rest,
      });
    };
  }
}
