/**
 * conv2dFilterGradient with 4 multiplications where the sum over 2x2 pixels of dy takes 9: the gradient of F(2x2, 3x3)
 * (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015) with respect to the filter. The image is cut
 * into the tiles of winograd.ts, which become V = Bᵀ d B, and dy into tiles of 2x2, which become Z = A g Aᵀ. For each of
 * the 16 numbers k of a tile:
 *
 *     S[k][c, o] = Σ_tiles V[k][tile, c] · Z[k][tile, o]          dw[:, :, c, o] = Gᵀ S[:][c, o] G
 *
 * 16 matrix products whose common dimension are the tiles of all images. Tiles are transformed and multiplied a block at
 * a time, and the sums of a block are added to the total in the order of the blocks. A unit is a panel of 8 outputs; who
 * has several of them transforms the image once for a group.
 *
 * Blocks lie where the shapes put them, so bits depend on nothing but operands and shapes. How accurate it is:
 * docs/decisions/0005-winograd-by-shape.md.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
} from '../../src/writers/wasm/assembler.js';
import type { KernelCall } from '../contract.js';
import { panelColumns, tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { cutPanels } from '../toolkit/wasm/packing.js';
import { minimum, type Pointers } from '../toolkit/wasm/units.js';
import type { Conv2dFilterGradientSpecification } from './contract.js';
import { emitClearFrame, emitFillFrame, isPlain } from './image.js';
import { makePanels, type PanelKinds } from './panels.js';
import { usesWinograd } from './winograd.js';
import { emitMultiplyBlock, emitStoreFilter, emitTransformGradient } from './winogradFilterFunctions.js';
import { type FilterGradientLayout, filterGradientLayoutOf } from './winogradFilterLayout.js';
import { emitTransform } from './winogradFunctions.js';
import { resultSide, tileNumbers } from './winogradTransforms.js';

type Four = readonly [number, number, number, number];

/** Fewest tiles of all images for which the way from sums to dw is worth it. */
const fewestTiles = 32;

/**
 * Where the convolution itself takes `usesWinograd`, if there are 32 tiles in all and dy is not routed. It decides bits:
 * whoever changes it gives the numerics of the backend a new version (src/backends/wasm/wasm.ts).
 */
export function filterGradientUsesWinograd(call: KernelCall<Conv2dFilterGradientSpecification>): boolean {
  const { strides, route } = call.specification;
  const [batch, height, width, outputs] = call.inputs[1]!.shape as Four;
  const [windowHeight, windowWidth, channels] = call.outputs[0]!.shape as Four;
  const tiles = batch * Math.ceil(height / resultSide) * Math.ceil(width / resultSide);
  return (
    route === undefined &&
    tiles >= fewestTiles &&
    usesWinograd({
      window: [windowHeight, windowWidth],
      strides,
      frame: { steps: [1, 1], channels },
      output: [height, width, outputs],
    })
  );
}

/** @param call one with at least one tile, channel and output, and a window of 3x3 that moves by 1 */
export function winogradFilterGradientWasm(
  call: KernelCall<Conv2dFilterGradientSpecification>,
  options: WasmOptions,
): WasmCode {
  const layout = filterGradientLayoutOf(call);
  const { blocks, tiles, frame } = layout;
  const module = new ModuleBuilder(options);
  emitKernel(module, layout, options);
  const parts = [
    `${tiles.join('x')} tiles`,
    ...(blocks.tiles > 1 ? [`in ${blocks.tiles} blocks`] : []),
    ...(isPlain(frame) ? [] : ['framed image']),
  ];
  return {
    bytes: module.bytes(),
    units: layout.panels,
    scratchBytes: layout.scratchBytes,
    repeats: true,
    algorithm: `filter gradient winograd 2x2 ${tallestTile(options)}x${panelColumns}, ${parts.join(', ')}`,
  };
}

interface Panel {
  /** For a row of tiles with two rows of pixels of dy, and for one that has but the first. */
  readonly transformPair: FunctionHandle;
  readonly transformSingle: FunctionHandle | undefined;
  /** By rows of tiles in a block. */
  readonly multiply: ReadonlyMap<number, FunctionHandle>;
  readonly store: FunctionHandle;
}

