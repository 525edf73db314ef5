import { BackendError } from '../../core/errors.js';
import { f32x4, ModuleBuilder } from './assembler.js';

/**
 * How a·b + c is computed. `relaxed`: one instruction of relaxed SIMD, a fused multiply-add on every machine that has
 * one. `baseline`: a multiplication and an addition.
 */
export type SimdLevel = 'relaxed' | 'baseline';

/** How often a·b + c is rounded: once (`fma`) or twice (`mul-add`). Results depend on it in their last bits. */
export type MultiplyAddNumerics = 'fma' | 'mul-add';

/** A module with one function, f32 → f32: multiplyAdd(x, x, -1), in the first lane. */
function probe(level: SimdLevel, shared = false): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ simd: level, shared });
  module.exportedFunction('squareLessOne', { x: 'f32' }, (f, { x }) =>
    f32x4.extractLane(f.multiplyAdd(f32x4.splat(x), f32x4.splat(x), -1), 0),
  );
  return module.bytes();
}

/**
 * The best level of this engine. Node 20 has relaxed SIMD behind a flag of V8 that may be set while the program runs,
 * before the first module that needs it; newer Node and browsers have it on.
 */
export function detectSimdLevel(): SimdLevel {
  if (!WebAssembly.validate(probe('relaxed'))) enableRelaxedSimd();
  if (WebAssembly.validate(probe('relaxed'))) return 'relaxed';
  if (WebAssembly.validate(probe('baseline'))) return 'baseline';
  throw new BackendError('wasm: this JavaScript engine has no WebAssembly SIMD', {
    hint: 'use the reference backend, or an engine of 2021 or later',
  });
}

/** A memory, and whether it is shared. */
interface ProbeMemory {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
}

/**
 * Measures what a level really does on this machine, by (1 + 2⁻¹²)² - 1 = 2⁻¹¹ + 2⁻²⁴: the square rounded to float32
 * loses the last term (a tie, to even), a fused multiply-add keeps it.
 *
 * @param present a memory to import, which is left as it is: another would reserve 10 GB of address space
 */
export function numericsOf(level: SimdLevel, present?: ProbeMemory): MultiplyAddNumerics {
  const { memory, shared } = present ?? { memory: new WebAssembly.Memory({ initial: 0 }), shared: false };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(probe(level, shared)), {
    env: { memory },
  });
  const squareLessOne = instance.exports.squareLessOne as (x: number) => number;
  return squareLessOne(1 + 2 ** -12) === 2 ** -11 + 2 ** -24 ? 'fma' : 'mul-add';
}

/** Goes with Node 20: later versions do not know the flag. */
function enableRelaxedSimd(): void {
  if (typeof process === 'undefined' || !process.versions?.node?.startsWith('20.')) return;
  // getBuiltinModule, not an import: bundlers for browsers need not know node:v8.
  process.getBuiltinModule('node:v8').setFlagsFromString('--experimental-wasm-relaxed-simd');
}
