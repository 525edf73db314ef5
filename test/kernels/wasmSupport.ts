/** Runs cases of the kernel table on the generated modules, watching the memory around every operand. */
import type { KernelCall } from '../../kernels/contract.js';
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import type { WasmCode, WasmKernel, WasmOptions } from '../../kernels/wasmKernel.js';
import { bytesOf, type Dtype, type HostArray } from '../../src/core/dtype.js';
import { sizeOf } from '../../src/core/shape.js';
import type { KernelRun } from '../../src/writers/assembler.js';
import { detectSimdLevel, type SimdLevel } from '../../src/writers/simdLevel.js';
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

/** The generated code of a case. */
export function compileCase<K extends KernelKind>(
  table: WasmTable,
  kernelCase: CaseOf<K>,
  options: WasmOptions,
): WasmCode {
  const kernel = table[kernelCase.kind] as WasmKernel<Specifications[K]>;
  return kernel(kernelCase.call as KernelCall<Specifications[K]>, options);
}

/**
 * Runs a case with its units cut into `ranges` pieces, run last to first, and gives the outputs. Throws where memory
 * outside the outputs (and the scratch area) has changed. Outputs are filled with NaN before.
 */
export function runWasmCase(
  table: WasmTable,
  kernelCase: KernelCase,
  options: WasmOptions,
  ranges = 1,
): HostArray[] {
  const code = compileCase(table, kernelCase, options);
  const buffers = buffersOf(kernelCase);
  const place = new Layouter();
  const inputs = buffers.map((buffer) => place.add(buffer.byteLength));
  const outputs = kernelCase.call.outputs.map(({ dtype, shape }, output) => {
    const aliased = kernelCase.inPlace.find(([o]) => o === output);
    return aliased === undefined ? place.add(sizeOf(shape) * bytesOf[dtype]) : inputs[aliased[1]]!;
  });
  const scratch = code.scratchBytes > 0 ? [place.add(code.scratchBytes)] : [];
  const pages = Math.ceil(place.size / 65536);
  const memory = new WebAssembly.Memory(
    options.shared ? { initial: pages, maximum: pages, shared: true } : { initial: pages },
  );
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(guardByte);
  for (const output of outputs) bytes.fill(0xff, output.address, output.address + output.bytes);
  buffers.forEach((buffer, i) => {
    bytes.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), inputs[i]!.address);
  });
  const before = bytes.slice();

  const instance = new WebAssembly.Instance(new WebAssembly.Module(code.bytes), { env: { memory } });
  const run = instance.exports.run as KernelRun;
  const pointers = [
    ...kernelCase.operands.map(({ dtype, view }, i) => inputs[i]!.address + view.offset * bytesOf[dtype]),
    ...[...outputs, ...scratch].map(({ address }) => address),
  ];
  const cuts = Array.from({ length: ranges + 1 }, (_, i) => Math.floor((i * code.units) / ranges));
  for (let i = ranges - 1; i >= 0; i--) run(...pointers, cuts[i]!, cuts[i + 1]!);

  const writable = [...outputs, ...scratch];
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === before[at]) continue;
    if (writable.every(({ address, bytes: size }) => at < address || at >= address + size)) {
      throw new Error(`wrote outside its outputs, at byte ${at} of ${bytes.length}`);
    }
  }
  return outputs.map(({ address }, output) => {
    const { dtype, shape } = kernelCase.call.outputs[output]!;
    return copyOut(memory, dtype, address, sizeOf(shape));
  });
}

function copyOut(memory: WebAssembly.Memory, dtype: Dtype, address: number, size: number): HostArray {
  return new constructors[dtype](memory.buffer, address, size).slice();
}
