/**
 * conv2dFilterGradient directly: dw[a, b, c, o] = Σ_n Σ_i Σ_j x[n, i·sh + a, j·sw + b, c] · dy[n, i, j, o].
 *
 * For one row a of the window, (b, c) are the rows of a matrix product whose common dimension are the pixels of dy, and
 * both operands are read in place: x with neighboring rows side by side in memory, dy with a pixel's channels. Each
 * image is summed by itself and added to the total in the order of the batch, so the order of sums depends on nothing
 * but the shapes. A unit is a tile of dw; every worker reads all images.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  i32x4,
  ModuleBuilder,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { KernelCall } from '../contract.js';
import { cutRows, emitGemmTile, panelColumns, tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { cutPanels, emitPackPanel, packedBytes } from '../toolkit/wasm/packing.js';
import type { Conv2dFilterGradientSpecification } from './contract.js';
import { emitClearFrame, emitFillFrame, type Frame, frameBytes, isPlain } from './image.js';

interface Shape {
  readonly frame: Frame;
  readonly batch: number;
  /** Height and width of dy, and its channels. */
  readonly grid: readonly [number, number];
  readonly outputs: number;
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Whether dy is read in place; else its panels are packed, one image at a time. */
  readonly inPlace: boolean;
}

export function denseFilterGradientWasm(
  call: KernelCall<Conv2dFilterGradientSpecification>,
  options: WasmOptions,
): WasmCode {
  const [batch, height, width, channels] = call.inputs[0]!.shape as [number, number, number, number];
  const [, gridHeight, gridWidth, outputs] = call.inputs[1]!.shape as [number, number, number, number];
  const [windowHeight, windowWidth] = call.outputs[0]!.shape as [number, number, number, number];
  const { strides, padding } = call.specification;
  const shape: Shape = {
    frame: {
      height,
      width,
      channels,
      frameHeight: height + padding.top + padding.bottom,
      frameWidth: width + padding.left + padding.right,
      top: padding.top,
      left: padding.left,
      steps: [1, 1],
    },
    batch,
    grid: [gridHeight, gridWidth],
    outputs,
    window: [windowHeight, windowWidth],
    strides,
    inPlace: outputs % 4 === 0,
  };
  const rows = windowWidth * channels;
  const cut = cutRows(rows, tallestTile(options));
  const panelCut = cutPanels(outputs);
  const panels = panelCut.full + (panelCut.rest > 0 ? 1 : 0);
  const module = new ModuleBuilder(options);
  emitKernel(module, shape, options);
  const packed = shape.inPlace ? 0 : Math.ceil(packedBytes(gridHeight * gridWidth, outputs) / 64) * 64;
  return {
    bytes: module.bytes(),
    units: windowHeight * cut.tiles * panels,
    scratchBytes: frameBytes(shape.frame) + packed + 64,
    repeats: true,
    algorithm: `filter gradient direct ${cut.rows}x${panelColumns}${shape.inPlace ? '' : ', packed dy'}`,
  };
}

interface Panel {
  readonly pack: FunctionHandle | undefined;
  readonly tiles: readonly FunctionHandle[];
}

