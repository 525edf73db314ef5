import * as assert from 'uvu/assert';
import { wasmKernels } from '../../kernels/wasm.js';
import { compareArrays, kernelCases, runReferenceCase, toleranceOf } from '../support/kernelCases.js';
import { suite } from '../support/suite.js';
import { compileCase, levels, runWasmCase } from './wasmSupport.js';

suite('wasm kernels', (test) => {
  for (const kernelCase of kernelCases) {
    for (const simd of levels) {
      test(`${kernelCase.name} (${simd})`, () => {
        const expected = runReferenceCase(kernelCase);
        const code = compileCase(wasmKernels, kernelCase, { simd, shared: simd === 'relaxed' });
        const actual = runWasmCase(code, kernelCase);
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

function bytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
