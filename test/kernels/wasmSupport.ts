/** Runs cases of the kernel table on the generated modules, watching the memory around every operand. */
import type { KernelCall } from '../../kernels/contract.js';
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import {
  preparedFlag,
  type WasmCode,
  type WasmKernel,
  type WasmOptions,
} from '../../kernels/toolkit/wasm/kernel.js';
import { bytesOf, type Dtype, type HostArray } from '../../src/core/dtype.js';
import { sizeOf } from '../../src/core/shape.js';
import type { KernelRun } from '../../src/writers/wasm/assembler.js';
import { detectSimdLevel, type SimdLevel } from '../../src/writers/wasm/simdLevel.js';
import { buffersOf, type CaseOf, type KernelCase } from '../support/kernelCases.js';

/** Every level that this engine has. */
export const levels: readonly SimdLevel[] =
  detectSimdLevel() === 'relaxed' ? ['baseline', 'relaxed'] : ['baseline'];

export type WasmTable = { readonly [K in KernelKind]?: WasmKernel<Specifications[K]> };

const guard = 64;
const guardByte = 0xa5;

/** One region of the test memory, with guard bytes on both sides. */
interface Region {
  readonly address: number;
  readonly bytes: number;
}

/** Lays regions out one after the other. */
class Layouter {
  private end = guard;
  readonly regions: Region[] = [];

  add(bytes: number): Region {
    const region = { address: this.end, bytes };
    this.regions.push(region);
    this.end = Math.ceil((this.end + bytes) / 64) * 64 + guard;
    return region;
  }

  get size(): number {
    return this.end;
  }
}

const constructors = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;

/** The generated module of a call, for one kind of memory. */
export interface Compiled extends WasmCode {
  /** A memory of so many pages, and the kernel over it. */
  bind(pages: number): { readonly memory: WebAssembly.Memory; readonly run: KernelRun };
}

export function compileCase<K extends KernelKind>(
  table: WasmTable,
  { kind, call }: CaseOf<K>,
  options: WasmOptions,
): Compiled {
  const kernel = table[kind] as WasmKernel<Specifications[K]>;
  const code = kernel(call as KernelCall<Specifications[K]>, options);
  return { ...code, bind: bindModule(new WebAssembly.Module(code.bytes), options.shared) };
}

/** Binds a module to new memories. */
export function bindModule(module: WebAssembly.Module, shared: boolean): Compiled['bind'] {
  return (pages) => {
    const memory = new WebAssembly.Memory(
      shared ? { initial: pages, maximum: pages, shared } : { initial: pages },
    );
    return { memory, run: new WebAssembly.Instance(module, { env: { memory } }).exports.run as KernelRun };
  };
}

/**
 * Runs a case with its units cut into `ranges` pieces, the last first, and gives the outputs. Throws where memory
 * outside the outputs (and the scratch area) has changed. Outputs and scratch are filled with NaN before.
 */
export function runWasmCase(code: Compiled, kernelCase: KernelCase, ranges = 1): HostArray[] {
  const buffers = buffersOf(kernelCase);
  const place = new Layouter();
  const inputs = buffers.map((buffer) => place.add(buffer.byteLength));
  const outputs = kernelCase.call.outputs.map(({ dtype, shape }, output) => {
    const aliased = kernelCase.inPlace.find(([o]) => o === output);
    return aliased === undefined ? place.add(sizeOf(shape) * bytesOf[dtype]) : inputs[aliased[1]]!;
  });
  const scratch = code.scratchBytes > 0 ? [place.add(code.scratchBytes)] : [];
  const { memory, run } = code.bind(Math.ceil(place.size / 65536));
  const bytes = new Uint8Array(memory.buffer, 0, place.size);
  bytes.fill(guardByte);
  const writable = [...outputs, ...scratch];
  for (const { address, bytes: size } of writable) bytes.fill(0xff, address, address + size);
  buffers.forEach((buffer, i) => {
    bytes.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), inputs[i]!.address);
  });
  const before = bytes.slice();

  const pointers = [
    ...kernelCase.operands.map(({ dtype, view }, i) => inputs[i]!.address + view.offset * bytesOf[dtype]),
    ...writable.map(({ address }) => address),
  ];
  const cuts = Array.from({ length: ranges + 1 }, (_, i) => Math.floor((i * code.units) / ranges));
  for (let i = ranges - 1; i >= 0; i--) {
    // the scratch area is what the range before has left
    const prepared = code.prepares && i < ranges - 1 ? preparedFlag : 0;
    run(...pointers, cuts[i]! | prepared, cuts[i + 1]!);
  }

  const results = outputs.map(({ address }, output) => {
    const { dtype, shape } = kernelCase.call.outputs[output]!;
    return copyOut(memory, dtype, address, sizeOf(shape));
  });
  for (const { address, bytes: size } of writable) {
    bytes.set(before.subarray(address, address + size), address);
  }
  if (Buffer.compare(bytes.slice(), before) !== 0) throw new Error('wrote outside its outputs');
  return results;
}

function copyOut(memory: WebAssembly.Memory, dtype: Dtype, address: number, size: number): HostArray {
  return new constructors[dtype](memory.buffer, address, size).slice();
}
