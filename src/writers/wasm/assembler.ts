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
import { section, text, typeByte, unsigned, type ValueType, vector } from './encoding.js';
import type { Expression } from './expressions.js';
import { FunctionBuilder, type FunctionHandle, type Local } from './function.js';
import type { SimdLevel } from './simdLevel.js';

export type { ValueType } from './encoding.js';
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
  v128,
} from './expressions.js';
export type { FunctionBuilder, FunctionHandle, Label, Local } from './function.js';

/** The exported function of a kernel: `run(pointers…, begin, end)`. */
export type KernelRun = (...addressesAndRange: number[]) => void;

export interface ModuleOptions {
  /** What `f.multiplyAdd` becomes: one relaxed instruction, or a multiplication and an addition. */
  readonly simd: SimdLevel;
  /** Whether the imported memory is a shared one: it is declared differently, so the module must know. */
  readonly shared: boolean;
  /** Size limits of the imported memory, in pages of 64 KiB; by default any memory fits. */
  readonly minimumPages?: number;
  readonly maximumPages?: number;
}

type Parameters<P extends Record<string, ValueType>> = { readonly [K in keyof P]: Local<P[K]> };

/** A module that imports its memory as `env.memory`. */
export class ModuleBuilder {
  /** Encoded function types; a function refers to its type by position. */
  private readonly types: number[][] = [];
  private readonly functions: { name: string; type: number; body: number[] }[] = [];
  private readonly exports: { name: string; index: number }[] = [];

  constructor(readonly options: ModuleOptions) {}

  /**
   * Writes an internal function. The order of the keys of `parameters` is the order of the arguments. Hot loops belong
   * in functions that are called often: engines replace a function by its optimized code between calls, not inside one.
   */
  function<P extends Record<string, ValueType>>(
    name: string,
    parameters: P,
    body: (f: FunctionBuilder, parameters: Parameters<P>) => void,
  ): FunctionHandle {
    return this.define(name, parameters, undefined, (f, locals) => {
      body(f, locals);
      return undefined;
    });
  }

  /** Writes an exported function whose value is the expression that `body` returns. */
  exportedFunction<P extends Record<string, ValueType>, T extends ValueType>(
    name: string,
    parameters: P,
    result: T,
    body: (f: FunctionBuilder, parameters: Parameters<P>) => Expression<T>,
  ): void {
    this.exports.push({ name, index: this.define(name, parameters, result, body).index });
  }

  /** Writes the kernel's exported `run(pointers…, begin, end)`. */
  kernel<N extends string>(
    pointers: readonly N[],
    body: (f: FunctionBuilder, parameters: Record<N | 'begin' | 'end', Local<'i32'>>) => void,
  ): void {
    const names = [...pointers, 'begin', 'end'] as const;
    const parameters = Object.fromEntries(names.map((name) => [name, 'i32'])) as Record<
      N | 'begin' | 'end',
      'i32'
    >;
    this.exports.push({ name: 'run', index: this.function('run', parameters, body).index });
  }

  /** The module in WebAssembly's binary format. */
  bytes(): Uint8Array<ArrayBuffer> {
    const functionNames = this.functions.map(({ name }, index) => [...unsigned(index), ...text(name)]);
    const subsection = vector(functionNames);
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
      ...section(1, vector(this.types)),
      ...section(2, vector([[...text('env'), ...text('memory'), 0x02, ...this.memoryType()]])),
      ...section(3, vector(this.functions.map(({ type }) => unsigned(type)))),
      ...section(7, vector(this.exports.map(({ name, index }) => [...text(name), 0x00, ...unsigned(index)]))),
      ...section(10, vector(this.functions.map(({ body }) => body))),
      ...section(0, [...text('name'), 1, ...unsigned(subsection.length), ...subsection]), // shown by profilers
    ]);
  }

  private define<P extends Record<string, ValueType>>(
    name: string,
    parameters: P,
    result: ValueType | undefined,
    body: (f: FunctionBuilder, parameters: Parameters<P>) => Expression | undefined,
  ): FunctionHandle {
    const types = Object.values(parameters);
    const f = new FunctionBuilder(types, this.options.simd);
    const locals = Object.fromEntries(
      Object.entries(parameters).map(([key, type], index) => [key, f.parameter(index, type)]),
    ) as Parameters<P>;
    const encoded = f.encode(body(f, locals));
    this.functions.push({ name, type: this.typeIndex(types, result), body: encoded });
    return { index: this.functions.length - 1, name, parameters: types };
  }

  private typeIndex(parameters: readonly ValueType[], result: ValueType | undefined): number {
    const results = result === undefined ? [] : [[typeByte[result]]];
    const encoded = [0x60, ...vector(parameters.map((type) => [typeByte[type]])), ...vector(results)];
    const known = this.types.findIndex((type) => type.join() === encoded.join());
    return known >= 0 ? known : this.types.push(encoded) - 1;
  }

  /** Limits: a shared memory (flag 3) always has a maximum, another one (flags 0 and 1) may. */
  private memoryType(): number[] {
    const { shared, minimumPages = 0, maximumPages } = this.options;
    const maximum = maximumPages ?? (shared ? 65536 : undefined);
    const flag = shared ? 0x03 : maximum === undefined ? 0x00 : 0x01;
    return [flag, ...unsigned(minimumPages), ...(maximum === undefined ? [] : unsigned(maximum))];
  }
}
