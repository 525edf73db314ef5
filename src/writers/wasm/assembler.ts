/**
 * A small writer of WebAssembly modules. Expressions (`i32`, `f32`, `v128`, `f32x4`, `i32x4`, …) are values; statements
 * are methods of a function's builder `f`. This kernel adds two arrays, a row of 8 floats per unit of work:
 *
 *     const module = new ModuleBuilder({ simd: 'relaxed', shared: false });
 *     module.kernel(['a', 'b', 'out'], (f, { a, b, out, begin, end }) => {
 *       f.loop(begin, end, 1, (row) => {
 *         const at = f.let(i32.mul(row, 32));                     // a byte offset, evaluated once
 *         f.loop(0, 32, 16, (lane) => {                           // constant bounds; a loop of 1 turn is no loop
 *           const x = v128.load(i32.sum(a, at, lane));
 *           const y = v128.load(i32.sum(b, at, lane));
 *           f.store(i32.sum(out, at, lane), f32x4.mul(f32x4.add(x, y), 0.5));   // numbers are constants
 *         });
 *       });
 *     });
 *     const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env: { memory } });
 *     (instance.exports.run as KernelRun)(aAddress, bAddress, outAddress, 0, rows);
 *
 * Loads and stores take a constant byte offset as their last argument, which costs nothing: unroll with it.
 * Every kernel of the project exports `run(pointers…, begin, end)`: byte addresses of the inputs, then the outputs,
 * then one scratch area if it asked for one, and a half-open range of its own units of work (rows, images, tiles).
 */
import { printModule, type WrittenFunction } from './binary.js';
import type { Expression, ValueType } from './expressions.js';
import { fencesHelp } from './fences.js';
import {
  FunctionBuilder,
  type FunctionHandle,
  type Local,
  type MachineOptions,
  vectorLanes,
} from './function.js';
import type { SimdLevel } from './simdLevel.js';

export {
  type Expression,
  type F32,
  f32,
  f32x4,
  type I32,
  i8x16,
  i16x8,
  i32,
  i32x4,
  select,
  type V128,
  type ValueType,
  v128,
} from './expressions.js';
export {
  type FunctionBuilder,
  type FunctionHandle,
  type Label,
  type Local,
  type MachineOptions,
  vectorLanes,
} from './function.js';

/** The exported function of a kernel: `run(pointers…, begin, end)`. */
export type KernelRun = (...addressesAndRange: number[]) => void;

interface ModuleOptions {
  /** The form of `f.multiplyAdd`: one relaxed instruction, or a multiplication and an addition. */
  readonly simd: SimdLevel;
  /** Declares the imported memory as a shared one, which a module must do to get one. */
  readonly shared: boolean;
  /** Lets `f.fence` write something. Never changes a result. Default: where this engine's code is faster with it. */
  readonly fences?: boolean;
  /** Where the code is for another machine than WebAssembly's. */
  readonly machine?: MachineOptions | undefined;
}

type Parameters<P extends Record<string, ValueType>> = { readonly [K in keyof P]: Local<P[K]> };

function integers<N extends string>(names: readonly N[]): Record<N, 'i32'> {
  return Object.fromEntries(names.map((name) => [name, 'i32'])) as Record<N, 'i32'>;
}

/** A module that imports its memory, of any size, as `env.memory`. What is written is a tree until `bytes` prints it. */
export class ModuleBuilder {
  private readonly functions: WrittenFunction[] = [];
  private readonly handles = new Map<string, FunctionHandle>();

  constructor(readonly options: ModuleOptions) {}

  /**
   * Writes an internal function. The order of the keys of `parameters` is the order of the arguments. Hot loops belong
   * in functions that are called often: engines replace a function by its optimized code between calls, not inside one.
   * `lanes`: of its vectors; default: those of the module.
   */
  function<P extends Record<string, ValueType>>(
    name: string,
    parameters: P,
    body: (f: FunctionBuilder, parameters: Parameters<P>) => void,
    lanes = this.lanes,
  ): FunctionHandle {
    const write = (f: FunctionBuilder, locals: Parameters<P>) => {
      body(f, locals);
      return undefined;
    };
    return this.define(name, { parameters, exported: false, lanes }, write);
  }

  /** The internal function of that name, which is written at the first call: a name says all that differs. */
  once<N extends string>(
    name: string,
    parameters: readonly N[],
    body: (f: FunctionBuilder, parameters: Readonly<Record<N, Local<'i32'>>>) => void,
    lanes = this.lanes,
  ): FunctionHandle {
    const known = this.handles.get(name) ?? this.function(name, integers(parameters), body, lanes);
    this.handles.set(name, known);
    return known;
  }

  /** Writes an exported function whose value is the expression that `body` returns. */
  exportedFunction<P extends Record<string, ValueType>>(
    name: string,
    parameters: P,
    body: (f: FunctionBuilder, parameters: Parameters<P>) => Expression | undefined,
  ): void {
    this.define(name, { parameters, exported: true, lanes: this.lanes }, body);
  }

  /** Writes the kernel's exported `run(pointers…, begin, end)`. */
  kernel<N extends string>(
    pointers: readonly N[],
    body: (f: FunctionBuilder, parameters: Record<N | 'begin' | 'end', Local<'i32'>>) => void,
  ): void {
    this.exportedFunction('run', integers([...pointers, 'begin', 'end'] as const), (f, locals) => {
      body(f, locals);
      return undefined;
    });
  }

  /** How many float32 the vectors of its functions hold, unless a function has others. */
  get lanes(): number {
    return vectorLanes(this.options);
  }

  /** The module in WebAssembly's binary format, or in the code of the machine that it is for. */
  bytes(): Uint8Array<ArrayBuffer> {
    const { machine } = this.options;
    if (machine !== undefined) return machine.print(this.functions);
    return printModule(this.functions, this.options.shared);
  }

  private define<P extends Record<string, ValueType>>(
    name: string,
    { parameters, exported, lanes }: { parameters: P; exported: boolean; lanes: number },
    body: (f: FunctionBuilder, parameters: Parameters<P>) => Expression | undefined,
  ): FunctionHandle {
    const types = Object.values(parameters);
    const { simd, machine, fences } = this.options;
    const fenced = machine === undefined && (fences ?? fencesHelp());
    const f = new FunctionBuilder(types, simd, fenced, lanes);
    const locals = Object.fromEntries(
      Object.entries(parameters).map(([key, type], index) => [key, f.parameter(index, type)]),
    ) as Parameters<P>;
    const result = body(f, locals);
    this.functions.push({ ...f.finish(result), name, exported });
    return { index: this.functions.length - 1, name, parameters: types };
  }
}
