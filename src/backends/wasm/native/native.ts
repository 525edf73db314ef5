/** The machine code of one backend: kernels printed for it, loaded together, called by lists in the memory. */
import type { WasmCode, WasmOptions } from '../../../../kernels/wasm.js';
import { BackendError } from '../../../core/errors.js';
import type { KernelRun } from '../../../writers/wasm/assembler.js';
import type { FunctionBody, MachineOptions } from '../../../writers/wasm/function.js';
import type { X64Level } from '../../../writers/x64/frame.js';
import { printX64 } from '../../../writers/x64/module.js';
import type { WasmMemory } from '../memory.js';
import type { Walk } from '../table.js';
import { writeList } from './list.js';
import { type Machine, openMachine } from './machine.js';

/** Lanes of the widest vectors of each level. */
const lanesOf: Readonly<Record<X64Level, number>> = { avx2: 8, avx512: 16 };

/** More values than any kernel takes. */
const mostValues = 64;

/** A kernel that has been loaded. */
export interface NativeKernel {
  /** Of its function `run`. */
  readonly address: bigint;
  /** Of its widest vectors. */
  readonly bits: number;
  /** How many of its variables that are vectors live on the stack, over all its functions. */
  readonly spilled: number;
  /** Keeps it loaded. */
  readonly object: unknown;
}

/** What waits to be loaded. */
interface Waiting {
  readonly code: Uint8Array;
  readonly loaded: (place: Pick<NativeKernel, 'address' | 'object'>) => void;
  readonly failed: (cause: unknown) => void;
}

export class Native {
  readonly level: X64Level;
  private readonly machine: Machine;
  private readonly list: number;
  private waiting: Waiting[] = [];

  /** Whether no kernel may be WebAssembly beside it, which rounds otherwise here. */
  readonly alone: boolean;

  /** Throws a BackendError that says what this place lacks. The default of `level` is the widest there is. */
  constructor(
    private readonly memory: WasmMemory,
    { level, alone = false }: { readonly level?: X64Level | undefined; readonly alone?: boolean } = {},
  ) {
    this.alone = alone;
    this.machine = openMachine(memory.memory);
    this.level = level ?? this.machine.level;
    if (this.level === 'avx512' && this.machine.level === 'avx2')
      throw new BackendError('native: this processor has no AVX-512');
    this.list = memory.allocate(mostValues * 4 + 64);
  }

  /** Calls a list of calls at an address of the memory. */
  get walk(): Walk {
    return this.machine.walk;
  }

  /** Where workers find the same. */
  get path(): string {
    return this.machine.path;
  }

  /** Emits a kernel in machine code, and has it loaded together with others that are compiled at the same time. */
  async compile(
    options: WasmOptions,
    emit: (options: WasmOptions) => WasmCode,
  ): Promise<{ code: WasmCode; kernel: NativeKernel }> {
    let lanes = 4;
    let spilled = 0;
    const print = (functions: readonly (FunctionBody & { name: string; exported: boolean })[]) => {
      for (const body of functions) lanes = Math.max(lanes, body.lanes);
      return printX64(functions, this.level, (vectors) => {
        spilled += vectors;
      });
    };
    const code = emit({ ...options, machine: { ...this.target, print } });
    return { code, kernel: { ...(await this.load(code.bytes)), bits: 32 * lanes, spilled } };
  }

  /** What kernels are emitted for. */
  get target(): MachineOptions {
    const { level } = this;
    return { level, lanes: lanesOf[level], print: (functions) => printX64(functions, level) };
  }

  /** Loads one kernel, and makes a function of it. */
  bind(code: Uint8Array): KernelRun {
    const { addresses, object } = this.machine.load([code]);
    return Object.assign((...values: number[]) => this.call(addresses[0]!, values), { object });
  }

  /** For the end of the backend. */
  close(): void {
    this.machine.close();
  }

  /** Calls one kernel. */
  call(address: bigint, values: readonly number[]): void {
    writeList(this.memory.memory, this.list, [{ address, values }]);
    this.machine.walk(this.list);
  }

  private load(code: Uint8Array): Promise<Pick<NativeKernel, 'address' | 'object'>> {
    return new Promise((loaded, failed) => {
      if (this.waiting.length === 0) queueMicrotask(() => this.loadAll());
      this.waiting.push({ code, loaded, failed });
    });
  }

  /** One shared object for all kernels that wait. */
  private loadAll(): void {
    const { waiting } = this;
    this.waiting = [];
    try {
      const { addresses, object } = this.machine.load(waiting.map(({ code }) => code));
      for (const [index, address] of addresses.entries()) waiting[index]!.loaded({ address, object });
    } catch (cause) {
      for (const { failed } of waiting) failed(cause);
    }
  }
}
