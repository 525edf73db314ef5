/**
 * Windows of an image times a filter, without an im2col copy. Channels are innermost, so a row of a window is one run of
 * memory and a window is `segments` such runs: the tiles of shared/gemm.ts read them in place.
 *
 *     out[n, i, j, o] = Σ_a Σ_t frame[(i·sh + a) · lineLength + j·sw·channels + t] · filter[a · segmentLength + t][o]
 *
 * conv2d is this over the padded image. conv2dInputGradient is this with strides 1 over the output's gradient, its
 * pixels `strides` apart within a border of filter size − 1, and the filter turned by 180° with in and out exchanged.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
  select,
} from '../../src/writers/assembler.js';
import type { KernelCall } from '../contract.js';
import { EpilogueEmitter, type EpiloguePosition } from '../shared/epilogue.js';
import { cutRows, emitGemmTile, isLooped, panelColumns, tallestTile } from '../shared/gemm.js';
import { cutPanels, emitPackPanel, packedBytes } from '../shared/packing.js';
import type { WasmCode, WasmOptions } from '../wasmKernel.js';
import type { Conv2dSpecification } from './contract.js';
import { emitClearFrame, emitFillFrame, type Frame, filledRows, frameBytes, isPlain } from './image.js';

/** One run of rows of the filter matrix: `rows` of them from `offset`, with these strides. All in bytes. */
export interface FilterBlock {
  readonly offset: number;
}

export interface Correlation {
  readonly name: string;
  readonly batch: number;
  readonly frame: Frame;
  /** Height, width and channels of the output. */
  readonly output: readonly [number, number, number];
  /** Height and width of the window, and the steps between windows. */
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** The filter as a matrix [window rows · window columns · channels, out], in blocks of equal height. */
  readonly filter: {
    readonly blocks: readonly FilterBlock[];
    readonly blockRows: number;
    readonly rowStride: number;
    readonly columnStride: number;
  };
}

interface Panel {
  readonly columns: number;
  readonly width: 4 | 8;
  readonly pack: FunctionHandle;
  /** One function for each height of tile. */
  readonly tiles: readonly FunctionHandle[];
}

export function correlationCode(
  correlation: Correlation,
  call: KernelCall<Conv2dSpecification>,
  options: WasmOptions,
): WasmCode {
  const { batch, frame, output, window } = correlation;
  const [height, width, outputs] = output;
  const depth = window[0] * window[1] * frame.channels;
  const epilogue = new EpilogueEmitter(call.specification.epilogue, call);
  const module = new ModuleBuilder(options);
  const names = ['image', 'filter', ...epilogue.names, 'out', 'scratch'];
  const units = height * width * outputs === 0 ? 0 : batch;
  const cut = cutRows(width, tallestTile(options.simd, options.wide));
  if (units === 0) module.kernel(names, () => {});
  else emitKernel(module, correlation, epilogue, names, options);
  return {
    bytes: module.bytes(),
    units,
    scratchBytes: frameBytes(frame) + Math.ceil(packedBytes(depth, outputs) / 64) * 64 + 64,
    algorithm: `${correlation.name} direct ${cut.rows}x${panelColumns}${isPlain(frame) ? '' : ', framed image'}`,
  };
}

function emitKernel(
  module: ModuleBuilder,
  correlation: Correlation,
  epilogue: EpilogueEmitter,
  names: readonly string[],
  { simd, wide = false }: WasmOptions,
): void {
  const { frame, output, window, strides, filter } = correlation;
  const [height, width, outputs] = output;
  const depth = window[0] * window[1] * frame.channels;
  const cut = cutRows(width, tallestTile(simd, wide));
  const heights = cut.tall < cut.tiles ? [cut.rows, cut.rows - 1] : [cut.rows];
  const panelCut = cutPanels(outputs);
  const panel = (columns: number, panelWidth: 4 | 8): Panel => ({
    columns,
    width: panelWidth,
    pack: emitPack(module, filter, columns, panelWidth),
    tiles: heights.map((rows) => emitTile(module, correlation, epilogue, rows, columns, panelWidth, wide)),
  });
  const full = panelCut.full > 0 ? panel(panelColumns, panelColumns) : undefined;
  const rest = panelCut.rest > 0 ? panel(panelCut.rest, panelCut.restWidth) : undefined;
  const plain = isPlain(frame);
  const skips = skipsLines(correlation);
  const line = frame.frameWidth * frame.channels * 4;

  module.kernel(names as string[], (f, p) => {
    const packed = i32.add(p.scratch!, frameBytes(frame));
    const panelBytes = 4 * depth * panelColumns;
    const eachPanel = (visit: (panel: Panel, first: I32, packed: I32) => void) => {
      if (full) {
        f.loop(0, panelCut.full, 1, (index) => {
          visit(
            full,
            f.let(i32.mul(index, panelColumns)),
            f.let(i32.add(packed, i32.mul(index, panelBytes))),
          );
        });
      }
      if (rest) {
        visit(
          rest,
          i32.const(panelCut.full * panelColumns),
          f.let(i32.add(packed, panelCut.full * panelBytes)),
        );
      }
    };
    if (!plain) emitClearFrame(f, frame, p.scratch!);
    eachPanel(({ pack }, first, at) => {
      const source = i32.add(p.filter!, i32.mul(first, filter.columnStride));
      f.call(pack, source, at);
    });
    f.loop(p.begin!, p.end!, 1, (image) => {
      const pixels = f.let(
        i32.add(p.image!, i32.mul(image, 4 * frame.height * frame.width * frame.channels)),
      );
      if (!plain) emitFillFrame(f, frame, pixels, p.scratch!);
      const base = plain ? pixels : p.scratch!;
      eachPanel(({ tiles, width: panelWidth }, first, at) => {
        f.loop(0, height, 1, (row) => {
          const top = f.let(i32.mul(row, strides[0]));
          const { above, count } = skips
            ? filledLines(f, frame, window[0], top)
            : { above: i32.const(0), count: undefined };
          const a = f.let(i32.add(base, i32.mul(i32.add(top, above), line)));
          const b = f.let(i32.add(at, i32.mul(above, 4 * window[1] * frame.channels * panelWidth)));
          const pixel = f.let(i32.mul(i32.add(i32.mul(image, height), row), width));
          const rest = [...(count ? [count] : []), ...epilogue.names.map((name) => p[name]!)];
          const run = (tileCount: number, from: number, handle: FunctionHandle, rows: number) => {
            f.loop(0, tileCount, 1, (tile) => {
              const column = f.let(i32.add(i32.mul(tile, rows), from));
              const start = i32.add(a, i32.mul(column, 4 * strides[1] * frame.channels));
              f.call(handle, start, b, i32.add(pixel, column), first, p.out!, ...rest);
            });
          };
          run(cut.tall, 0, tiles[0]!, cut.rows);
          if (heights.length > 1) run(cut.tiles - cut.tall, cut.tall * cut.rows, tiles[1]!, cut.rows - 1);
        });
      });
    });
  });
}

