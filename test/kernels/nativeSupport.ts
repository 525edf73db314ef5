/** Runs kernels as machine code, over one memory that all cases share. */
import type { KernelCall } from '../../kernels/contract.js';
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import type { WasmKernel } from '../../kernels/toolkit/wasm/kernel.js';
import { writeList } from '../../src/backends/wasm/native/list.js';
import { type Machine, openMachine } from '../../src/backends/wasm/native/machine.js';
import type { X64Level } from '../../src/writers/x64/frame.js';
import { printX64 } from '../../src/writers/x64/module.js';
import type { CaseOf } from '../support/kernelCases.js';
import type { Compiled, WasmTable } from './wasmSupport.js';

const pages = 4096;
/** Behind what cases use. */
const listAt = (pages - 1) * 65536;

export class NativeCases {
  private readonly objects: unknown[] = [];

  private constructor(
    readonly memory: WebAssembly.Memory,
    readonly machine: Machine,
  ) {}

  static open(): NativeCases {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    return new NativeCases(memory, openMachine(memory));
  }

  /** Compiles one case, at 4, 8 or 16 lanes. */
  compile<K extends KernelKind>(
    table: WasmTable,
    { kind, call }: CaseOf<K>,
    { level, lanes }: { readonly level: X64Level; readonly lanes: number },
  ): Compiled {
    const kernel = table[kind] as WasmKernel<Specifications[K]>;
    const print = (functions: Parameters<typeof printX64>[0]) => printX64(functions, level);
    const options = { simd: 'relaxed', shared: true, machine: { level, lanes, print } } as const;
    const code = kernel(call as KernelCall<Specifications[K]>, options);
    const { addresses, object } = this.machine.load([code.bytes]);
    this.objects.push(object);
    const address = addresses[0];
    const { memory, machine } = this;
    const run = (...values: number[]) => {
      writeList(memory, listAt, [{ address: address!, values }]);
      machine.walk(listAt);
    };
    return { ...code, bind: () => ({ memory, run }) };
  }
}
