/**
 * Epilogues in vector code: what is done to a vector of results before it is stored. For every kernel that has one:
 *
 *     const epilogue = new EpilogueEmitter(call.specification.epilogue, call);     // also where there is none
 *     module.once('tile', [..., 'out', ...epilogue.names], (f, p) => {
 *       const finish = epilogue.begin(f, p);                   // ahead of the loops: loads what never changes
 *       …
 *       const position = { element, column, lanes };
 *       epilogue.store(f, p.out, finish(sums, position), position);
 *     });
 */
import { bytesOf } from '../../../src/core/dtype.js';
import { computeType, type Expression, hasRandom, input } from '../../../src/core/expression.js';
import { sizeOf } from '../../../src/core/shape.js';
import { type FunctionBuilder, type I32, i32, type V128 } from '../../../src/writers/wasm/assembler.js';
import { SimdPrinter } from '../../../src/writers/wasm/simd.js';
import {
  convertVector,
  countingLanes,
  loadVector,
  storeVector,
} from '../../../src/writers/wasm/simdMemory.js';
import { type Epilogue, epilogueStrides, type KernelCall, type Layout } from '../../contract.js';

/** A byte offset into an array of 4-byte elements: a variable part and a constant part, which costs nothing. */
interface ByteOffset {
  readonly base: I32;
  readonly constant: number;
}

/** Where a vector of results stands in the output, which is seen as [rows, columns] (columns = last axis). */
export interface EpiloguePosition {
  /** Of the first lane, from the start of an array shaped like the output, as if its elements had 4 bytes. */
  readonly element: ByteOffset;
  /** Of the first lane, from the start of an array [columns], as if its elements had 4 bytes. */
  readonly column: ByteOffset;
  /** Lanes that exist (1 to 4), all in one row: no others are read or written. */
  readonly lanes: number;
}

/** Computes the epilogue of a vector of results: gives the values to store, in the compute type of the output. */
export type FinishVector = (value: V128, position: EpiloguePosition) => V128;

/** Names of the pointers to an epilogue's operands. */
export type OperandName = `${'operand' | 'before'}${number}`;

/** An address that has been computed: pointer + base · scale. */
interface KnownAddress {
  readonly pointer: I32;
  readonly base: I32;
  /** Bytes per 4 bytes of `base`. */
  readonly scale: number;
  readonly address: I32;
}

/**
 * Prints the epilogue of one kernel call into any number of functions: `begin` in each, then `finish` and `store` for
 * every vector of results. The operands of the epilogue are the last inputs of the call.
 */
export class EpilogueEmitter {
  /** Names for the pointer parameters of the epilogue's operands, in order: `operand1`, `operand2`, … */
  readonly names: readonly OperandName[];
  private readonly expression: Expression;
  private readonly operands: readonly Layout[];
  private readonly output: Layout;
  private readonly printer: SimdPrinter;
  /** Of the function that is being written, if its addresses stay. */
  private known: KnownAddress[] | undefined;

  /**
   * Without an epilogue, results are stored as they are. Only the first output has an epilogue.
   *
   * @param name what the names of its pointers begin with
   */
  constructor(
    epilogue: Epilogue | undefined,
    call: Pick<KernelCall<unknown>, 'inputs' | 'outputs'>,
    name: 'operand' | 'before' = 'operand',
  ) {
    const count = epilogue?.operands ?? 0;
    this.output = call.outputs[0]!;
    this.operands = call.inputs.slice(call.inputs.length - count);
    this.names = this.operands.map((_, index) => `${name}${index + 1}` as const);
    this.expression = epilogue?.expression ?? input(0, computeType(this.output.dtype));
    this.printer = new SimdPrinter([this.expression]);
  }

  /** Equal rows of results have equal epilogues: no operand is another in the next row, and no number is random. */
  get sameForRows(): boolean {
    const varies = (layout: Layout) => epilogueStrides(layout, this.output.shape).row !== 0;
    return !this.operands.some(varies) && !hasRandom(this.expression);
  }

  /**
   * Loads the operands of a single element and computes what depends on nothing else. `p` has the addresses of the
   * epilogue's operands by their names; they and the result are used as often as `finish` is called.
   *
   * @param keepsAddresses computes addresses once, by which V8 knows that vectors are neighbors: for positions that are
   *   used in straight code only, over which their bases keep their values. Default false.
   */
  begin(f: FunctionBuilder, p: Readonly<Record<string, I32>>, keepsAddresses = false): FinishVector {
    const pointers = this.names.map((name) => p[name]!);
    this.known = keepsAddresses ? [] : undefined;
    const operands = this.operands.map((layout) => {
      const strides = epilogueStrides(layout, this.output.shape);
      return { layout, whole: strides.row !== 0, column: strides.column };
    });
    // An empty output has no element to load ahead.
    const anything = sizeOf(this.output.shape) > 0;
    const hoisted = this.printer.hoist(f, (index) => {
      const operand = operands[index - 1];
      if (operand === undefined || operand.whole || operand.column !== 0 || !anything) return undefined;
      return loadVector(operand.layout.dtype, pointers[index - 1]!, { stride: 0 });
    });
    return (value, { element, column, lanes }) => {
      const operand = (index: number): V128 => {
        if (index === 0) return value;
        const { layout, whole, column: stride } = operands[index - 1]!;
        const step = whole ? 1 : stride;
        const at = whole ? element : column;
        const { address, offset } = this.elementAddress(f, pointers[index - 1]!, at, stepBytes(layout, step));
        return loadVector(layout.dtype, address, { stride: step, lanes, offset });
      };
      const counter = () => countingLanes(i32.shrU(i32.add(element.base, element.constant), 2));
      const [result] = this.printer.evaluate(f, { operand, counter }, hoisted);
      return convertVector(result!, this.expression.dtype, computeType(this.output.dtype));
    };
  }

  /** Stores what `finish` gave at its place in the output, whose address is `out`. */
  store(f: FunctionBuilder, out: I32, value: V128, { element, lanes }: EpiloguePosition): void {
    const { address, offset } = this.elementAddress(f, out, element, stepBytes(this.output));
    storeVector(f, this.output.dtype, value, { address, lanes, offset });
  }

  /** Turns an offset that counts 4 bytes per element into one of elements `step` bytes apart. */
  private elementAddress(
    f: FunctionBuilder,
    pointer: I32,
    { base, constant }: ByteOffset,
    step: number,
  ): { address: I32; offset: number } {
    const scale = step / 4;
    const offset = constant * scale;
    const same = this.known?.find(
      (known) => known.pointer === pointer && known.base === base && known.scale === scale,
    );
    if (same !== undefined) return { address: same.address, offset };
    const address = i32.add(
      pointer,
      step % 4 === 0 ? i32.mul(base, scale) : i32.shrS(i32.mul(base, step), 2),
    );
    if (this.known === undefined) return { address, offset };
    const kept = f.let(address);
    this.known.push({ pointer, base, scale, address: kept });
    return { address: kept, offset };
  }
}

/** Bytes between elements that are `stride` apart. */
function stepBytes({ dtype }: Layout, stride = 1): number {
  return stride * bytesOf[dtype];
}
