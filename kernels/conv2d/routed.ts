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
import { type FourAxes, fourAxes } from '../../src/core/shape.js';
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
  type V128,
  v128,
  vectorLanes,
} from '../../src/writers/wasm/assembler.js';
import type { KernelCall } from '../contract.js';
import { EpilogueEmitter, type EpiloguePosition } from '../toolkit/wasm/epilogue.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { Scratch } from '../toolkit/wasm/scratch.js';
import { emitPreparation, forEachVector } from '../toolkit/wasm/units.js';
import type {
  Conv2dFilterGradientSpecification,
  Conv2dInputGradientSpecification,
  Routed,
} from './contract.js';
import { Frame } from './frame.js';

/** Bytes in front of the entries of a list: where it ends. */
const listHeader = 16;

/** A vector of the window: its lanes, and where it begins in the frame and in a packed row of the filter. In bytes. */
interface WindowVector {
  readonly lanes: number;
  readonly frameOffset: number;
  readonly packedOffset: number;
}

/** The vectors of a window: each of its rows is a run of memory, cut from its start. */
function windowVectors([height, width]: FourAxes, { channels, lineBytes }: Frame): WindowVector[] {
  const run = width * channels;
  const perRow = Math.ceil(run / fixedLanes);
  return Array.from({ length: height * perRow }, (_, index) => {
    const row = Math.floor(index / perRow);
    const first = fixedLanes * (index % perRow);
    return {
      lanes: Math.min(fixedLanes, run - first),
      frameOffset: row * lineBytes + 4 * first,
      packedOffset: 4 * fixedLanes * index,
    };
  });
}

/** Vectors that are kept in registers at a time: 15 less the value and a few that are on their way. */
const vectorsTogether = 12;
const loadsTogether = 2;

/**
 * Windows overlap, so which vectors are worked on together decides the order of sums: they are cut alike for all widths,
 * and neighbors are joined where vectors are wider.
 */
const fixedLanes = 4;

function joined(vectors: readonly WindowVector[], widest: number): WindowVector[] {
  const result: WindowVector[] = [];
  for (const vector of vectors) {
    const last = result.at(-1);
    const fits = last && last.lanes % fixedLanes === 0 && last.lanes < widest;
    if (fits && last.frameOffset + 4 * last.lanes === vector.frameOffset)
      result[result.length - 1] = { ...last, lanes: last.lanes + vector.lanes };
    else result.push(vector);
  }
  return result;
}

/** The lanes of a vector in a packed row, where zeros fill the last four. */
const packedLanes = ({ lanes }: WindowVector) => fixedLanes * Math.ceil(lanes / fixedLanes);

/** Sizes that both gradients share. Values and indices are the inputs at `at` and behind it. */
function routing(
  { specification, inputs }: KernelCall<Routed<Conv2dFilterGradientSpecification>>,
  at: number,
  { image, filter, lanes }: { image: FourAxes; filter: FourAxes; lanes: number },
) {
  const [, height, width, outputs] = fourAxes(inputs[at]!.shape);
  const { route, strides, padding } = specification;
  const frame = Frame.padded(image, padding);
  const vectors = windowVectors(filter, frame);
  const count = Math.ceil(vectors.length / vectorsTogether);
  const size = Math.ceil(vectors.length / count);
  // entries are pairs of offset and value; behind them stands the table of offsets by index of the pool's window
  const tableOffset = listHeader + 8 * height * width;
  return {
    ...{ frame, outputs, route, vectors, tableOffset },
    /** Height and width of the pool's grid. */
    pooled: [height, width] as const,
    /** The vectors as they are worked on together. */
    groups: Array.from({ length: count }, (_, group) =>
      joined(vectors.slice(group * size, (group + 1) * size), lanes),
    ),
    /** Bytes of the filter of a channel of dy, packed in vectors. */
    rowBytes: 4 * fixedLanes * vectors.length,
    indexBytes: inputs[at + 1]!.dtype === 'uint8' ? 1 : 4,
    listBytes: tableOffset + 4 * route.window[0] * route.window[1],
    /** Bytes from a pixel of dy to the next, down and to the right, measured between their windows in the frame. */
    steps: [strides[0] * frame.lineBytes, 4 * strides[1] * frame.channels] as const,
  };
}
type Routing = ReturnType<typeof routing>;

/** Visits the elements of a packed row; `pointer` goes along the filter, whose last axis is that of the rows. */
function eachTap(
  f: FunctionBuilder,
  { vectors, outputs }: Routing,
  pointer: Local<'i32'>,
  visit: (offset: number) => void,
): void {
  for (const { lanes, packedOffset } of vectors) {
    for (let lane = 0; lane < lanes; lane++) {
      visit(packedOffset + 4 * lane);
      f.increase(pointer, 4 * outputs);
    }
  }
}

