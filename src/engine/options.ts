/** Options of backends. */
import type { Work } from './measurements.js';

export type BackendName = 'auto' | 'wasm' | 'reference' | 'gpu';

export const nativeOptions = ['auto', 'on', 'off', 'avx2', 'avx512'] as const;
export type NativeOption = (typeof nativeOptions)[number];

interface WasmChoices {
  /**
   * Worker threads. Default: the number of processors (in a container with a limit of processors, that limit), up to 8; 1
   * where memory cannot be shared.
   */
  readonly threads?: number | undefined;
  /** 'baseline' leaves relaxed SIMD unused. Default: the best that the JavaScript engine has. */
  readonly simd?: 'relaxed' | 'baseline' | undefined;
  /**
   * Machine code of x86-64 for the kernels, with vectors of 256 or 512 bits and the same bytes: Linux on x64, in Node 26.12,
   * Deno or Bun. 'on' is an error where that cannot be; 'avx2' and 'avx512' are 'on' with this width. 'auto' takes it where
   * it can be and a test in a process of its own has found the bytes of WebAssembly. Default: `QUERN_NATIVE` of the
   * environment, else 'auto'.
   */
  readonly native?: NativeOption | undefined;
  /** The file that keeps what the test has found, for later processes. Default: native.json in the cache folder (`QUERN_CACHE`). */
  readonly nativeFile?: string | undefined;
  /**
   * Experimental: lets V8 join vectors to 256 bits, for the whole process. Faster, with the same bytes, which is checked when it is opened, in Node 24 and later on x64
   * processors with AVX2; elsewhere an error. Default false.
   */
  readonly revectorize?: boolean | undefined;
  /**
   * 'measured' computes kernels in the fastest of several ways that give the same bytes; each is measured once, for about
   * a fifth of a second, when a step that needs it is compiled. Default 'fixed': by rules of shape alone.
   */
  readonly tuning?: 'fixed' | 'measured' | undefined;
  /** A file that keeps what was measured, for later processes on the same machine. Default: none. */
  readonly tuningFile?: string | undefined;
  /** Where `quern/worker` is, in a bundle that does not keep worker.js beside its code (docs/browser.md). */
  readonly workerUrl?: string | URL | undefined;
}

/** Quern chooses. What is said of wasm holds where it takes wasm, which it does where any of it is said. */
export interface AutoOptions extends WasmChoices {
  readonly backend?: 'auto' | undefined;
}

export interface WasmOptions extends WasmChoices {
  readonly backend: 'wasm';
}

export interface GpuOptions {
  readonly backend: 'gpu';
  /**
   * Mode of gpu.js: 'webgpu', 'webgl2', 'webgl', 'headlessgl', 'webasm' or 'cpu' (docs/gpu.md). Default: the first that
   * computes on hardware; where there is none, one on the CPU, and the report's `fallback` says why.
   */
  readonly gpuMode?: string | undefined;
}

export interface ReferenceOptions {
  readonly backend: 'reference';
  /** How float32 tensors are stored. Default 'float32'. */
  readonly precision?: 'float32' | 'float64' | undefined;
}

/** Default: `{ backend: 'auto' }`. */
export type BackendOptions = AutoOptions | WasmOptions | GpuOptions | ReferenceOptions;

/** How long kernels have run, in milliseconds: grows while programs run. */
export interface KernelClock {
  milliseconds: number;
  /** By the number of a kernel. */
  readonly byKernel?: Map<number, number> | undefined;
  /** The number of the kernel of each step of the plan that was prepared last. */
  kernelOfStep?: readonly number[] | undefined;
}

/** Further options, of tests and measurements. */
export interface Probes {
  /** Memory is filled with NaN after its last use. Default false. */
  readonly poison?: boolean | undefined;
  /** For wasm: gets the time that kernels take on the thread of the engine, in milliseconds. */
  readonly kernelClock?: KernelClock | undefined;
}

/** Evidence that the command line gives `auto`. */
export interface Evidence {
  /** The file in which `quern doctor` keeps what it has measured. Default: none, and the fixed rule holds. */
  readonly measurementsFile?: string | undefined;
  /** Counts what a training step asks for; called where it matters. Default: unknown, nothing is trained. */
  readonly work?: (() => Work) | undefined;
}
