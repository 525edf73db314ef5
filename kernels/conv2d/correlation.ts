/**
 * Windows of an image times a filter: what conv2d and conv2dInputGradient have in common, however they are computed.
 *
 *     out[n, i, j, o] = Σ_a Σ_b Σ_c frame[i·sh + a, j·sw + b, c] · filter[a, b, c, o]
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
} from '../../src/writers/wasm/assembler.js';
import type { WasmCode } from '../toolkit/wasm/kernel.js';
import type { Bounds, Panel, Panels } from '../toolkit/wasm/tileGrid.js';
import { emitPreparation, type Scratch } from '../toolkit/wasm/units.js';
import type { Frame } from './frame.js';
import type { ResultName, Results } from './results.js';

export interface Correlation {
  readonly name: string;
  readonly batch: number;
  readonly frame: Frame;
  /** Lines of the frame may be left out. Else its zeros count: times what is not finite they are NaN. */
  readonly leavesOutLines: boolean;
  readonly results: Results;
  /** Height and width of the window, and the steps between windows. */
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /**
   * The filter as a matrix [window rows · window columns · channels, out]: runs of `runRows` rows from these places, with
   * these strides. All in bytes but the rows.
   */
  readonly filter: {
    readonly runs: readonly number[];
    readonly runRows: number;
    readonly rowStride: number;
    readonly columnStride: number;
  };
}

/**
 * One way of computing it: the filter is packed once a call, then one image after the other is done, or some together. Of a
 * single image workers share the panels: each packs its own.
 */
export interface CorrelationWay<N extends string> {
  /** Algorithm and sizes, for explain(). */
  readonly notes: readonly string[];
  /** The correlation's, or a larger one. */
  readonly frame: Frame;
  readonly panels: Panels;
  readonly scratch: Scratch<'frame' | 'filter' | N>;
  /** Bytes from a packed panel of the filter to the next. */
  readonly panelBytes: number;
  /** How many images are done together; they divide the batch. Default: 1. */
  readonly images?: number;
  /** A function (source, destination) that packs a panel. */
  pack(panel: Panel): FunctionHandle;
  /** Writes the code for the images that are done together. */
  writeImages(f: FunctionBuilder, p: Pointers, place: ImagePlace<N>): void;
}

type Pointers = Readonly<Record<'filter' | ResultName, Local<'i32'>>>;

interface ImagePlace<N extends string> {
  /** Which one of the batch is the first. */
  readonly image: I32;
  /** Puts an image into the frame, and tells where it stands until the next is opened. */
  open(image: I32): I32;
  /** The parts of the scratch area, and where a panel of the filter stands, packed. */
  readonly at: Readonly<Record<'frame' | 'filter' | N, I32>>;
  packedAt(index: I32): I32;
  /** The panels that are wanted; undefined: all. */
  readonly some: Bounds | undefined;
}

export function correlationCode<N extends string>(
  module: ModuleBuilder,
  { batch, filter, results }: Correlation,
  way: CorrelationWay<N>,
): WasmCode {
  const { frame, panels, scratch, images = 1 } = way;
  const [height, width] = results.stored;
  const single = batch === 1;
  const units = height * width * results.output[2] === 0 ? 0 : single ? panels.count : batch / images;
  module.kernel(['image', 'filter', ...results.names, 'scratch'], (f, p) => {
    if (units === 0) return;
    const at = scratch.open(f, p.scratch);
    const packedAt = (index: I32) => f.let(i32.add(at.filter, i32.mul(index, way.panelBytes)));
    const some = single ? { from: p.begin, to: p.end } : undefined;
    const prepare = () => {
      frame.clear(f, at.frame);
      const pack = (panel: Panel, index: I32) => {
        const first = i32.mul(index, panels.full.width * filter.columnStride);
        f.call(way.pack(panel), i32.add(p.filter, first), packedAt(index));
      };
      panels.forEach(f, pack, some);
    };
    const open = (image: I32) => frame.open(f, p.image, image, at.frame);
    const write = (image: I32) => way.writeImages(f, p, { image, open, at, packedAt, some });
    if (single) {
      prepare();
      write(i32.const(0));
      return;
    }
    emitPreparation(f, p.begin, prepare);
    f.loop(p.begin, p.end, 1, (unit) => write(f.keep(i32.mul(unit, images))));
  });
  const notes = [...way.notes, ...frame.note, ...(results.pooled ? ['pooled'] : [])];
  return {
    ...{ bytes: module.bytes(), units, scratchBytes: scratch.bytes },
    ...(single ? { repeats: true } : { prepares: units > 0 }),
    algorithm: notes.join(', '),
  };
}
