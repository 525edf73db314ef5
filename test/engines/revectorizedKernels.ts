/**
 * Runs every case of the kernels twice, as usual and with vectors joined to 256 bits, and prints as JSON how many were
 * compared and which gave other bytes. Runs as a process of its own, in a V8 that can join, with `--no-liftoff`: code that
 * runs once is not optimized otherwise.
 */
import { setFlagsFromString } from 'node:v8';
import type { WasmOptions } from '../../kernels/toolkit/wasm/kernel.js';
import { wasmKernels } from '../../kernels/wasm.js';
import type { HostArray } from '../../src/core/dtype.js';
import { bindModule, compileCase, levels, runWasmCase } from '../kernels/wasmSupport.js';
import { type KernelCase, kernelCases } from '../support/kernelCases.js';

export interface RevectorizedFindings {
  readonly compared: number;
  readonly different: readonly string[];
}

const flag = 'experimental-wasm-revectorize';

/**
 * The outputs of a case with joined vectors. V8 keeps the code of equal modules, so this one gets an empty section of its
 * own; it compiles a function when it is first called.
 */
function runJoined(kernelCase: KernelCase, options: WasmOptions): HostArray[] {
  const code = compileCase(wasmKernels, kernelCase, { ...options, wide: true });
  const section = [0, 2, 1, 'x'.charCodeAt(0)];
  setFlagsFromString(`--${flag}`);
  try {
    const module = new WebAssembly.Module(new Uint8Array([...code.bytes, ...section]));
    return runWasmCase({ ...code, bind: bindModule(module, options.shared) }, kernelCase);
  } finally {
    setFlagsFromString(`--no-${flag}`);
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

const different: string[] = [];
for (const kernelCase of kernelCases) {
  for (const simd of levels) {
    const options = { simd, shared: simd === 'relaxed' };
    const expected = runWasmCase(compileCase(wasmKernels, kernelCase, options), kernelCase);
    const actual = runJoined(kernelCase, options);
    const same = actual.every((output, o) => Buffer.compare(bytesOf(output), bytesOf(expected[o]!)) === 0);
    if (!same) different.push(`${kernelCase.name} (${simd})`);
  }
}
const compared = kernelCases.length * levels.length;
console.log(JSON.stringify({ compared, different } satisfies RevectorizedFindings));
