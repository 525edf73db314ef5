import * as assert from 'uvu/assert';
import { wasmKernels } from '../../kernels/wasm.js';
import { checkGolden, hashBits, incomparable } from '../support/golden.js';
import { compareArrays, kernelCases, runReferenceCase, toleranceOf } from '../support/kernelCases.js';
import { suite } from '../support/suite.js';
import { compileCase, levels, runWasmCase } from './wasmSupport.js';

/** By SIMD level and name of the case, for the golden file. */
const bits = new Map(levels.map((simd) => [simd, new Map<string, string>()]));

suite('wasm kernels', (test) => {
  for (const kernelCase of kernelCases) {
    for (const simd of levels) {
      test(`${kernelCase.name} (${simd})`, () => {
        const expected = runReferenceCase(kernelCase);
        const code = compileCase(wasmKernels, kernelCase, { simd, shared: simd === 'relaxed' });
        const actual = runWasmCase(code, kernelCase);
        bits.get(simd)!.set(kernelCase.name, hashBits(actual));
        actual.forEach((output, o) => {
          compareArrays(output, expected[o]!, toleranceOf(kernelCase, o));
        });
        for (const ranges of [2, 3, 4]) {
          const same = runWasmCase(code, kernelCase, ranges).every(
            (output, o) => Buffer.compare(bytes(output), bytes(actual[o]!)) === 0,
          );
          assert.ok(same, `${ranges} ranges give other bytes than one`);
        }
      });
    }
  }
});

/**
 * The bits of every case, per SIMD level; a case draws its data by its name. A change of arithmetic that is meant writes them anew, and changes
 * `numericsVersion` of the backend where a training can meet it:
 *
 *     QUERN_GOLDEN=write node dist/test/kernels/wasm.test.js
 */
suite('bits of the wasm kernels', (test) => {
  for (const simd of ['baseline', 'relaxed'] as const) {
    const reason = levels.includes(simd) ? incomparable(simd) : 'this JavaScript engine has no relaxed SIMD';
    if (reason !== undefined) test.unavailable(simd, reason);
    else {
      test(`${simd}: as they were`, () => {
        const command = 'QUERN_GOLDEN=write node dist/test/kernels/wasm.test.js';
        checkGolden('kernels/golden/wasm.json', simd, Object.fromEntries(bits.get(simd)!), command);
      });
    }
  }
});

function bytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