function emitKernel(module: ModuleBuilder, shape: Shape, options: WasmOptions): void {
  const { wide = false } = options;
  const { frame, batch, grid, outputs, window, inPlace } = shape;
  const depth = grid[0] * grid[1];
  const cut = cutRows(window[1] * frame.channels, tallestTile(options));
  const heights = cut.tall < cut.tiles ? [cut.rows, cut.rows - 1] : [cut.rows];
  const panelCut = cutPanels(outputs);
  const panels = panelCut.full + (panelCut.rest > 0 ? 1 : 0);
  const names = ['x', 'dy', 'out', 'scratch'] as const;
  if (cut.tiles === 0 || panels === 0 || window[0] === 0) {
    module.kernel(names, () => {});
    return;
  }
  if (batch === 0 || depth === 0) {
    const bytes = 4 * window[0] * window[1] * frame.channels * outputs;
    module.kernel(names, (f, p) => f.if(i32.ltU(p.begin, p.end), () => f.fill(p.out, 0, bytes)));
    return;
  }
  const panel = (columns: number, width: 4 | 8): Panel => ({
    pack: inPlace
      ? undefined
      : module.function(`pack_${columns}`, { source: 'i32', destination: 'i32' } as const, (f, p) => {
          emitPackPanel(f, { k: depth, columns, width, rowStride: 4 * outputs, columnStride: 4 }, p);
        }),
    tiles: heights.map((rows) => emitTile(module, shape, rows, columns, width, wide)),
  });
  const full = panelCut.full > 0 ? panel(panelColumns, panelColumns) : undefined;
  const rest = panelCut.rest > 0 ? panel(panelCut.rest, panelCut.restWidth) : undefined;
  const panelBytes = inPlace ? 4 * panelColumns : 4 * depth * panelColumns;

  module.kernel(names, (f, p) => {
    const packed = i32.add(p.scratch, frameBytes(frame));
    const plain = isPlain(frame);
    if (!plain) emitClearFrame(f, frame, p.scratch);
    f.loop(0, batch, 1, (image) => {
      const pixels = f.let(i32.add(p.x, i32.mul(image, 4 * frame.height * frame.width * frame.channels)));
      const dy = f.let(i32.add(p.dy, i32.mul(image, 4 * depth * outputs)));
      if (!plain) emitFillFrame(f, frame, pixels, p.scratch);
      const base = plain ? pixels : p.scratch;
      if (!inPlace) emitPackImage(f, { full, rest }, panelCut.full, dy, packed, panelBytes);
      const b = inPlace ? dy : packed;
      f.loop(p.begin, p.end, 1, (unit) => {
        const rowTile = f.let(i32.divU(unit, i32.const(panels)));
        const panelIndex = f.let(i32.sub(unit, i32.mul(rowTile, panels)));
        const windowRow = f.let(i32.divU(rowTile, i32.const(cut.tiles)));
        const tile = f.let(i32.sub(rowTile, i32.mul(windowRow, cut.tiles)));
        const at = i32.add(b, i32.mul(panelIndex, panelBytes));
        const call = (kind: Panel, height: number, row: I32) => {
          const line = i32.mul(windowRow, 4 * frame.frameWidth * frame.channels);
          const target = i32.add(i32.mul(windowRow, window[1] * frame.channels), row);
          const element = i32.add(i32.mul(target, outputs), i32.mul(panelIndex, panelColumns));
          const a = i32.sum(base, line, i32.mul(row, 4));
          f.call(kind.tiles[height]!, a, at, i32.add(p.out, i32.mul(element, 4)), image);
        };
        const withHeight = (kind: Panel) => {
          const tall = () => call(kind, 0, f.let(i32.mul(tile, cut.rows)));
          const short = () => call(kind, 1, f.let(i32.add(i32.mul(tile, cut.rows - 1), cut.tall)));
          if (heights.length === 1) tall();
          else f.if(i32.ltU(tile, i32.const(cut.tall)), tall, short);
        };
        if (full && rest) {
          f.if(
            i32.ltU(panelIndex, i32.const(panelCut.full)),
            () => withHeight(full),
            () => withHeight(rest),
          );
        } else withHeight((full ?? rest)!);
      });
    });
  });
}

function emitPackImage(
  f: FunctionBuilder,
  { full, rest }: { full: Panel | undefined; rest: Panel | undefined },
  fullPanels: number,
  dy: I32,
  packed: I32,
  panelBytes: number,
): void {
  if (full) {
    f.loop(0, fullPanels, 1, (index) => {
      f.call(
        full.pack!,
        i32.add(dy, i32.mul(index, 4 * panelColumns)),
        i32.add(packed, i32.mul(index, panelBytes)),
      );
    });
  }
  if (rest) {
    f.call(rest.pack!, i32.add(dy, 4 * panelColumns * fullPanels), i32.add(packed, fullPanels * panelBytes));
  }
}

/** Sums one image's share of a tile and adds it to what earlier images have left. */
function emitTile(
  module: ModuleBuilder,
  shape: Shape,
  rows: number,
  columns: number,
  width: 4 | 8,
  wide: boolean,
): FunctionHandle {
  const { frame, grid, outputs, strides, inPlace } = shape;
  const parameters = { a: 'i32', panel: 'i32', out: 'i32', image: 'i32' } as const;
  return module.function(`tile_${rows}x${columns}`, parameters, (f, p) => {
    const tile = {
      rows,
      columns: width,
      segments: grid[0],
      segmentLength: grid[1],
      rowStride: 4,
      segmentStride: 4 * strides[0] * frame.frameWidth * frame.channels,
      innerStride: 4 * strides[1] * frame.channels,
      wide,
      ...(inPlace ? { panelStride: 4 * outputs } : {}),
    };
    // the first image masks whatever the output holds
    const earlier = f.let(i32x4.splat(i32.sub(0, i32.ne(p.image, 0))));
    const lanes = (v: number) => Math.min(4, columns - 4 * v);
    const offset = (r: number, v: number) => 4 * r * outputs + 16 * v;
    emitGemmTile(f, tile, p, {
      finish(r, v, sum) {
        const before = v128.and(v128.loadLanes(p.out, lanes(v), offset(r, v)), earlier);
        return f32x4.add(before, sum);
      },
      store: (r, v, value) => f.storeLanes(p.out, value, lanes(v), offset(r, v)),
    });
  });
}
