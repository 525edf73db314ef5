/**
 * The gradients of a convolution whose output went through a max pool. What flows back is not 0 in one pixel of each
 * pool window at most, and after a relu in fewer: at 2x2, an eighth or so. Instead of the dense sums, every channel o of
 * dy becomes a list of its entries (where the window of the convolution begins in the frame, value), and
 *
 *     filter gradient:  dw[·, o]     += value · frame[window]     sums of 12 vectors in registers over a list
 *     input gradient:   frame[window] += value · w[·, o]          12 vectors of w in registers over a list
 *
 * for the entries in the order of the pool's windows. A frame is the (padded) image, of x or of dx. Where a row of the
 * window does not fill its last vector, only the lanes that exist are read and written.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { Window } from '../maxPool/contract.js';

/** Sizes that both gradients share. */
export interface RoutedShape {
  /** Channels of dy. */
  readonly outputs: number;
  /** Height and width of the pool's grid. */
  readonly pooled: readonly [number, number];
  readonly route: Window;
  /** Bytes of an index. */
  readonly indexBytes: number;
  /** Height and width of the filter, channels and bytes of a line of the frame, steps between windows of the convolution. */
  readonly window: readonly [number, number];
  readonly channels: number;
  readonly lineBytes: number;
  readonly strides: readonly [number, number];
}

/** A vector of the window: its lanes, and where it begins in the frame and in a packed row of the filter. In bytes. */
export interface WindowVector {
  readonly lanes: number;
  readonly frameOffset: number;
  readonly packedOffset: number;
}

/** The vectors of a window: each of its rows is a run of memory, cut from its start. */
export function windowVectors({ window, channels, lineBytes }: RoutedShape): WindowVector[] {
  const run = window[1] * channels;
  const perRow = Math.ceil(run / 4);
  return Array.from({ length: window[0] * perRow }, (_, index) => {
    const row = Math.floor(index / perRow);
    const first = 4 * (index % perRow);
    return {
      lanes: Math.min(4, run - first),
      frameOffset: row * lineBytes + 4 * first,
      packedOffset: 16 * index,
    };
  });
}

/** Vectors that are kept in registers at a time: 15 less the value and a few that are on their way. */
const vectorsTogether = 12;
const loadsTogether = 2;

/** The vectors in groups of 12 at most. */
export function groupVectors(vectors: readonly WindowVector[]): WindowVector[][] {
  const groups = Math.ceil(vectors.length / vectorsTogether);
  const size = Math.ceil(vectors.length / groups);
  return Array.from({ length: groups }, (_, group) => vectors.slice(group * size, (group + 1) * size));
}

/** Bytes of a list: its end, then (offset, value) pairs; and of the table of offsets by index of the pool's window. */
const listHeader = 16;
export function listBytes({ pooled, route }: RoutedShape): number {
  const table = 4 * route.window[0] * route.window[1];
  return listHeader + 8 * pooled[0] * pooled[1] + table;
}

function tableOffset({ pooled }: RoutedShape): number {
  return listHeader + 8 * pooled[0] * pooled[1];
}

/** Bytes from a pixel of dy to the next, down and to the right, measured between their windows in the frame. */
function pixelSteps({ strides, lineBytes, channels }: RoutedShape): [number, number] {
  return [strides[0] * lineBytes, 4 * strides[1] * channels];
}

/** Writes the table of offsets, once per call of the kernel. */
export function emitTable(f: FunctionBuilder, shape: RoutedShape, list: I32): void {
  const [down, right] = pixelSteps(shape);
  const [height, width] = shape.route.window;
  for (let index = 0; index < height * width; index++) {
    const offset = Math.floor(index / width) * down + (index % width) * right;
    f.store(list, i32.const(offset), tableOffset(shape) + 4 * index);
  }
}

