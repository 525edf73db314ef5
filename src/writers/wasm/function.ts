import { BackendError } from '../../core/errors.js';
import {
  addressed,
  checkedLane,
  type Expression,
  f32,
  f32x4,
  type I32,
  i32,
  none,
  type V128,
  type ValueType,
} from './expressions.js';
import type { Store } from './instructions.js';
import type { SimdLevel } from './simdLevel.js';

/** A parameter or local variable. Used as an expression it reads the value it has at that point of the code. */
export interface Local<T extends ValueType = ValueType> extends Expression<T> {
  readonly index: number;
}

/** A function of the module that is being written, to be called from others. */
export interface FunctionHandle {
  readonly index: number;
  readonly name: string;
  readonly parameters: readonly ValueType[];
}

/** A place that `branch` jumps to: the end of a `block`, the start of a `forever`. */
export interface Label {
  readonly depth: number;
}

/** One statement, its operands in the order in which they are evaluated. */
export type Statement = { readonly operands: readonly Expression[] } & (
  | { readonly kind: 'set'; readonly local: number }
  | { readonly kind: 'store'; readonly instruction: Store; readonly immediates: readonly number[] }
  | { readonly kind: 'copy' | 'fill' }
  | { readonly kind: 'call'; readonly target: number }
  | { readonly kind: 'branch' | 'branchIf'; readonly label: Label }
  | { readonly kind: 'block' | 'forever'; readonly body: readonly Statement[] }
  | {
      readonly kind: 'if';
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[] | undefined;
    }
);

/** A function as a printer needs it. */
export interface FunctionBody {
  readonly parameters: readonly ValueType[];
  /** Types of the variables that are no parameters; their indices go on behind those of the parameters. */
  readonly variables: readonly ValueType[];
  readonly statements: readonly Statement[];
  /** The value it returns. */
  readonly result: Expression | undefined;
  /** How many float32 its vectors hold. */
  readonly lanes: number;
}

type Integer = I32 | number;
type Lanes = V128 | number;
/** A value for a variable of type T: a number only where it has one meaning. */
type Assignable<T extends ValueType> = T extends 'v128' ? V128 : Expression<T> | number;

/** How code for another machine than WebAssembly's is written. */
export interface MachineOptions {
  readonly level: 'avx2' | 'avx512';
  /** How many float32 a vector holds. */
  readonly lanes: number;
  /** Prints the functions of a module, of which `run` is exported. */
  print(functions: readonly (FunctionBody & { name: string; exported: boolean })[]): Uint8Array<ArrayBuffer>;
}

/** How many float32 a vector holds. */
export function vectorLanes({ machine }: { readonly machine?: MachineOptions | undefined }): number {
  return machine?.lanes ?? 4;
}

const storeOfLane = { 8: 'v128.store8Lane', 32: 'v128.store32Lane', 64: 'v128.store64Lane' } as const;

/** Writes the body of one function: statements append themselves in the order they are called. */
export class FunctionBuilder {
  private readonly types: ValueType[];
  /** Of the function, or of the block, loop or branch that is being written. */
  private statements: Statement[] = [];
  private depth = 0;
  /** The innermost `block`, and how many fences there are. */
  private region: Label | undefined;
  private fences = 0;

  constructor(
    private readonly parameters: readonly ValueType[],
    /** Decides the form of `multiplyAdd`. */
    readonly simd: SimdLevel,
    private readonly fenced: boolean,
    /** How many float32 a vector holds. */
    readonly lanes = 4,
  ) {
    this.types = [...parameters];
  }

  /** The parameter at `index`. */
  parameter<T extends ValueType>(index: number, type: T): Local<T> {
    return { type, index, instruction: 'local', operands: none, immediates: [index] };
  }

  /** A new variable: zero when the function starts (not on every turn of a loop around it). */
  local<T extends ValueType>(type: T): Local<T> {
    this.types.push(type);
    return this.parameter(this.types.length - 1, type);
  }

  /** A new variable holding `value`: evaluated once, here. */
  let<T extends ValueType>(value: Expression<T>): Local<T> {
    const local = this.local(value.type);
    this.statements.push({ kind: 'set', local: local.index, operands: [value] });
    return local;
  }

  /** A value that is evaluated once: itself if it is a constant or a variable, else a new variable. */
  keep(value: I32): I32 {
    return value.constant !== undefined || value.instruction === 'local' ? value : this.let(value);
  }