/**
 * Whether windows leave out the lines that lie wholly above or below the pixels. A sum of few terms is written out
 * whole, which is faster than leaving some out.
 */
function skipsLines({ frame, window }: Correlation): boolean {
  const [first, last] = filledRows(frame);
  return (first > 0 || last < frame.frameHeight) && isLooped(window[0], window[1] * frame.channels);
}

/** For the window whose first line is `top`: how many of its lines lie above all pixels, and how many among them. */
function filledLines(
  f: FunctionBuilder,
  frame: Frame,
  lines: number,
  top: I32,
): { above: Local<'i32'>; count: Local<'i32'> } {
  const [first, last] = filledRows(frame);
  const smaller = (x: I32, y: number) => select(i32.ltS(x, i32.const(y)), x, i32.const(y));
  const notBelowZero = (x: Local<'i32'>) => select(i32.gtS(x, i32.const(0)), x, i32.const(0));
  const above = f.let(notBelowZero(f.let(i32.sub(first, top))));
  const end = smaller(f.let(i32.sub(last, top)), lines);
  return { above, count: f.let(notBelowZero(f.let(i32.sub(end, above)))) };
}

function emitPack(
  module: ModuleBuilder,
  { blocks, blockRows, rowStride, columnStride }: Correlation['filter'],
  columns: number,
  width: 4 | 8,
): FunctionHandle {
  const packBlock = module.function(
    `pack_${blockRows}x${columns}`,
    { source: 'i32', destination: 'i32' } as const,
    (f, p) => emitPackPanel(f, { k: blockRows, columns, width, rowStride, columnStride }, p),
  );
  return module.function(`packAll_${columns}`, { source: 'i32', destination: 'i32' } as const, (f, p) => {
    blocks.forEach(({ offset }, index) => {
      f.call(packBlock, i32.add(p.source, offset), i32.add(p.destination, index * blockRows * width * 4));
    });
  });
}

/** A function that computes and stores one tile: pixels of one row of the output, columns of one panel. */
function emitTile(
  module: ModuleBuilder,
  correlation: Correlation,
  epilogue: EpilogueEmitter,
  rows: number,
  columns: number,
  width: 4 | 8,
  wide: boolean,
): FunctionHandle {
  const { frame, output, window, strides } = correlation;
  const outputs = output[2];
  const skips = skipsLines(correlation);
  const parameters = Object.fromEntries(
    ['a', 'panel', 'pixel', 'first', 'out', ...(skips ? ['count'] : []), ...epilogue.names].map((name) => [
      name,
      'i32' as const,
    ]),
  );
  return module.function(`tile_${rows}x${columns}`, parameters, (f: FunctionBuilder, p) => {
    const element = f.let(i32.mul(i32.add(i32.mul(p.pixel!, outputs), p.first!), 4));
    const column = f.let(i32.mul(p.first!, 4));
    const finish = epilogue.begin(
      f,
      epilogue.names.map((name) => p[name]!),
      true,
    );
    const position = (r: number, v: number): EpiloguePosition => ({
      element: { base: element, constant: 4 * r * outputs + 16 * v },
      column: { base: column, constant: 16 * v },
      lanes: Math.min(4, columns - 4 * v),
    });
    const tile = {
      rows,
      columns: width,
      segments: window[0],
      segmentLength: window[1] * frame.channels,
      rowStride: 4 * strides[1] * frame.channels,
      segmentStride: 4 * frame.frameWidth * frame.channels,
      innerStride: 4,
      wide,
      ...(skips ? { segmentCount: p.count! } : {}),
    };
    emitGemmTile(
      f,
      tile,
      { a: p.a!, panel: p.panel! },
      {
        finish: (r, v, sum) => finish(sum, position(r, v)),
        store: (r, v, value) => epilogue.store(f, p.out!, value, position(r, v)),
      },
    );
  });
}
