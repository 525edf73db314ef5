import * as assert from 'uvu/assert';
import { wasmKernels } from '../../kernels/wasm.js';
import { compareArrays, kernelCases, runReferenceCase, toleranceOf } from '../support/kernelCases.js';
import { suite } from '../support/suite.js';
import { levels, runWasmCase } from './wasmSupport.js';

suite('wasm kernels', (test) => {
  for (const kernelCase of kernelCases) {
    for (const simd of levels) {
      test(`${kernelCase.name} (${simd})`, () => {
        const expected = runReferenceCase(kernelCase);
        const actual = runWasmCase(wasmKernels, kernelCase, { simd, shared: false });
        actual.forEach((output, o) => {
          compareArrays(output, expected[o]!, toleranceOf(kernelCase, o));
        });
        for (const ranges of [2, 3, 4]) {
          const split = runWasmCase(wasmKernels, kernelCase, { simd, shared: false }, ranges);
          assert.equal(split.map(bytes), actual.map(bytes), `${ranges} ranges give other bytes than one`);
        }
      });
    }
  }
});

function bytes(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
