import { tallestTile } from './gemm.js';
import type { Tuning, WasmOptions } from './kernel.js';

/** The ways in which a kernel may compute the same bits, to be measured. The first is its fixed rule, without members. */
export type WasmWays = (options: WasmOptions) => readonly Tuning[];

/** Register tiles of fewer rows. */
export function lowerTiles(options: WasmOptions): Tuning[] {
  const tallest = tallestTile(options);
  return [{ rows: tallest - 1 }, { rows: tallest - 2 }];
}

/** Blocks of half and of twice the size. */
export const otherBlocks: readonly Tuning[] = [{ block: 0.5 }, { block: 2 }];
