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
import { fourAxes } from '../../src/core/shape.js';
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
import {
  emitPreparation,
  emitTouch,
  forEachVector,
  minimum,
  placeInRow,
  Scratch,
} from '../toolkit/wasm/units.js';
import type {
  Conv2dFilterGradientSpecification,
  Conv2dInputGradientSpecification,
  Routed,
} from './contract.js';
import type { Frame } from './frame.js';
import {
  eachEntry,
  eachTap,
  elementOf,
  emitListing,
  emitTable,
  fixedLanes,
  loadsTogether,
  openList,
  packedLanes,
  type Routing,
  routing,
  type WindowVector,
} from './routedLists.js';

/** Bytes behind a frame that may be read: of a vector, the lanes that do not exist. */
const slack = 64;

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
    emitAddSums(f, group, sums, p.sums);
  });
}

/** Adds a group's sums to those in memory. */
function emitAddSums(
  f: FunctionBuilder,
  group: readonly WindowVector[],
  sums: readonly Local<'v128'>[],
  at: Local<'i32'>,
): void {
  for (let from = 0; from < group.length; from += 2) {
    // pairs are loaded before they are stored, so that V8 may join them
    const pair = group.slice(from, from + 2);
    for (const [index, vector] of pair.entries()) {
      const sum = sums[from + index]!;
      const before = v128.loadLanes(at, packedLanes(vector), vector.packedOffset);
      f.set(sum, f32x4.add(before, sum));
    }
    for (const [index, vector] of pair.entries()) {
      f.storeLanes(at, sums[from + index]!, packedLanes(vector), vector.packedOffset);
    }
  }
}

/** Vectors of a filter that is summed for two channels at once, at most. */
const mostPaired = 4;

/**
 * A function (list, sums, otherList, otherSums): the sums of two channels side by side. Each product of a list waits for
 * the sum of the one before it, and few vectors would leave the processor waiting. Lanes that do not exist are read too,
 * and stay by themselves.
 */
function emitSumPair(module: ModuleBuilder, group: readonly WindowVector[]): FunctionHandle {
  return module.once('sum_pair', ['list', 'sums', 'otherList', 'otherSums'], (f, p) => {
    const channel = (list: Local<'i32'>) => {
      const sums = group.map(() => f.local('v128'));
      const opened = openList(f, list, (window, value) => {
        for (const [index, { frameOffset }] of group.entries()) {
          const pixels = v128.loadLanes(window, fixedLanes, frameOffset);
          f.set(sums[index]!, f.multiplyAdd(value, pixels, sums[index]!));
        }
      });
      return { ...opened, sums };
    };
    const [one, other] = [channel(p.list), channel(p.otherList)];
    const shorter = f.let(minimum(i32.sub(one.end, one.entry), i32.sub(other.end, other.entry)));
    const both = f.let(i32.add(one.entry, shorter));
    f.while(i32.ltU(one.entry, both), () => {
      one.next();
      other.next();
    });
    for (const { entry, end, next } of [one, other]) f.while(i32.ltU(entry, end), next);
    emitAddSums(f, group, one.sums, p.sums);
    emitAddSums(f, group, other.sums, p.otherSums);
  });
}

/**
 * A function (list, filter): adds value · filter to every window of the list, for the group's vectors.
 *
 * @param wide V8 joins vectors (WasmOptions): a pair is loaded before it is stored
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

/** Stores a row of sums in a filter, whose last axis is that of the rows. */
function emitTurned(f: FunctionBuilder, shape: Routing, row: I32, out: I32): void {
  const target = f.let(out);
  eachTap(f, shape, target, (offset) => f.store(target, i32.load(row, offset)));
}

/** A unit is a channel of dy: it sums its row of the turned filter gradient over all images, then stores it. */
export function routedFilterGradientWasm(
  call: KernelCall<Routed<Conv2dFilterGradientSpecification>>,
  options: WasmOptions,
): WasmCode {
  const image = fourAxes(call.inputs[0]!.shape);
  const filter = fourAxes(call.outputs[0]!.shape);
  const shape = routing(call, 1, { image, filter, lanes: vectorLanes(options) });
  const { frame, outputs, groups, rowBytes, vectors } = shape;
  const paired = vectors.length <= mostPaired;
  const lists = { list: shape.listBytes, otherList: paired ? shape.listBytes : 0 };
  const frameBytes = paired ? frame.frameBytes + slack : frame.bytes;
  const scratch = new Scratch({ frame: frameBytes, ...lists, sums: outputs * rowBytes });
  const module = new ModuleBuilder(options);
  const empty = groups.length === 0 || outputs === 0;
  const list = empty ? undefined : emitListing(module, shape);
  const sumWindows = empty ? [] : groups.map((group) => emitSumWindows(module, group));

  module.kernel(['x', 'values', 'indices', 'out', 'scratch'], (f, p) => {
    if (list === undefined) return;
    const at = scratch.open(f, p.scratch);
    emitTable(f, shape, at.list);
    if (paired) emitTable(f, shape, at.otherList);
    if (paired) f.fill(at.frame, 0, frameBytes);
    else frame.clear(f, at.frame);
    f.fill(i32.add(at.sums, i32.mul(p.begin, rowBytes)), 0, i32.mul(i32.sub(p.end, p.begin), rowBytes));
    const touched = f.let(i32.const(0));
    const rowOf = (output: I32) => f.let(i32.add(at.sums, i32.mul(output, rowBytes)));
    const inPairs = paired ? i32.and(i32.sub(p.end, p.begin), i32.const(-2)) : i32.const(0);
    const pairsEnd = f.let(i32.add(p.begin, inPairs));
    f.loop(0, image[0], 1, (index) => {
      const base = paired ? frame.copy(f, p.x, index, at.frame) : frame.open(f, p.x, index, at.frame);
      if (frame.plain && !paired) emitTouch(f, base, frame.imageBytes, touched);
      const fill = (output: I32, into: I32) =>
        f.call(list, p.values, p.indices, elementOf(shape, index, output), base, into);
      const pair = (output: I32) => {
        fill(output, at.list);
        fill(i32.add(output, 1), at.otherList);
        const row = rowOf(output);
        f.call(emitSumPair(module, vectors), at.list, row, at.otherList, i32.add(row, rowBytes));
      };
      if (paired) f.loop(p.begin, pairsEnd, 2, pair);
      f.loop(pairsEnd, p.end, 1, (output) => {
        fill(output, at.list);
        const row = rowOf(output);
        for (const sumWindow of sumWindows) f.call(sumWindow, at.list, row);
      });
    });
    // a use of the loads, which else were left out as superfluous
    f.store(at.list, touched);
    f.loop(p.begin, p.end, 1, (output) =>
      emitTurned(f, shape, rowOf(output), i32.add(p.out, i32.mul(output, 4))),
    );
  });
  const size = `${groups.length} groups of ${groups[0]?.length ?? 0} vectors`;
  return {
    ...{ bytes: module.bytes(), units: empty ? 0 : outputs, scratchBytes: scratch.bytes, repeats: true },
    algorithm: `filter gradient routed, ${size}${paired ? ', two channels at once' : ''}`,
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
      forEachVector(f, channels, 1, (vector) => {
        const position = placeInRow(f, element, vector);
        const { at, constant, lanes } = vector;
        store(f.let(v128.loadLanes(f.let(i32.add(source, at)), lanes, constant)), position);
      });
      f.increase(source, 4 * channels);
      f.increase(element, 4 * channels);
    });
  });
}
