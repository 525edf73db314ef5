/**
 * 3x3 correlation with 4 multiplications where the sum over the window takes 9: F(2x2, 3x3) of Winograd's algorithms
 * (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015). The image is cut into tiles of 4x4, 2 apart,
 * each of which gives 2x2 results. With the transforms of winogradTransforms.ts, for each of the 16 numbers k of a tile:
 *
 *     M[k][tile, o] = Σ_c V[k][tile, c] · U[k][c, o]
 *
 * 16 matrix products of [tiles, channels] by [channels, out]. Filters are transformed once a call; the tiles of a block
 * of an image are transformed together, then one panel of 8 outputs after the other is multiplied, transformed back and
 * stored (or pooled: a 2x2 pool takes the four results of a tile from registers).
 *
 * Tiles lie where the shapes put them, so bits depend on nothing but operands and shapes. How accurate it is:
 * docs/decisions/0005-winograd-by-shape.md.
 */
import { type FunctionHandle, i32, ModuleBuilder } from '../../src/writers/wasm/assembler.js';
import { panelColumns, tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { emitPreparation } from '../toolkit/wasm/units.js';
import type { Correlation } from './correlation.js';
import { emitClearFrame, emitFillFrame, type Frame, isPlain } from './image.js';
import { forEachPanel, makePanels } from './panels.js';
import type { Pointers, Results } from './results.js';
import { emitFinish, emitMultiply, emitPackFilter, emitProduct, emitTransform } from './winogradFunctions.js';
import { layoutOf, type WinogradLayout } from './winogradLayout.js';
import { resultSide, tileNumbers } from './winogradTransforms.js';

/** What decides whether a correlation is computed this way: shapes, but for the batch, which no result depends on. */
export interface WinogradShape {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Whether the pixels of the image stand apart in a frame of zeros; see Frame. */
  readonly frame: Pick<Frame, 'steps' | 'channels'>;
  /** Height, width and channels of the results. */
  readonly output: readonly [number, number, number];
}

/**
 * Windows of 3x3 that move by 1, from 8 channels to 8 at least (the transforms cost more than they save below), on at
 * least 4x4 results (tiles would be mostly border). It decides bits: whoever changes it gives the numerics of the
 * backend a new version (src/backends/wasm/wasm.ts).
 */
export function usesWinograd({ window, strides, frame, output }: WinogradShape): boolean {
  const [height, width, outputs] = output;
  return (
    window.every((size) => size === 3) &&
    [...strides, ...frame.steps].every((step) => step === 1) &&
    Math.min(frame.channels, outputs) >= 8 &&
    Math.min(height, width) >= 4
  );
}

export function winogradCode(correlation: Correlation, results: Results, options: WasmOptions): WasmCode {
  const layout = layoutOf(correlation, results, options.tuning?.block);
  const { tiles, outputs, frame, blocks } = layout;
  const module = new ModuleBuilder(options);
  const names = ['image', 'filter', ...results.names, 'scratch'];
  const units = tiles[0] * tiles[1] * outputs === 0 ? 0 : correlation.batch;
  if (units === 0) module.kernel(names, () => {});
  else emitKernel(module, correlation, layout, results, names, options);
  const parts = [
    `${tiles.join('x')} tiles`,
    ...(blocks.tiles > 1 ? [`in ${blocks.tiles} blocks`] : []),
    ...(isPlain(frame) ? [] : ['framed image']),
    ...(results.pooled ? ['pooled'] : []),
  ];
  return {
    bytes: module.bytes(),
    units,
    scratchBytes: layout.scratchBytes,
    prepares: units > 0,
    algorithm: `${correlation.name} winograd 2x2 ${tallestTile(options)}x${panelColumns}, ${parts.join(', ')}`,
  };
}

interface Panel {
  readonly pack: FunctionHandle;
  /** By rows of tiles in a block: the 16 products, and what comes after. */
  readonly multiply: ReadonlyMap<number, FunctionHandle>;
  readonly finish: ReadonlyMap<number, FunctionHandle>;
}

function emitKernel(
  module: ModuleBuilder,
  correlation: Correlation,
  layout: WinogradLayout,
  results: Results,
  names: readonly string[],
  options: WasmOptions,
): void {
  const { wide = false } = options;
  const tallest = tallestTile(options);
  const { frame, tiles, blocks, channels, outputs } = layout;
  const heights = blocks.tall < blocks.tiles ? [blocks.rows, blocks.rows - 1] : [blocks.rows];
  const forHeights = (make: (height: number) => FunctionHandle) =>
    new Map(heights.map((height) => [height, make(height)]));
  const panels = makePanels(outputs, (columns, width): Panel => {
    const products = new Map<number, FunctionHandle>();
    const product = (rows: number) => {
      const made = products.get(rows) ?? emitProduct(module, layout, rows, width, wide);
      products.set(rows, made);
      return made;
    };
    return {
      pack: emitPackFilter(module, correlation, layout, columns, width),
      multiply: forHeights((height) =>
        emitMultiply(module, layout, height * tiles[1], width, tallest, product),
      ),
      finish: forHeights((height) =>
        emitFinish(module, correlation, layout, results, columns, width, height),
      ),
    };
  });
  const transform = emitTransform(module, layout);
  const plain = isPlain(frame);

  module.kernel(names, (f, parameters) => {
    const p = parameters as Pointers;
    const transformed = f.let(i32.add(p.scratch!, layout.imageAt));
    const sums = f.let(i32.add(p.scratch!, layout.productsAt));
    const filter = {
      packed: f.let(i32.add(p.scratch!, layout.filterAt)),
      bytes: tileNumbers * layout.filterStep(panelColumns),
    };
    emitPreparation(f, p.begin!, () => {
      if (!plain) emitClearFrame(f, frame, p.scratch!);
      forEachPanel(f, outputs, panels, filter, ({ pack }, first, at) => {
        f.call(pack, i32.add(p.filter!, i32.mul(first, correlation.filter.columnStride)), at);
      });
    });
    f.loop(p.begin!, p.end!, 1, (image) => {
      const pixels = f.let(i32.add(p.image!, i32.mul(image, 4 * frame.height * frame.width * channels)));
      if (!plain) emitFillFrame(f, frame, pixels, p.scratch!);
      const base = plain ? pixels : p.scratch!;
      const lineBytes = 4 * frame.frameWidth * channels;
      const run = (count: number, from: number, height: number) => {
        f.loop(0, count, 1, (block) => {
          const row = f.let(i32.add(i32.mul(block, height), from));
          f.loop(0, height, 1, (line) => {
            const source = i32.add(base, i32.mul(i32.add(row, line), resultSide * lineBytes));
            const target = i32.add(transformed, i32.mul(line, tiles[1] * channels * 4));
            f.call(transform, source, target);
          });
          forEachPanel(f, outputs, panels, filter, ({ multiply, finish }, first, at) => {
            f.call(multiply.get(height)!, transformed, at, sums);
            f.call(finish.get(height)!, sums, image, row, first, ...results.names.map((name) => p[name]!));
          });
        });
      };
      run(blocks.tall, 0, blocks.rows);
      if (heights.length > 1) run(blocks.tiles - blocks.tall, blocks.tall * blocks.rows, blocks.rows - 1);
    });
  });
}
