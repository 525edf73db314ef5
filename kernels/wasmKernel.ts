/** The face of a kernel on the wasm backend: a call becomes the bytes of one shape-specialised module. */
import type { SimdLevel } from '../src/writers/simdLevel.js';
import type { KernelCall } from './contract.js';

export interface WasmOptions {
  readonly simd: SimdLevel;
  /** Whether the memory that the module will import is a shared one. */
  readonly shared: boolean;
  /**
   * Whether the JavaScript engine joins neighbouring vectors to 256 bits (V8's revectorization): then twice as much fits
   * into registers. Never changes bits. Default false.
   */
  readonly wide?: boolean;
}

export interface WasmCode {
  /**
   * A module that imports `env.memory` and exports `run(inputs…, outputs…, [scratch], begin, end)`, all i32: byte
   * addresses with the operands' offsets folded in, then a half-open range of units.
   */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Independent pieces of work; workers take half-open ranges of them. Never depends on the number of threads. */
  readonly units: number;
  /** Scratch bytes per worker, 64-byte aligned; 0: no scratch pointer is passed. */
  readonly scratchBytes: number;
  /** What explain() prints: algorithm and tile. */
  readonly algorithm: string;
}

export type WasmKernel<Specification> = (call: KernelCall<Specification>, options: WasmOptions) => WasmCode;
