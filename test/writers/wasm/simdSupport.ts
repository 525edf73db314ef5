/** Evaluates expressions by the map kernel of the wasm backend. */
import type { Layout } from '../../../kernels/contract.js';
import { mapWasm } from '../../../kernels/map/wasm.js';
import { allocateHost, type Dtype, dtypeOf, type HostArray } from '../../../src/core/dtype.js';
import type { Expression } from '../../../src/core/expression.js';
import type { KernelRun } from '../../../src/writers/wasm/assembler.js';
import { detectSimdLevel, type SimdLevel } from '../../../src/writers/wasm/simdLevel.js';

/** Every level that this engine has. */
export const levels: readonly SimdLevel[] =
  detectSimdLevel() === 'relaxed' ? ['baseline', 'relaxed'] : ['baseline'];

/** The expressions at every element of the inputs, which have one length or, standing for all elements, the length 1. */
export function evaluate(
  expressions: readonly Expression[],
  inputs: readonly HostArray[],
  simd: SimdLevel,
  dtype: Dtype = 'float32',
): HostArray[] {
  const size = Math.max(...inputs.map((input) => input.length));
  const layouts = inputs.map((input): Layout => {
    return { dtype: dtypeOf(input)!, shape: [size], strides: [input.length === 1 ? 0 : 1] };
  });
  const outputs = expressions.map((): Layout => ({ dtype, shape: [size], strides: [1] }));
  const code = mapWasm({ specification: { expressions }, inputs: layouts, outputs }, { simd, shared: false });
  const results = outputs.map(() => allocateHost(dtype, size));
  const addresses: number[] = [];
  let end = 0;
  for (const { byteLength } of [...inputs, ...results]) {
    addresses.push(end);
    end += Math.ceil(byteLength / 64) * 64;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536) });
  const bytes = new Uint8Array(memory.buffer);
  const bytesIn = ({ buffer, byteOffset, byteLength }: HostArray) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  inputs.forEach((input, i) => {
    bytes.set(bytesIn(input), addresses[i]!);
  });
  const module = new WebAssembly.Module(code.bytes);
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports.run as KernelRun;
  run(...addresses, 0, code.units);
  results.forEach((result, o) => {
    const address = addresses[inputs.length + o]!;
    bytesIn(result).set(bytes.subarray(address, address + result.byteLength));
  });
  return results;
}