function emitKernel(module: ModuleBuilder, layout: FilterGradientLayout, options: WasmOptions): void {
  const { frame, grid, tiles, blocks, channels, outputs } = layout;
  const heights = blocks.tall < blocks.tiles ? [blocks.rows, blocks.rows - 1] : [blocks.rows];
  const pairs = Math.floor(grid[0] / resultSide);
  const panels = makePanels(
    outputs,
    (columns, width): Panel => ({
      transformPair: emitTransformGradient(module, layout, columns, width, 2),
      transformSingle:
        tiles[0] > pairs ? emitTransformGradient(module, layout, columns, width, 1) : undefined,
      multiply: new Map(
        heights.map((height) => [
          height,
          emitMultiplyBlock(module, layout, width, height * tiles[1], options),
        ]),
      ),
      store: emitStoreFilter(module, layout, columns, width),
    }),
  );
  const transformImage = emitTransform(module, layout);

  module.kernel(['x', 'dy', 'out', 'scratch'], (f, p) => {
    const images = f.let(i32.add(p.scratch, layout.imageAt));
    const gradients = f.let(i32.add(p.scratch, layout.gradientAt));
    const sums = f.let(i32.add(p.scratch, layout.sumsAt));
    const end = f.local('i32');
    /** Visits the panels of the group from `begin` to `end`; `place` counts from its first. */
    const eachPanel = (visit: (panel: Panel, index: I32, place: I32) => void) =>
      f.loop(p.begin, end, 1, (index) => {
        const place = f.let(i32.sub(index, p.begin));
        withPanel(f, outputs, panels, index, (panel) => visit(panel, index, place));
      });
    const gradientAt = (place: I32) => i32.add(gradients, i32.mul(place, layout.gradientBytes));
    const sumsAt = (place: I32) => i32.add(sums, i32.mul(place, layout.sumsBytes));
    const { image, row, base, restart, open, advance } = imageRows(f, p, layout);

    const transformRow = (line: I32) => {
      const first = f.let(i32.mul(line, tiles[1]));
      const lines = i32.mul(row, 4 * resultSide * frame.frameWidth * channels);
      f.call(transformImage, i32.add(base, lines), i32.add(images, i32.mul(first, 4 * channels)));
      const pixelRow = i32.add(i32.mul(image, grid[0]), i32.mul(row, resultSide));
      const gradient = f.let(i32.add(p.dy, i32.mul(pixelRow, 4 * grid[1] * outputs)));
      eachPanel(({ transformPair, transformSingle }, index, place) => {
        const source = f.let(i32.add(gradient, i32.mul(index, 4 * panelColumns)));
        const call = (transform: FunctionHandle) => f.call(transform, source, gradientAt(place), first);
        if (transformSingle === undefined) call(transformPair);
        else
          f.if(
            i32.ltU(row, i32.const(pairs)),
            () => call(transformPair),
            () => call(transformSingle),
          );
      });
    };
    const addBlock = (height: number) => {
      f.loop(0, height, 1, (line) => {
        open();
        transformRow(line);
        advance();
      });
      // panel after panel with one of the 16 matrices of the image in the first-level cache
      f.loop(0, tileNumbers, 1, (number) => {
        const transformed = f.let(i32.add(images, i32.mul(number, layout.imageStep)));
        eachPanel(({ multiply }, _, place) => {
          const gradient = i32.add(gradientAt(place), i32.mul(number, layout.gradientStep));
          const sum = i32.add(sumsAt(place), i32.mul(number, layout.sumsStep));
          f.call(multiply.get(height)!, transformed, gradient, sum);
        });
      });
    };

    emitClearFrame(f, frame, p.scratch);
    f.while(i32.ltU(p.begin, p.end), () => {
      f.set(end, minimum(p.end, i32.add(p.begin, layout.group)));
      f.fill(sums, 0, i32.mul(i32.sub(end, p.begin), layout.sumsBytes));
      restart();
      f.loop(0, blocks.tall, 1, () => addBlock(blocks.rows));
      if (heights.length > 1) f.loop(blocks.tall, blocks.tiles, 1, () => addBlock(blocks.rows - 1));
      eachPanel(({ store }, index, place) => {
        f.call(store, sumsAt(place), i32.add(p.out, i32.mul(index, 4 * panelColumns)));
      });
      f.set(p.begin, end);
    });
  });
}

/** Calls `then` for the kind of the panel at `index`. */
function withPanel(
  f: FunctionBuilder,
  outputs: number,
  { full, rest }: PanelKinds<Panel>,
  index: I32,
  then: (panel: Panel) => void,
): void {
  if (full === undefined || rest === undefined) then((full ?? rest)!);
  else
    f.if(
      i32.ltU(index, i32.const(cutPanels(outputs).full)),
      () => then(full),
      () => then(rest),
    );
}

interface ImageRows {
  readonly image: Local<'i32'>;
  /** A row of tiles in the image. */
  readonly row: Local<'i32'>;
  /** Where the image begins, with its border. */
  readonly base: Local<'i32'>;
  /** Goes to the first row of the first image. */
  restart(): void;
  /** Sets `base`; to be called before a row is read. */
  open(): void;
  /** Goes to the next row, of the next image behind the last. */
  advance(): void;
}

/** The rows of tiles of all images, one image after the other. */
function imageRows(
  f: FunctionBuilder,
  p: Pointers<'x' | 'scratch'>,
  { frame, tiles }: FilterGradientLayout,
): ImageRows {
  const image = f.let(i32.const(0));
  const row = f.let(i32.const(0));
  const base = f.let(p.scratch);
  const pixels = () => i32.add(p.x, i32.mul(image, 4 * frame.height * frame.width * frame.channels));
  return {
    ...{ image, row, base },
    restart() {
      f.set(image, 0);
      f.set(row, 0);
    },
    open() {
      if (isPlain(frame)) f.set(base, pixels());
      else f.if(i32.eq(row, 0), () => emitFillFrame(f, frame, f.let(pixels()), p.scratch));
    },
    advance() {
      f.increase(row, 1);
      f.if(i32.eq(row, tiles[0]), () => {
        f.set(row, 0);
        f.increase(image, 1);
      });
    },
  };
}
