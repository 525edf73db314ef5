/** Runs a kernel with every operand in pages of its own, between two that may not be touched: the system ends who does. */
import { foreignFunctions } from '../../src/backends/wasm/native/ffi.js';
import { bytesOf, type HostArray } from '../../src/core/dtype.js';
import { sizeOf } from '../../src/core/shape.js';
import { buffersOf, type KernelCase } from '../support/kernelCases.js';
import type { NativeCases } from './nativeSupport.js';
import type { Compiled } from './wasmSupport.js';

const page = 4096;
const [none, readWrite] = [0, 3];
const constructors = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;

interface Region {
  readonly address: number;
  readonly bytes: number;
}

/** The outputs of a case. Operands end where a guard page begins, as far as their alignment lets them. */
export function runGuarded({ memory }: NativeCases, code: Compiled, kernelCase: KernelCase): HostArray[] {
  const foreign = foreignFunctions();
  const library = foreign.open(null, {
    mprotect: { parameters: ['uint64', 'uint64', 'int32'], result: 'int32' },
  });
  const { mprotect } = library.functions;
  const base = foreign.addressOf(memory.buffer);
  const guards: number[] = [];
  const protect = (address: number, how: number) => {
    if (Number(mprotect(base + BigInt(address), BigInt(page), how)) !== 0) throw new Error('mprotect fails');
  };
  let end = page;
  const place = (bytes: number): Region => {
    const pages = Math.max(1, Math.ceil(bytes / page));
    guards.push(end);
    const address = end + page + pages * page - Math.ceil(bytes / 4) * 4;
    end += (1 + pages) * page;
    return { address, bytes };
  };
  const buffers = buffersOf(kernelCase);
  const inputs = buffers.map((buffer) => place(buffer.byteLength));
  const outputs = kernelCase.call.outputs.map(({ dtype, shape }, output) => {
    const aliased = kernelCase.inPlace.find(([o]) => o === output);
    return aliased === undefined ? place(sizeOf(shape) * bytesOf[dtype]) : inputs[aliased[1]]!;
  });
  const scratch = code.scratchBytes > 0 ? [place(code.scratchBytes)] : [];
  guards.push(end);
  for (const { address, bytes } of [...outputs, ...scratch])
    new Uint8Array(memory.buffer, address, bytes).fill(0xff);
  for (const [i, buffer] of buffers.entries())
    new Uint8Array(memory.buffer, inputs[i]!.address, buffer.byteLength).set(
      new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength),
    );
  const pointers = [
    ...kernelCase.operands.map(({ dtype, view }, i) => inputs[i]!.address + view.offset * bytesOf[dtype]),
    ...[...outputs, ...scratch].map(({ address }) => address),
  ];
  const { run } = code.bind(0);
  for (const guard of guards) protect(guard, none);
  try {
    run(...pointers, 0, code.units);
  } finally {
    for (const guard of guards) protect(guard, readWrite);
  }
  return outputs.map(({ address }, output) => {
    const { dtype, shape } = kernelCase.call.outputs[output]!;
    return new constructors[dtype](memory.buffer, address, sizeOf(shape)).slice();
  });
}