/** A function (values, indices, frame, list) that lists the entries of one channel, whose first element the pointers are at. */
export function emitListing(module: ModuleBuilder, shape: RoutedShape): FunctionHandle {
  const { outputs, pooled, route, indexBytes } = shape;
  const [down, right] = pixelSteps(shape);
  const parameters = { values: 'i32', indices: 'i32', frame: 'i32', list: 'i32' } as const;
  return module.function('list', parameters, (f, p) => {
    const entry = f.let(i32.add(p.list, listHeader));
    const corner = i32.sub(p.frame, route.padding.top * down + route.padding.left * right);
    const row = f.let(corner);
    f.loop(0, pooled[0], 1, () => {
      const pixel = f.let(row);
      f.loop(0, pooled[1], 1, () => {
        const index = indexBytes === 1 ? i32.load8U(p.indices) : i32.load(p.indices);
        const place = i32.load(i32.add(p.list, i32.shl(index, 2)), tableOffset(shape));
        const bits = f.let(i32.load(p.values));
        f.store(entry, i32.add(pixel, place));
        f.store(entry, bits, 4);
        // all bits but the sign: the next entry overwrites one of value 0
        f.increase(entry, i32.shl(i32.ne(i32.shl(bits, 1), 0), 3));
        f.increase(p.values, 4 * outputs);
        f.increase(p.indices, indexBytes * outputs);
        f.increase(pixel, route.strides[1] * right);
      });
      f.increase(row, route.strides[0] * down);
    });
    f.store(p.list, entry);
  });
}

/** Visits the entries of a list: `visit` gets the address of the window and the value in all lanes. */
function eachEntry(
  f: FunctionBuilder,
  list: Local<'i32'>,
  visit: (window: Local<'i32'>, value: Local<'v128'>) => void,
): void {
  const end = f.let(i32.load(list));
  const entry = f.let(i32.add(list, listHeader));
  f.while(i32.ltU(entry, end), () => {
    const window = f.let(i32.load(entry));
    const value = f.let(v128.load32Splat(entry, 4));
    visit(window, value);
    f.increase(entry, 8);
  });
}

/** Visits ranges of a group, a few vectors at a time, each time in a basic block of its own. */
function fenced(
  f: FunctionBuilder,
  pointer: I32,
  vectors: readonly WindowVector[],
  visit: (from: number, to: number) => void,
) {
  f.block(() => {
    for (let first = 0; first < vectors.length; first += loadsTogether) {
      visit(first, Math.min(first + loadsTogether, vectors.length));
      f.fence(pointer);
    }
  });
}

/** A function (list, sums): adds Σ value · frame[window] over the list to the group's vectors at `sums`. */
export function emitSumWindows(module: ModuleBuilder, group: readonly WindowVector[]): FunctionHandle {
  return module.function(`sum_${group[0]!.packedOffset}`, { list: 'i32', sums: 'i32' } as const, (f, p) => {
    const sums = group.map(() => f.local('v128'));
    eachEntry(f, p.list, (window, value) => {
      fenced(f, window, group, (from, to) => {
        for (let index = from; index < to; index++) {
          const { lanes, frameOffset } = group[index]!;
          const pixels = v128.loadLanes(window, lanes, frameOffset);
          f.set(sums[index]!, f.multiplyAdd(value, pixels, sums[index]!));
        }
      });
    });
    for (let from = 0; from < group.length; from += 2) {
      // pairs are loaded before they are stored, so that V8 may join them
      const pair = group.slice(from, from + 2);
      for (const [index, { packedOffset }] of pair.entries()) {
        const sum = sums[from + index]!;
        f.set(sum, f32x4.add(v128.load(p.sums, packedOffset), sum));
      }
      for (const [index, { packedOffset }] of pair.entries()) {
        f.store(p.sums, sums[from + index]!, packedOffset);
      }
    }
  });
}

/**
 * A function (list, filter): adds value · filter to every window of the list, for the group's vectors.
 *
 * @param wide whether V8 joins vectors (WasmOptions): then a pair is loaded before it is stored
 */
export function emitAddWindows(
  module: ModuleBuilder,
  group: readonly WindowVector[],
  wide = false,
): FunctionHandle {
  const together = wide ? 2 : 1;
  return module.function(`add_${group[0]!.packedOffset}`, { list: 'i32', filter: 'i32' } as const, (f, p) => {
    const filter = group.map(({ packedOffset }) => f.let(v128.load(p.filter, packedOffset)));
    eachEntry(f, p.list, (window, value) => {
      fenced(f, window, group, (from, to) => {
        for (let first = from; first < to; first += together) {
          const vectors = group.slice(first, Math.min(first + together, to));
          const results = vectors.map(({ lanes, frameOffset }, index) => {
            const before = v128.loadLanes(window, lanes, frameOffset);
            return f.let(f.multiplyAdd(value, filter[first + index]!, before));
          });
          for (const [index, { lanes, frameOffset }] of vectors.entries()) {
            f.storeLanes(window, results[index]!, lanes, frameOffset);
          }
        }
      });
    });
  });
}
