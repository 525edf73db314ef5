import { BackendError } from '../../core/errors.js';
import type { MultiplyAddNumerics } from '../../writers/wasm/simdLevel.js';

/** V8 13 is that of Node 24. V8 12 knows the flag and joins nothing. */
const firstV8 = 13;

/** What decides whether V8 can do it. */
export interface RevectorizeHost {
  /** Version of V8 in a process that can set its flags. */
  readonly v8: string | undefined;
  readonly arch: string | undefined;
  /** V8 asks for AVX2, which came with fused multiply-add. */
  readonly numerics: MultiplyAddNumerics;
}

/** This process. */
export function revectorizeHost(numerics: MultiplyAddNumerics): RevectorizeHost {
  if (typeof process === 'undefined') return { v8: undefined, arch: undefined, numerics };
  return { v8: process.versions?.v8, arch: process.arch, numerics };
}

/** Throws a BackendError that says why V8 cannot join vectors here. */
export function checkRevectorize({ v8, arch, numerics }: RevectorizeHost): void {
  const hint = 'Leave revectorize out: results are the same without it.';
  if (v8 === undefined || !(Number.parseInt(v8, 10) >= firstV8)) {
    const found = v8 === undefined ? 'not Node' : `V8 ${v8}`;
    throw new BackendError(
      `wasm: revectorize needs V8 ${firstV8}, that of Node 24, or a later one: this is ${found}`,
      {
        hint,
      },
    );
  }
  if (arch !== 'x64' || numerics !== 'fma') {
    const found = arch === 'x64' ? 'x64 without fused multiply-add' : arch;
    throw new BackendError(`wasm: revectorize needs an x64 processor with AVX2: this is ${found}`, { hint });
  }
}

/**
 * Lets V8 join neighboring vectors of 128 bits to 256 bits: an experiment of its optimizing compiler, behind a flag that
 * may be set while the program runs. It counts for the whole process and all code that is compiled from then on. No bit
 * of a result depends on it: each lane is computed as before.
 *
 * @throws BackendError where V8 cannot
 */
export function enableRevectorize(numerics: MultiplyAddNumerics): void {
  checkRevectorize(revectorizeHost(numerics));
  process.getBuiltinModule('node:v8').setFlagsFromString('--experimental-wasm-revectorize');
}
