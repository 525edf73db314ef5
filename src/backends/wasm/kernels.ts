/** Compiled kernels, one per call, over all plans. */
import type { KernelCall } from '../../../kernels/contract.js';
import type { KernelKind, Specifications } from '../../../kernels/kinds.js';
import {
  type Tuning,
  type WasmCode,
  type WasmKernel,
  type WasmOptions,
  wasmKernels,
} from '../../../kernels/wasm.js';
import { BackendError, sentenceOf } from '../../core/errors.js';
import { exactJson } from '../../core/json.js';
import { formatShape } from '../../core/shape.js';
import type { KernelRun } from '../../writers/wasm/assembler.js';
import type { Native, NativeKernel } from './native/native.js';
import type { Tuner } from './tuning.js';

export interface Kernel {
  /** Unique among the kernels of a backend. */
  readonly id: number;
  readonly run: KernelRun;
  /** Its WebAssembly, unless it is machine code. */
  readonly module?: WebAssembly.Module;
  readonly native?: NativeKernel;
  /** Why it is WebAssembly though kernels are machine code here. */
  readonly notNative?: string;
  readonly units: number;
  readonly scratchBytes: number;
  /** As in WasmCode. */
  readonly prepares?: boolean;
  readonly repeats?: boolean;
  readonly algorithm: string;
  readonly codeBytes: number;
  /** In which way it computes, where that was measured. */
  readonly tuning?: Tuning;
}

/**
 * The kernels of one backend. Calls that agree in kind, specification and layouts share one, which is kept as long as a
 * program has it. A kernel that does not compile is a BackendError with the kind and the shapes.
 */
export class KernelCache {
  /** By call: those that are compiled for as long as a program refers to them. */
  private readonly kernels = new Map<string, Promise<Kernel> | WeakRef<Kernel>>();
  private readonly abandoned = new FinalizationRegistry<{ key: string; id: number }>(({ key, id }) => {
    const entry = this.kernels.get(key);
    // another may have taken its place
    if (entry instanceof WeakRef && entry.deref() === undefined) this.kernels.delete(key);
    this.parts.forget(id);
  });
  private compiled = 0;
  /** Where kernels become machine code: how many have, and which have not. */
  private nativeCount = 0;
  private readonly notNative: string[] = [];

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly options: WasmOptions,
    private readonly parts: {
      /** Chooses among ways to compute; default: the fixed rules. */
      readonly tuner: Tuner | undefined;
      /** Where kernels become machine code. */
      readonly native: Native | undefined;
      /** Told of a kernel that is gone, by its number. */
      forget(id: number): void;
    },
  ) {}

  /** For the report: how many kernels, and which, are WebAssembly beside machine code; undefined where none is. */
  get besideNative(): string | undefined {
    const { nativeCount, notNative } = this;
    if (notNative.length === 0) return undefined;
    const all = nativeCount + notNative.length;
    return `${notNative.length} of ${all} kernels are WebAssembly: ${[...new Set(notNative)].join('; ')}`;
  }

  get<K extends KernelKind>(kind: K, call: KernelCall<Specifications[K]>): Promise<Kernel> {
    const key = exactJson([kind, call]);
    const known = this.kernels.get(key);
    const kept = known instanceof WeakRef ? known.deref() : known;
    if (kept !== undefined) return Promise.resolve(kept);
    const id = this.compiled++;
    const compile = (tuning: Tuning) => this.compile(id, kind, call, tuning);
    const making = this.parts.tuner?.choose(kind, call, compile) ?? compile({});
    this.kernels.set(key, making);
    making.then(
      (kernel) => {
        this.kernels.set(key, new WeakRef(kernel));
        this.abandoned.register(kernel, { key, id });
      },
      () => {},
    );
    return making;
  }

  /** The kernel in machine code, or why not, or nothing where there is none. */
  private async compileNative(
    id: number,
    emit: (options: WasmOptions) => WasmCode,
  ): Promise<Kernel | string | undefined> {
    const { native } = this.parts;
    if (native === undefined) return undefined;
    try {
      const { code, kernel } = await native.compile(this.options, emit);
      const { bytes, ...rest } = code;
      const run: KernelRun = (...values) => native.call(kernel.address, values);
      return { ...rest, id, run, native: kernel, codeBytes: bytes.length };
    } catch (cause) {
      if (native.alone) throw cause;
      return sentenceOf(cause);
    }
  }

  private async compile<K extends KernelKind>(
    id: number,
    kind: K,
    call: KernelCall<Specifications[K]>,
    tuning: Tuning,
  ): Promise<Kernel> {
    const emit: WasmKernel<Specifications[K]> = wasmKernels[kind];
    const options = { ...this.options, tuning };
    const native = await this.compileNative(id, (given) => emit(call, { ...given, tuning }));
    if (typeof native === 'object') {
      this.nativeCount++;
      return native;
    }
    if (native !== undefined) this.notNative.push(`${kind}: ${native}`);
    try {
      const { bytes, ...code } = emit(call, options);
      const module = await WebAssembly.compile(bytes);
      const instance = await WebAssembly.instantiate(module, { env: { memory: this.memory } });
      const run = instance.exports.run as KernelRun;
      const kernel = { ...code, id, module, run, codeBytes: bytes.length };
      return native === undefined ? kernel : { ...kernel, notNative: native };
    } catch (cause) {
      const shapes = [...call.inputs, ...call.outputs].map(({ shape }) => formatShape(shape)).join(' ');
      throw new BackendError(`wasm: ${kind} does not compile: ${shapes}`, { cause });
    }
  }
}
