/** Where the parts of a filter gradient by Winograd lie in scratch memory, and how its tiles are cut into blocks. */
import type { KernelCall } from '../contract.js';
import { cutRows, panelColumns, type RowCut } from '../toolkit/wasm/gemm.js';
import { cutPanels } from '../toolkit/wasm/packing.js';
import type { Conv2dFilterGradientSpecification } from './contract.js';
import { type Frame, frameBytes } from './image.js';
import { resultSide, tileNumbers } from './winogradTransforms.js';

type Four = readonly [number, number, number, number];

const align = (bytes: number) => Math.ceil(bytes / 64) * 64;

/**
 * Most tiles of a block, where a row of tiles is no longer: enough that adding a block to the total costs little, few
 * enough for the caches. It decides bits: the sums of a block begin at 0.
 */
const mostTiles = 32;

/** Most bytes of sums that are worked on together, where a panel has no more: they should stay in the caches. */
const mostSumsBytes = 1024 * 1024;

/** Sizes and places that all parts agree on. Everything in bytes but where it says so. */
export interface FilterGradientLayout {
  /** The image with the border that the last tiles need. */
  readonly frame: Frame;
  readonly channels: number;
  readonly outputs: number;
  /** Height and width of dy. */
  readonly grid: readonly [number, number];
  /** Rows and columns of tiles in an image. */
  readonly tiles: readonly [number, number];
  /** The rows of tiles of all images, one image after the other, cut into blocks. */
  readonly blocks: RowCut;
  /** Panels, and how many of them are worked on together. */
  readonly panels: number;
  readonly group: number;
  /** From one of the 16 matrices to the next: of the transformed image; of a panel of the transformed dy and of sums. */
  readonly imageStep: number;
  readonly gradientStep: number;
  readonly sumsStep: number;
  /** From one panel of a group to the next. */
  readonly gradientBytes: number;
  readonly sumsBytes: number;
  readonly imageAt: number;
  readonly gradientAt: number;
  readonly sumsAt: number;
  readonly scratchBytes: number;
}

export function filterGradientLayoutOf(
  call: KernelCall<Conv2dFilterGradientSpecification>,
): FilterGradientLayout {
  const [batch, height, width, channels] = call.inputs[0]!.shape as Four;
  const [, gridHeight, gridWidth, outputs] = call.inputs[1]!.shape as Four;
  const { padding } = call.specification;
  const tiles = [Math.ceil(gridHeight / resultSide), Math.ceil(gridWidth / resultSide)] as const;
  const frame: Frame = {
    height,
    width,
    channels,
    frameHeight: Math.max(height + padding.top + padding.bottom, resultSide * tiles[0] + 2),
    frameWidth: Math.max(width + padding.left + padding.right, resultSide * tiles[1] + 2),
    top: padding.top,
    left: padding.left,
    steps: [1, 1],
  };
  const blocks = cutRows(batch * tiles[0], Math.max(1, Math.floor(mostTiles / tiles[1])));
  const blockTiles = blocks.rows * tiles[1];
  const { full, rest } = cutPanels(outputs);
  const panels = full + (rest > 0 ? 1 : 0);
  // an odd number of cache lines: 16 matrices a power of two apart would compete for the same sets
  const oddLines = (bytes: number) => align(bytes) | 64;
  const imageStep = oddLines(4 * blockTiles * channels);
  const gradientStep = oddLines(4 * blockTiles * panelColumns);
  const sumsStep = oddLines(4 * channels * panelColumns);
  const gradientBytes = tileNumbers * gradientStep;
  const sumsBytes = tileNumbers * sumsStep;
  const group = Math.min(panels, Math.max(1, Math.floor(mostSumsBytes / sumsBytes)));
  const imageAt = frameBytes(frame);
  const gradientAt = imageAt + tileNumbers * imageStep;
  const sumsAt = gradientAt + group * gradientBytes;
  return {
    ...{ frame, channels, outputs, grid: [gridHeight, gridWidth], tiles, blocks, panels, group },
    ...{ imageStep, gradientStep, sumsStep, gradientBytes, sumsBytes, imageAt, gradientAt, sumsAt },
    scratchBytes: sumsAt + group * sumsBytes,
  };
}