/** Writes the table of offsets, once per call of the kernel. */
function emitTable(f: FunctionBuilder, shape: Routing, list: I32): void {
  const [down, right] = shape.steps;
  const [height, width] = shape.route.window;
  for (let index = 0; index < height * width; index++) {
    const offset = Math.floor(index / width) * down + (index % width) * right;
    f.store(list, i32.const(offset), shape.tableOffset + 4 * index);
  }
}

/** The first element of a channel of dy of an image, in values and in indices. */
function elementOf({ pooled, outputs }: Routing, image: I32, output: I32): I32 {
  return i32.add(i32.mul(image, pooled[0] * pooled[1] * outputs), output);
}

/** A function (values, indices, element, frame, list) that lists the entries of the channel that begins at an element. */
function emitListing(module: ModuleBuilder, shape: Routing): FunctionHandle {
  const { outputs, pooled, route, indexBytes } = shape;
  const [down, right] = shape.steps;
  return module.once('list', ['values', 'indices', 'element', 'frame', 'list'], (f, p) => {
    f.increase(p.values, i32.mul(p.element, 4));
    f.increase(p.indices, i32.mul(p.element, indexBytes));
    const entry = f.let(i32.add(p.list, listHeader));
    const row = f.let(i32.sub(p.frame, route.padding.top * down + route.padding.left * right));
    f.loop(0, pooled[0], 1, () => {
      const pixel = f.let(row);
      f.loop(0, pooled[1], 1, () => {
        const index = indexBytes === 1 ? i32.load8U(p.indices) : i32.load(p.indices);
        const place = i32.load(i32.add(p.list, i32.shl(index, 2)), shape.tableOffset);
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
function emitSumWindows(module: ModuleBuilder, group: readonly WindowVector[]): FunctionHandle {
  return module.once(`sum_${group[0]!.packedOffset}`, ['list', 'sums'], (f, p) => {
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
      for (const [index, vector] of pair.entries()) {
        const sum = sums[from + index]!;
        const before = v128.loadLanes(p.sums, packedLanes(vector), vector.packedOffset);
        f.set(sum, f32x4.add(before, sum));
      }
      for (const [index, vector] of pair.entries()) {
        f.storeLanes(p.sums, sums[from + index]!, packedLanes(vector), vector.packedOffset);
      }
    }
  });
}

/**
 * A function (list, filter): adds value · filter to every window of the list, for the group's vectors.
 *
 * @param wide whether V8 joins vectors (WasmOptions): then a pair is loaded before it is stored
 */
function emitAddWindows(module: ModuleBuilder, group: readonly WindowVector[], wide = false): FunctionHandle {
  const together = wide ? 2 : 1;
  return module.once(`add_${group[0]!.packedOffset}`, ['list', 'filter'], (f, p) => {
    const filter = group.map((vector) =>
      f.let(v128.loadLanes(p.filter, packedLanes(vector), vector.packedOffset)),
    );
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

/**
 * Reads a word of every cache line of an image. The windows of a list come in no order that a processor could foresee, so
 * each line that is not there is waited for; here many are on their way at once.
 */
function emitTouch(f: FunctionBuilder, source: I32, bytes: number, touched: Local<'i32'>): void {
  f.loop(0, bytes, 64, (at) => f.set(touched, i32.or(touched, i32.load(i32.add(source, at)))));
}

/** A unit is a channel of dy: it sums its row of the turned filter gradient over all images, then stores it. */
export function routedFilterGradientWasm(
  call: KernelCall<Routed<Conv2dFilterGradientSpecification>>,
  options: WasmOptions,
): WasmCode {
  const image = fourAxes(call.inputs[0]!.shape);
  const filter = fourAxes(call.outputs[0]!.shape);
  const shape = routing(call, 1, { image, filter, lanes: vectorLanes(options) });
  const { frame, outputs, groups, rowBytes } = shape;
  const scratch = new Scratch({ frame: frame.bytes, list: shape.listBytes, sums: outputs * rowBytes });
  const module = new ModuleBuilder(options);
  const empty = groups.length === 0 || outputs === 0;
  const list = empty ? undefined : emitListing(module, shape);
  const sumWindows = empty ? [] : groups.map((group) => emitSumWindows(module, group));

  module.kernel(['x', 'values', 'indices', 'out', 'scratch'], (f, p) => {
    if (list === undefined) return;
    const at = scratch.open(f, p.scratch);
    emitTable(f, shape, at.list);
    frame.clear(f, at.frame);
    f.fill(i32.add(at.sums, i32.mul(p.begin, rowBytes)), 0, i32.mul(i32.sub(p.end, p.begin), rowBytes));
    const touched = f.let(i32.const(0));
    f.loop(0, image[0], 1, (index) => {
      const base = frame.open(f, p.x, index, at.frame);
      if (frame.plain) emitTouch(f, base, frame.imageBytes, touched);
      f.loop(p.begin, p.end, 1, (output) => {
        f.call(list, p.values, p.indices, elementOf(shape, index, output), base, at.list);
        const row = f.let(i32.add(at.sums, i32.mul(output, rowBytes)));
        for (const sumWindow of sumWindows) f.call(sumWindow, at.list, row);
      });
    });
    // so that nobody thinks the loads superfluous
    f.store(at.list, touched);
    // the rows are the filter with its last axis first
    f.loop(p.begin, p.end, 1, (output) => {
      const row = f.let(i32.add(at.sums, i32.mul(output, rowBytes)));
      const target = f.let(i32.add(p.out, i32.mul(output, 4)));
      eachTap(f, shape, target, (offset) => f.store(target, i32.load(row, offset)));
    });
  });
  return {
    bytes: module.bytes(),
    units: empty ? 0 : outputs,
    scratchBytes: scratch.bytes,
    repeats: true,
    algorithm: `filter gradient routed, ${groups.length} groups of ${groups[0]?.length ?? 0} vectors`,
  };
}

/** A unit is an image: its frame collects what all entries of all channels send back, then passes the epilogue. */
export function routedInputGradientWasm(
  call: KernelCall<Routed<Conv2dInputGradientSpecification>>,
  options: WasmOptions,
): WasmCode {
  const filter = fourAxes(call.inputs[2]!.shape);
  const image = fourAxes(call.outputs[0]!.shape);
  const shape = routing(call, 0, { image, filter, lanes: vectorLanes(options) });
  const { frame, outputs, groups, rowBytes } = shape;
  const sizes = { frame: frame.frameBytes, list: shape.listBytes, filter: outputs * rowBytes };
  const scratch = new Scratch(sizes);
  const epilogue = new EpilogueEmitter(call.specification.epilogue, call);
  const module = new ModuleBuilder(options);
  const names = ['values', 'indices', 'filter', ...epilogue.names, 'out', 'scratch'] as const;
  const units = frame.imageBytes === 0 ? 0 : image[0];
  const list = emitListing(module, shape);
  const addWindows = groups.map((group) => emitAddWindows(module, group, options.wide));

  module.kernel(names, (f, p) => {
    if (units === 0) return;
    const at = scratch.open(f, p.scratch);
    emitPreparation(f, p.begin, () => {
      emitTable(f, shape, at.list);
      f.loop(0, outputs, 1, (output) => {
        const source = f.let(i32.add(p.filter, i32.mul(output, 4)));
        const target = f.let(i32.add(at.filter, i32.mul(output, rowBytes)));
        eachTap(f, shape, source, (offset) => f.store(target, i32.load(source), offset));
      });
    });
    const finish = epilogue.begin(f, p);
    f.loop(p.begin, p.end, 1, (index) => {
      f.fill(at.frame, 0, frame.frameBytes);
      f.loop(0, outputs, 1, (output) => {
        f.call(list, p.values, p.indices, elementOf(shape, index, output), at.frame, at.list);
        const row = f.let(i32.add(at.filter, i32.mul(output, rowBytes)));
        for (const addWindow of addWindows) f.call(addWindow, at.list, row);
      });
      emitStoreImage(f, frame, (value, place) => epilogue.store(f, p.out, finish(value, place), place), {
        frame: at.frame,
        image: index,
      });
    });
  });
  return {
    bytes: module.bytes(),
    units,
    scratchBytes: scratch.bytes,
    prepares: units > 0,
    algorithm: `input gradient routed, ${groups.length} groups of ${groups[0]?.length ?? 0} vectors`,
  };
}

/** Visits the pixels inside the frame with their places in the output. */
function emitStoreImage(
  f: FunctionBuilder,
  frame: Frame,
  store: (value: V128, position: EpiloguePosition) => void,
  at: { frame: I32; image: I32 },
): void {
  const {
    image: [height, width, channels],
    place: { top, left },
    lineBytes,
  } = frame;
  f.loop(0, height, 1, (row) => {
    const line = i32.add(i32.mul(i32.add(row, top), lineBytes), 4 * left * channels);
    const source = f.let(i32.add(at.frame, line));
    const element = f.let(i32.mul(i32.add(i32.mul(at.image, height), row), 4 * width * channels));
    f.loop(0, width, 1, () => {
      forEachVector(f, channels, 1, ({ at, constant, lanes }) => {
        const base = f.let(i32.add(element, at));
        const value = f.let(v128.loadLanes(f.let(i32.add(source, at)), lanes, constant));
        store(value, { element: { base, constant }, column: { base: at, constant }, lanes });
      });
      f.increase(source, 4 * channels);
      f.increase(element, 4 * channels);
    });
  });
}
