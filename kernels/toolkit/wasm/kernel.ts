/** The face of a kernel on the wasm backend: a call becomes the bytes of one shape-specialized module. */
import type { MachineOptions } from '../../../src/writers/wasm/assembler.js';
import type { SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import type { KernelCall } from '../../contract.js';

/**
 * Added to `begin` where a worker has done another range of the same call, with the same operands, and nothing since in
 * its scratch area: what a range prepares there is still good. Only for kernels that say `prepares`.
 */
export const preparedFlag = 0x80000000 | 0;

/**
 * Choices in which a kernel may leave its fixed rule without changing a bit: found by measuring
 * (src/backends/wasm/tuning.ts). Members left out follow the rule.
 */
export interface Tuning {
  /** Rows of the largest register tile. */
  readonly rows?: number;
  /** Packs a matrix whose rows are adjacent in memory. */
  readonly packRows?: boolean;
  /** How much is worked on at a time, as a multiple of what the rule would take. */
  readonly block?: number;
}

export interface WasmOptions {
  readonly simd: SimdLevel;
  /** The memory that the module imports is a shared one. */
  readonly shared: boolean;
  /**
   * The JavaScript engine joins neighboring vectors to 256 bits (V8's revectorization), so that twice as much fits
   * into registers. Never changes bits. Default false.
   */
  readonly wide?: boolean;
  /** Default: the fixed rules. */
  readonly tuning?: Tuning;
  /** Vectors of a panel: with one, tiles of wide vectors are twice as tall. Never changes bits. Default 2. */
  readonly panelVectors?: 1 | 2;
  /** Where the code is for another machine than WebAssembly's. */
  readonly machine?: MachineOptions | undefined;
}

/** Options for what lies in vectors of 4 lanes, however wide the machine's are: the order of lanes decides bits, say. */
export function fourLanes<O extends Pick<WasmOptions, 'machine'>>(options: O): O {
  const { machine } = options;
  return machine === undefined ? options : { ...options, machine: { ...machine, lanes: 4 } };
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
  /**
   * What a range leaves in the scratch area serves further ranges of the same call: these may be told so by
   * `preparedFlag`. Default false.
   */
  readonly prepares?: boolean;
  /** Each range repeats what others do too (it packs what all need, say), so few long ranges are best. Default false. */
  readonly repeats?: boolean;
  /** Algorithm and tile, for explain(). */
  readonly algorithm: string;
}

export type WasmKernel<Specification> = (call: KernelCall<Specification>, options: WasmOptions) => WasmCode;
