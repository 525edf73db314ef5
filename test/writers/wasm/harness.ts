import {
  type Expression,
  type FunctionBuilder,
  type KernelRun,
  type Local,
  ModuleBuilder,
  type V128,
  type ValueType,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { detectSimdLevel, type SimdLevel } from '../../../src/writers/wasm/simdLevel.js';

/** Sets V8's flag on the way, so that modules of either level compile in the file that imports this. */
export const best: SimdLevel = detectSimdLevel();

/** Instantiates a module on a memory. */
export function instantiate(module: ModuleBuilder, memory: WebAssembly.Memory): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env: { memory } }).exports;
}

/** Values that leave nothing unsaid about rounding, signs and ranges. */
export const floats = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  -2.75,
  3.4e38,
  -3.4e38,
  1e-40,
  7,
  Infinity,
  -Infinity,
];
export const integers = [
  0,
  1,
  -1,
  2,
  -2,
  3,
  127,
  128,
  255,
  256,
  -128,
  65535,
  65536,
  -65536,
  2 ** 31 - 1,
  -(2 ** 31),
];

/** Computes a vector from two vectors of bytes: `a` at 0 and `b` at 16 in memory, the result as bytes. */
export function evaluateVector(
  bytes: Uint8Array,
  expression: (a: V128, b: V128, f: FunctionBuilder) => V128,
  simd: SimdLevel = best,
): Uint8Array {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new ModuleBuilder({ simd, shared: false });
  module.kernel([], (f) => f.store(32, expression(v128.load(0), v128.load(16), f)));
  new Uint8Array(memory.buffer).set(bytes);
  (instantiate(module, memory).run as KernelRun)(0, 0);
  return new Uint8Array(memory.buffer).slice(32, 48);
}

/** Computes a number from numbers. */
export function evaluate<P extends Record<string, ValueType>>(
  parameters: P,
  values: number[],
  expression: (locals: { readonly [K in keyof P]: Local<P[K]> }, f: FunctionBuilder) => Expression,
  simd: SimdLevel = best,
): number {
  const module = new ModuleBuilder({ simd, shared: false });
  module.exportedFunction('value', parameters, (f, locals) => expression(locals, f));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const value = instantiate(module, memory).value as (...values: number[]) => number;
  return value(...values);
}

/** Small multiples of 1/4: their products and sums are exact in float32, in whatever order and however rounded. */
export function exactValues(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return ((state >>> 16) % 17) / 4 - 2;
  });
}
