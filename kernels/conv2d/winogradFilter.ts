/**
 * conv2dFilterGradient by Winograd's algorithms (winogradTransforms.ts): their gradient with respect to the filter. The
 * image is cut into the tiles of winograd.ts, which become V = Bᵀ d B, and dy into tiles of m x m, which become
 * Z = A dy Aᵀ. For each of the t² numbers k of a tile:
 *
 *     S[k][c, o] = Σ_tiles V[k][tile, c] · Z[k][tile, o]          dw[:, :, c, o] = Gᵀ S[:][c, o] G
 *
 * matrix products whose common dimension are the tiles of all images. Tiles are transformed and multiplied a block at a
 * time, and the sums of a block are added to the total in the order of the blocks. A unit is a panel of outputs; a
 * worker with several of them transforms the image once for a group.
 *
 * Blocks lie where the shapes put them, so bits depend on nothing but operands and shapes. How accurate it is:
 * docs/decisions/0005-winograd-by-shape.md.
 */
import { fourAxes } from '../../src/core/shape.js';
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
  v128,
  vectorLanes,
} from '../../src/writers/wasm/assembler.js';
import type { KernelCall } from '../contract.js';
import { emitGemmTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { Cut, eachVector, type Panel, Panels, TileGrid } from '../toolkit/wasm/tileGrid.js';
import { eitherOf, minimum, oddLines, Scratch } from '../toolkit/wasm/units.js';
import type { Conv2dFilterGradientSpecification } from './contract.js';
import { Frame } from './frame.js';
import { usesWinograd } from './winograd.js';
import { forEachRow, notesOf, rectangles, tilesAlong, tilesOver, transformImage } from './winogradTiles.js';
import { type Edge, f4x3, Transform, transposed, type Winograd } from './winogradTransforms.js';

/** Fewest tiles of all images for which the way from sums to dw is worth it. */
const fewestTiles = 32;

/**
 * Where the convolution itself takes `usesWinograd`, if there are 32 tiles in all and dy is not routed. It decides bits:
 * whoever changes it gives the numerics of the backend a new version (src/core/numerics.ts).
 */
export function filterGradientUsesWinograd(call: KernelCall<Conv2dFilterGradientSpecification>): boolean {
  const { strides, route } = call.specification;
  const [batch, height, width, outputs] = fourAxes(call.inputs[1]!.shape);
  const [windowHeight, windowWidth, channels] = fourAxes(call.outputs[0]!.shape);
  const tiles = batch * tilesAlong(f4x3, height).count * tilesAlong(f4x3, width).count;
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

/**
 * Most tiles of a block, where a row of tiles is no longer: enough that adding a block to the total costs little, few
 * enough for the caches. It decides bits: the sums of a block begin at 0.
 */
const mostTiles = 32;

/** Most bytes of sums that are worked on together, where a panel has no more: they should stay in the caches. */
const mostSumsBytes = 1024 * 1024;

/** Sizes and places that all parts agree on. Steps are bytes. */
export function filterGradientLayoutOf(
  call: KernelCall<Conv2dFilterGradientSpecification>,
  options: Omit<WasmOptions, 'shared'>,
  algorithm: Winograd = f4x3,
) {
  const image = fourAxes(call.inputs[0]!.shape);
  const [batch, height, width, outputs] = fourAxes(call.inputs[1]!.shape);
  const grid = [height, width, outputs] as const;
  const padded = Frame.padded(image, call.specification.padding);
  const [down, along] = [tilesAlong(algorithm, height), tilesAlong(algorithm, width)];
  // smaller tiles stand apart from others in a block: of whole images, else rows of tiles all have one height
  const wholeImages = down.edge !== undefined && down.count * along.count <= mostTiles;
  const tiling = tilesOver(algorithm, padded, grid, wholeImages);
  const { numbers, frame, rows, columns } = tiling;
  // of images, or of the rows of tiles of all images, one image after the other
  const unit = wholeImages ? { full: rows.full, edges: 1 } : { full: 1, edges: 0 };
  const unitRows = unit.full + unit.edges;
  const most = Math.floor(mostTiles / (unitRows * columns.count));
  const blocks = new Cut((batch * rows.count) / unitRows, Math.max(1, most));
  const blockTiles = blocks.size * unitRows * columns.count;
  const panels = new Panels(outputs, options);
  // from one of the t² matrices to the next: of the transformed image; of a panel of the transformed dy and of sums
  const imageStep = oddLines(4 * blockTiles * frame.channels);
  const gradientStep = oddLines(4 * blockTiles * panels.full.width);
  const sumsStep = oddLines(4 * frame.channels * panels.full.width);
  // panels that are worked on together
  const group = Math.min(panels.count, Math.max(1, Math.floor(mostSumsBytes / (numbers * sumsStep))));
  const scratch = new Scratch({
    frame: frame.bytes,
    image: numbers * imageStep,
    gradients: group * numbers * gradientStep,
    sums: group * numbers * sumsStep,
  });
  const steps = { imageStep, gradientStep, sumsStep };
  return { ...tiling, options, grid, unit, blocks, blockTiles, panels, group, ...steps, scratch };
}
type Layout = ReturnType<typeof filterGradientLayoutOf> & { readonly module: ModuleBuilder };

/** Panels are the units of work: of wide vectors two would leave too few for several threads. */
function withPanels(options: WasmOptions, outputs: number): WasmOptions {
  const narrow = vectorLanes(options) > 4 && outputs <= 8 * vectorLanes(options);
  return narrow ? { ...options, panelVectors: 1 } : options;
}

/** @param call one with at least one tile, channel and output, and a window of the algorithm's size that moves by 1 */
export function winogradFilterGradientWasm(
  call: KernelCall<Conv2dFilterGradientSpecification>,
  given: WasmOptions,
  algorithm: Winograd = f4x3,
): WasmCode {
  const options = withPanels(given, call.inputs[1]!.shape.at(-1)!);
  const module = new ModuleBuilder(options);
  const layout = { ...filterGradientLayoutOf(call, options, algorithm), module };
  const { blocks, frame, panels, group, numbers, sumsStep, scratch } = layout;
  module.kernel(['x', 'dy', 'out', 'scratch'], (f, p) => {
    const at = scratch.open(f, p.scratch);
    const end = f.local('i32');
    const eachPanel: EachPanel = (visit) =>
      f.loop(p.begin, end, 1, (index) => {
        const place = f.let(i32.mul(i32.sub(index, p.begin), numbers));
        const gradient = i32.add(at.gradients, i32.mul(place, layout.gradientStep));
        const sums = i32.add(at.sums, i32.mul(place, sumsStep));
        panels.pick(f, index, (panel) => visit(panel, index, gradient, sums));
      });
    const images = { x: p.x, dy: p.dy, row: f.local('i32'), base: f.let(at.frame) };
    frame.clear(f, at.frame);
    f.while(i32.ltU(p.begin, p.end), () => {
      f.set(end, minimum(p.end, i32.add(p.begin, group)));
      f.fill(at.sums, 0, i32.mul(i32.sub(end, p.begin), numbers * sumsStep));
      f.set(images.row, 0);
      blocks.forEach(f, (units) => addBlock(layout, f, { ...at, ...images, units, eachPanel }));
      eachPanel((panel, index, _, sums) => {
        const out = i32.add(p.out, i32.mul(index, 4 * panels.full.width));
        f.call(storeFilter(layout, panel), sums, out);
      });
      f.set(p.begin, end);
    });
  });
  return {
    ...{ bytes: module.bytes(), units: panels.count, scratchBytes: scratch.bytes },
    repeats: true,
    algorithm: [...notesOf('filter gradient', layout, options), ...frame.note].join(', '),
  };
}

/** Visits the panels that are worked on together, with their numbers and where their dy and sums stand. */
type EachPanel = (visit: (panel: Panel, index: I32, gradient: I32, sums: I32) => void) => void;

interface BlockPlace extends Readonly<Record<'x' | 'dy' | 'frame' | 'image', I32>> {
  /** The row of tiles, of all images, that is next, and where its image stands in a frame. */
  readonly row: Local<'i32'>;
  readonly base: Local<'i32'>;
  readonly units: number;
  readonly eachPanel: EachPanel;
}

/** Adds the tiles of a block to the sums: transforms them row by row, then multiplies one number after the other. */
function addBlock(layout: Layout, f: FunctionBuilder, place: BlockPlace): void {
  const { columns, unit, frame, side, imageStep, gradientStep, sumsStep } = layout;
  const { units, image, eachPanel } = place;
  const tiles = { units, ...unit, at: i32.const(0), step: 1 };
  forEachRow(f, columns, tiles, (isEdge, whole, edge) =>
    transformRow(layout, f, place, { isEdge, whole, edge }),
  );
  const block = { full: units * unit.full, edges: units * unit.edges };
  for (const { from, tiles, first, size } of rectangles(layout, block)) {
    f.loop(first, first + size[0] * side, side, (line) => {
      f.loop(0, size[1], 1, (column) => {
        const number = f.let(i32.add(line, column));
        const a = f.let(i32.sum(image, i32.mul(number, imageStep), 4 * frame.channels * from));
        // panel after panel with one of the t² matrices of the image in the first-level cache
        eachPanel((panel, _, gradients, sums) => {
          const b = i32.sum(gradients, i32.mul(number, gradientStep), 4 * panel.width * from);
          const sum = i32.add(sums, i32.mul(number, sumsStep));
          f.call(multiplyBlock(layout, panel, tiles), a, b, sum);
        });
      });
    });
  }
}

/** Transforms a row of tiles of the image and of dy: to the tiles from `whole` on, the smaller one to tile `edge`. */
function transformRow(
  layout: Layout,
  f: FunctionBuilder,
  { x, dy, frame: at, image: transformed, row, base, eachPanel }: BlockPlace,
  { isEdge, whole, edge }: { isEdge: boolean; whole: I32; edge: I32 },
): void {
  const { module, m, rows, frame, panels, grid } = layout;
  const [height, width, outputs] = grid;
  const image = f.let(i32.divU(row, i32.const(rows.count)));
  const inImage = f.let(i32.sub(row, i32.mul(image, rows.count)));
  if (frame.plain) f.set(base, frame.open(f, x, image, at));
  else f.if(i32.eq(inImage, 0), () => frame.open(f, x, image, at));
  const source = i32.add(base, i32.mul(inImage, m * frame.lineBytes));
  const target = (tile: I32) => i32.add(transformed, i32.mul(tile, 4 * frame.channels));
  f.call(transformImage(module, layout, isEdge), source, target(whole), target(edge));
  const pixelRow = i32.add(i32.mul(image, height), i32.mul(inImage, m));
  const pixels = f.let(i32.add(dy, i32.mul(pixelRow, 4 * width * outputs)));
  eachPanel((panel, index, gradient) => {
    const first = f.let(i32.add(pixels, i32.mul(index, 4 * panels.full.width)));
    const transform = (wanted: number, smaller?: Edge) =>
      f.call(transformGradient(layout, panel, wanted, smaller), first, gradient, whole, edge);
    const split = { index: inImage, count: rows.whole, total: rows.full };
    if (isEdge) transform(rows.rest, rows.edge);
    else eitherOf(f, split, (isWhole) => transform(isWhole ? m : rows.rest));
  });
  f.increase(row, 1);
}

/**
 * A function (source, target, first, last) that transforms a row of tiles of dy for a panel, to [t²][tiles][width]: from
 * tile `first`, the smaller one to tile `last`. Of the pixels it has `height` rows, its tiles are of an `edge` or not.
 */
function transformGradient(layout: Layout, panel: Panel, height: number, edge?: Edge): FunctionHandle {
  const { module, algorithm, m, side, columns, grid, gradientStep } = layout;
  const [, width, outputs] = grid;
  const down = edge ?? algorithm;
  const name = `transformGradient_${height}${edge ? '_edge' : ''}x${panel.columns}`;
  return module.once(name, ['source', 'target', 'first', 'last'], (f, p) => {
    const tile = (target: I32, wanted: number, across: Pick<Edge, 'results' | 'result'>) => {
      const transform = new Transform(transposed(down.result), transposed(across.result));
      eachVector(f, panel, { at: [p.source, target] }, (v, [source, target]) => {
        const { at, lanes } = panel.vectors[v]!;
        const pixels = Array.from({ length: down.results }, (_, row) =>
          Array.from({ length: across.results }, (_, column) => {
            if (row >= height || column >= wanted) return f.let(f32x4.const(0));
            return f.let(v128.loadLanes(source, lanes, 4 * outputs * (row * width + column) + at));
          }),
        );
        transform.byRows(
          f,
          (row, column) => pixels[row]![column]!,
          (row, column, value) => f.store(target, value, (row * side + column) * gradientStep + at),
        );
      });
    };
    const place = (tile: I32) => f.let(i32.add(p.target, i32.mul(tile, 4 * panel.width)));
    const target = place(p.first);
    f.loop(0, columns.whole, 1, () => {
      tile(target, m, algorithm);
      f.increase(p.source, 4 * m * outputs);
      f.increase(target, 4 * panel.width);
    });
    if (columns.edge) tile(place(p.last), columns.rest, columns.edge);
    else if (columns.rest > 0) tile(target, columns.rest, algorithm);
  });
}

/** A function (a, panel, sums) that adds `depth` tiles to the sums of a panel, for one of the t² numbers. */
function multiplyBlock(layout: Layout, panel: Panel, depth: number): FunctionHandle {
  const { module, frame, grid, options } = layout;
  const { channels } = frame;
  const products = new TileGrid(module, { rows: channels, columns: grid[2] }, options, {
    name: `multiply_${depth}`,
    parameters: ['a', 'panel', 'sums'],
    write(f, p, { width, vectors }, size) {
      const tile = { ...size, segmentLength: depth, rowStride: 4, innerStride: 4 * channels };
      const offset = (r: number, v: number) => 4 * r * width + vectors[v]!.at;
      emitGemmTile(f, tile, p, {
        finish: (r, v, sum) => f32x4.add(v128.load(p.sums, offset(r, v)), sum),
        store: (r, v, value) => f.store(p.sums, value, offset(r, v)),
      });
    },
  });
  return products.all(`multiplyBlock_${depth}`, panel, { a: 4, sums: 4 * panel.width });
}

/** A function (sums, out) that makes one panel of dw from all of its sums. */
function storeFilter(layout: Layout, panel: Panel): FunctionHandle {
  const { module, algorithm, side, frame, grid, sumsStep } = layout;
  const rowBytes = 4 * grid[2];
  const transform = new Transform(transposed(algorithm.filter));
  return module.once(`storeFilter_${panel.columns}`, ['sums', 'out'], (f, p) => {
    f.loop(0, frame.channels, 1, () => {
      eachVector(f, panel, { at: [p.sums, p.out] }, (v, [sums, out]) => {
        const { at, lanes } = panel.vectors[v]!;
        f.block(() =>
          transform.byColumns(
            f,
            (row, column) => v128.load(sums, (row * side + column) * sumsStep + at),
            (row, column, value) => {
              const tap = row * algorithm.window + column;
              f.storeLanes(out, value, lanes, tap * frame.channels * rowBytes + at);
            },
            () => f.fence(sums),
          ),
        );
      });
      f.increase(p.sums, 4 * panel.width);
      f.increase(p.out, rowBytes);
    });
  });
}