  /** local ← value */
  set<T extends ValueType>(local: Local<T>, value: Assignable<T>): void {
    const expression: Expression =
      typeof value === 'number' ? (local.type === 'i32' ? i32 : f32).const(value) : value;
    this.statements.push({ kind: 'set', local: local.index, operands: [expression] });
  }

  /** local ← local + amount */
  increase(local: Local<'i32'>, amount: Integer): void {
    const sum = i32.add(local, amount);
    if (sum !== local) this.set(local, sum);
  }

  /** a·b + c in every lane: rounded once where the module's level is 'relaxed' (and the machine fuses), else twice. */
  multiplyAdd(a: Lanes, b: Lanes, c: Lanes): V128 {
    if (this.simd === 'baseline') return f32x4.add(f32x4.mul(a, b), c);
    const lift = (lanes: Lanes) => (typeof lanes === 'number' ? f32x4.const(lanes) : lanes);
    return f32x4.relaxedMadd(lift(a), lift(b), lift(c));
  }

  /** memory[address + offset] ← value: 4 bytes of an i32 or f32, 16 of a vector. Nothing need be aligned. */
  store(address: Integer, value: Expression, offset = 0): void {
    this.access(`${value.type}.store`, address, value, [offset]);
  }

  /** The low byte of an i32. */
  store8(address: Integer, value: Integer, offset = 0): void {
    this.access('i32.store8', address, lift(value), [offset]);
  }

  /** One lane of a vector, `bits` wide. */
  storeLane(
    address: Integer,
    value: V128,
    { lane, bits, offset = 0 }: { lane: number; bits: 8 | 32 | 64; offset?: number },
  ): void {
    this.access(storeOfLane[bits], address, value, [offset, checkedLane(lane, 128 / bits)]);
  }

  /** The first `lanes` 32-bit lanes; writes nothing beyond them. */
  storeLanes(address: Integer, value: V128, lanes: number, offset = 0): void {
    if (lanes === this.lanes) this.store(address, value, offset);
    else if (lanes > 3) this.access('v128.storeLanes', address, value, [offset, lanes]);
    else if (lanes === 1) this.storeLane(address, value, { lane: 0, bits: 32, offset });
    else if (lanes === 2) this.storeLane(address, value, { lane: 0, bits: 64, offset });
    else {
      const kept = this.let(value);
      this.storeLane(address, kept, { lane: 0, bits: 64, offset });
      this.storeLane(address, kept, { lane: checkedLane(lanes - 1, 4), bits: 32, offset: offset + 8 });
    }
  }

  /** The low bytes of the first `lanes` 32-bit lanes. For vectors of more than 4 lanes. */
  storeBytes(address: Integer, value: V128, lanes: number, offset = 0): void {
    this.access('v128.storeBytes', address, value, [offset, lanes]);
  }

  /** Copies `bytes` bytes; the regions may overlap. */
  copy(destination: Integer, source: Integer, bytes: Integer): void {
    this.statements.push({ kind: 'copy', operands: [destination, source, bytes].map(lift) });
  }

  /** Sets `bytes` bytes to the low byte of `value`. */
  fill(destination: Integer, value: Integer, bytes: Integer): void {
    this.statements.push({ kind: 'fill', operands: [destination, value, bytes].map(lift) });
  }

