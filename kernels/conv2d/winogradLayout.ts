/** Where the parts of a Winograd convolution lie in scratch memory, and how its tiles are cut into blocks. */
import { cutRows, panelColumns } from '../toolkit/wasm/gemm.js';
import { cutPanels } from '../toolkit/wasm/packing.js';
import type { Correlation } from './correlation.js';
import { type Frame, frameBytes } from './image.js';
import type { Results } from './results.js';
import { resultSide, tileNumbers } from './winogradTransforms.js';

const align = (bytes: number) => Math.ceil(bytes / 64) * 64;

/** Most bytes of transformed image at a time: with the filters it should stay in the second-level cache. */
const mostBlockBytes = 128 * 1024;

/** Sizes and places that all parts agree on. Everything in bytes but where it says so. */
export interface WinogradLayout {
  /** The image with the border that the last tiles need. */
  readonly frame: Frame;
  /** Rows and columns of tiles. */
  readonly tiles: readonly [number, number];
  /** Rows of tiles cut into blocks. */
  readonly blocks: { readonly tiles: number; readonly rows: number; readonly tall: number };
  readonly channels: number;
  readonly outputs: number;
  /** From one of the 16 matrices to the next: of the transformed image, and of a panel of the transformed filter. */
  readonly imageStep: number;
  filterStep(width: 4 | 8): number;
  readonly filterAt: number;
  readonly imageAt: number;
  readonly productsAt: number;
  readonly scratchBytes: number;
}

/** @param scale how many times as much of an image is transformed at a time; default 1 */
export function layoutOf(correlation: Correlation, results: Results, scale = 1): WinogradLayout {
  const { output } = correlation;
  const { channels } = correlation.frame;
  const outputs = output[2];
  const tiles = results.pooled
    ? results.grid(output)
    : ([Math.ceil(output[0] / resultSide), Math.ceil(output[1] / resultSide)] as const);
  const frame = {
    ...correlation.frame,
    frameHeight: Math.max(correlation.frame.frameHeight, resultSide * tiles[0] + 2),
    frameWidth: Math.max(correlation.frame.frameWidth, resultSide * tiles[1] + 2),
  };
  const rowBytes = tileNumbers * tiles[1] * channels * 4;
  const blocks = cutRows(tiles[0], Math.max(1, Math.floor((scale * mostBlockBytes) / Math.max(1, rowBytes))));
  const blockTiles = blocks.rows * tiles[1];
  // an odd number of cache lines: 16 matrices a power of two apart would compete for the same sets
  const oddLines = (bytes: number) => align(bytes) | 64;
  const imageStep = oddLines(blockTiles * channels * 4);
  const filterStep = (width: 4 | 8) => oddLines(channels * width * 4);
  const { full, rest, restWidth } = cutPanels(outputs);
  const filterBytes =
    tileNumbers * (full * filterStep(panelColumns) + (rest > 0 ? filterStep(restWidth) : 0));
  const filterAt = frameBytes(frame);
  const imageAt = filterAt + filterBytes;
  const productsAt = imageAt + tileNumbers * imageStep;
  return {
    ...{ frame, tiles, blocks, channels, outputs, imageStep, filterStep, filterAt, imageAt, productsAt },
    scratchBytes: productsAt + align(tileNumbers * blockTiles * panelColumns * 4),
  };
}
