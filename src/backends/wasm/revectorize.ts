import type { WasmOptions } from '../../../kernels/wasm.js';
import { BackendError } from '../../core/errors.js';
import type { MultiplyAddNumerics } from '../../writers/wasm/simdLevel.js';

/** V8 13 is that of Node 24. V8 12 knows the flag and joins nothing. */
const firstV8 = 13;

const flag = 'experimental-wasm-revectorize';

/** Facts that decide whether V8 can do it. */
interface RevectorizeHost {
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
 * of a result may depend on it, since each lane is computed as before; V8 has had faults there, so kernels of each kind
 * are compared before anything is trusted to it.
 *
 * @param options of the modules that are going to be written
 * @returns V8's version
 * @throws BackendError where V8 cannot, or gives other bytes
 */
export async function enableRevectorize(
  numerics: MultiplyAddNumerics,
  options: Pick<WasmOptions, 'simd'>,
): Promise<string> {
  const host = revectorizeHost(numerics);
  checkRevectorize(host);
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { differentKinds } = await import('./revectorizeCheck.js');
  const plain = { ...options, shared: false };
  const different = differentKinds(plain, { ...plain, wide: true }, (run) => {
    // vectors are joined in optimized code alone, which is else made of what has run for a while; to inline, V8 14 needs
    // what it has learned meanwhile
    const without = ['liftoff', 'wasm-inlining'];
    setFlagsFromString(`--${flag}`);
    for (const name of without) setFlagsFromString(`--no-${name}`);
    try {
      return run();
    } finally {
      for (const name of without) setFlagsFromString(`--${name}`);
      setFlagsFromString(`--no-${flag}`);
    }
  });
  checkSame(different, host.v8!);
  setFlagsFromString(`--${flag}`);
  return host.v8!;
}

/** Throws a BackendError where kernels gave other bytes. */
export function checkSame(different: readonly string[], v8: string): void {
  if (different.length === 0) return;
  const text = `wasm: revectorize gives other bytes than plain code in V8 ${v8}: ${different.join(', ')}`;
  throw new BackendError(text, { hint: 'Leave revectorize out, or take another version of Node.' });
}