  /** Runs one of the two branches; a constant condition leaves only that branch in the code. */
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    if (condition.constant !== undefined) {
      if (condition.constant !== 0) then();
      else otherwise?.();
      return;
    }
    const body = this.nested(then);
    const other = otherwise && this.nested(otherwise);
    this.statements.push({ kind: 'if', operands: [condition], body, otherwise: other });
  }

  /** A region that `branch(leave)` jumps out of. */
  block(body: (leave: Label) => void): void {
    const outer = this.region;
    const statements = this.nested((label) => {
      this.region = label;
      body(label);
    });
    this.region = outer;
    this.statements.push({ kind: 'block', operands: [], body: statements });
  }

  /** A region that `branch(again)` starts over; without a branch it ends like any other. */
  forever(body: (again: Label) => void): void {
    this.statements.push({ kind: 'forever', operands: [], body: this.nested(body) });
  }

  branch(label: Label): void {
    this.statements.push({ kind: 'branch', operands: [], label });
  }

  branchIf(label: Label, condition: I32): void {
    this.statements.push({ kind: 'branchIf', operands: [condition], label });
  }

  /**
   * Ends a basic block where the registers are full, by a branch out of the innermost `block` that is never taken: no
   * `pointer` stands in the last bytes of 4 GiB. What is used behind the block would be needed there.
   *
   * V8 11.3 and 12.4 (Node 20, 22) move arithmetic behind all loads of its basic block: with 6 rows and 2 vectors of B in
   * flight the sums of a tile are spilled to the stack. Time without fences ÷ with them, a matmul of 512³, one fence for
   * each row of the tile: 1.6 in Node 20, 1.4 in 22, but 0.87 to 0.91 in 24 (V8 13.6) and 0.89 to 0.97 in 26 (14.6). So a
   * module has them where its option `fences` says so. They go with Node 22.
   */
  fence(pointer: I32): void {
    if (this.region === undefined)
      throw new BackendError('assembler: a fence stands in a block: there is none');
    if (!this.fenced) return;
    // each has its own bound, or the second would be found superfluous
    this.branchIf(this.region, i32.gtU(pointer, -2 - this.fences++));
  }

  /** Runs `body` while `condition`, read before every turn, is not 0. */
  while(condition: I32, body: () => void): void {
    this.block((leave) =>
      this.forever((again) => {
        this.branchIf(leave, i32.eqz(condition));
        body();
        this.branch(again);
      }),
    );
  }

  /**
   * Counts from `from` up to but without `to` in constant steps: indices or addresses, compared as unsigned numbers.
   * With constant bounds no turn costs nothing, one turn costs no loop. A bound that is neither a constant nor a
   * variable is evaluated once.
   */
  loop(from: Integer, to: Integer, step: number, body: (counter: I32) => void): void {
    if (!Number.isInteger(step) || step < 1) {
      throw new BackendError(`assembler: a loop's step must be an integer above 0: got ${step}`);
    }
    const first = lift(from);
    let bound = lift(to);
    if (first.constant !== undefined && bound.constant !== undefined) {
      const turns = Math.ceil((bound.constant - first.constant) / step);
      if (turns === 1) body(first);
      else if (turns > 1) this.turn(this.let(first), bound, step, body);
      return;
    }
    if (bound.constant === undefined && !('index' in bound)) bound = this.let(bound);
    const counter = this.let(first);
    this.if(i32.ltU(counter, bound), () => this.turn(counter, bound, step, body));
  }

  /** Calls a function that returns nothing. */
  call(target: FunctionHandle, ...values: (Expression | number)[]): void {
    if (values.length !== target.parameters.length) {
      throw new BackendError(
        `assembler: ${target.name} takes ${target.parameters.length} arguments: got ${values.length}`,
      );
    }
    this.statements.push({
      kind: 'call',
      target: target.index,
      operands: values.map((value) => (typeof value === 'number' ? i32.const(value) : value)),
    });
  }

  /** The function as it has been written, with what it returns. */
  finish(result: Expression | undefined): FunctionBody {
    const { parameters, types, statements } = this;
    const variables = types.slice(parameters.length);
    return { parameters, variables, statements, result, lanes: this.lanes };
  }

  private access(
    instruction: Store,
    address: Integer,
    value: Expression,
    [offset, ...lane]: readonly [number, ...number[]],
  ): void {
    const { at, rest } = addressed(address, offset);
    const immediates = [rest, ...lane];
    this.statements.push({ kind: 'store', instruction, operands: [at, value], immediates });
  }

  /** The statements that `body` writes, one level deeper. */
  private nested(body: (label: Label) => void): Statement[] {
    const outer = this.statements;
    const inner: Statement[] = [];
    this.statements = inner;
    this.depth++;
    body({ depth: this.depth });
    this.depth--;
    this.statements = outer;
    return inner;
  }

  /** The turns of a loop that is known to have one at least. */
  private turn(counter: Local<'i32'>, bound: I32, step: number, body: (counter: I32) => void): void {
    this.forever((again) => {
      body(counter);
      this.increase(counter, step);
      this.branchIf(again, i32.ltU(counter, bound));
    });
  }
}

function lift(value: Integer): I32 {
  return typeof value === 'number' ? i32.const(value) : value;
}
