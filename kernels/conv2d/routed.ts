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
  eitherOf,
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
  emitTables,
  listedTogether,
  loadsTogether,
  packedLanes,
  type Routing,
  routing,
  type WindowVector,
} from './routedLists.js';

/** A function (list, sums): adds Σ value · frame[window] over the list to the group's vectors at `sums`. */
function emitSumWindows(
  module: ModuleBuilder,
  shape: Routing,
  group: readonly WindowVector[],
): FunctionHandle {
  return module.once(`sum_${group[0]!.packedOffset}`, ['list', 'sums'], (f, p) => {
    const sums = group.map(() => f.local('v128'));
    eachEntry(f, shape, p.list, (window, value) => {
      // fences lead out of the loop: from a block in it, V8 would move the first sums to where all ways meet, and spill
      for (const [index, { lanes, frameOffset }] of group.entries()) {
        const pixels = v128.loadLanes(window, lanes, frameOffset);
        f.set(sums[index]!, f.multiplyAdd(value, pixels, sums[index]!));
        if ((index + 1) % loadsTogether === 0) f.fence(window);
      }
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

/**
 * A function (list, filter): adds value · filter to every window of the list, for the group's vectors.
 *
 * @param wide V8 joins vectors (WasmOptions): a pair is loaded before it is stored
 */
function emitAddWindows(
  module: ModuleBuilder,
  shape: Routing,
  group: readonly WindowVector[],
  wide = false,
): FunctionHandle {
  const together = wide ? 2 : 1;
  return module.once(`add_${group[0]!.packedOffset}`, ['list', 'filter'], (f, p) => {
    const filter = group.map((vector) =>
      f.let(v128.loadLanes(p.filter, packedLanes(vector), vector.packedOffset)),
    );
    eachEntry(f, shape, p.list, (window, value) => {
      for (let first = 0; first < group.length; first += together) {
        const vectors = group.slice(first, first + together);
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
}

/** Stores a row of sums in a filter, whose last axis is that of the rows. */
function emitTurned(f: FunctionBuilder, shape: Routing, row: I32, out: I32): void {
  const target = f.let(out);
  eachTap(f, shape, target, (offset) => f.store(target, i32.load(row, offset)));
}

/** Lists the entries of a group of channels of an image, and visits each channel with its list. */
function eachChannel(
  f: FunctionBuilder,
  module: ModuleBuilder,
  at: { readonly shape: Routing; readonly group: I32; readonly image: I32; readonly frame: I32 } & Readonly<
    Record<'values' | 'indices' | 'lists' | 'tables', I32>
  >,
  visit: (output: I32, list: I32) => void,
): void {
  const { shape } = at;
  const { outputs, listBytes } = shape;
  const rest = outputs % listedTogether;
  const total = Math.ceil(outputs / listedTogether);
  const first = f.let(i32.mul(at.group, listedTogether));
  eitherOf(f, { index: at.group, count: (outputs - rest) / listedTogether, total }, (isWhole) => {
    const channels = isWhole ? listedTogether : rest;
    const element = elementOf(shape, at.image, first);
    const list = emitListing(module, shape, channels);
    f.call(list, at.values, at.indices, element, at.frame, at.lists, at.tables);
    f.loop(0, channels, 1, (channel) =>
      visit(f.let(i32.add(first, channel)), f.let(i32.add(at.lists, i32.mul(channel, listBytes)))),
    );
  });
}

/** A unit is a group of channels of dy: it sums their rows of the turned filter gradient over all images, then stores them. */
export function routedFilterGradientWasm(
  call: KernelCall<Routed<Conv2dFilterGradientSpecification>>,
  options: WasmOptions,
): WasmCode {
  const image = fourAxes(call.inputs[0]!.shape);
  const filter = fourAxes(call.outputs[0]!.shape);
  const shape = routing(call, 1, { image, filter, lanes: vectorLanes(options) });
  const { frame, outputs, groups, rowBytes, listBytes, tablesBytes } = shape;
  const scratch = new Scratch({
    ...{ frame: frame.bytes, lists: listedTogether * listBytes },
    ...{ tables: tablesBytes, sums: outputs * rowBytes },
  });
  const module = new ModuleBuilder(options);
  const units = groups.length === 0 ? 0 : Math.ceil(outputs / listedTogether);

  module.kernel(['x', 'values', 'indices', 'out', 'scratch'], (f, p) => {
    if (units === 0) return;
    const at = scratch.open(f, p.scratch);
    emitTables(f, shape, at.tables);
    frame.clear(f, at.frame);
    const first = f.let(i32.mul(p.begin, listedTogether));
    const end = f.let(minimum(f.let(i32.mul(p.end, listedTogether)), i32.const(outputs)));
    const rowOf = (output: I32) => f.let(i32.add(at.sums, i32.mul(output, rowBytes)));
    f.fill(rowOf(first), 0, i32.mul(i32.sub(end, first), rowBytes));
    const touched = f.let(i32.const(0));
    f.loop(0, image[0], 1, (index) => {
      const base = frame.open(f, p.x, index, at.frame);
      if (frame.plain) emitTouch(f, base, frame.imageBytes, touched);
      const { values, indices } = p;
      f.loop(p.begin, p.end, 1, (group) => {
        const place = { ...at, shape, group, image: index, frame: base, values, indices };
        eachChannel(f, module, place, (output, list) => {
          const row = rowOf(output);
          for (const group of groups) f.call(emitSumWindows(module, shape, group), list, row);
        });
      });
    });
    // a use of the loads, which else were left out as superfluous
    f.store(at.lists, touched);
    f.loop(first, end, 1, (output) =>
      emitTurned(f, shape, rowOf(output), i32.add(p.out, i32.mul(output, 4))),
    );
  });
  return {
    ...{ bytes: module.bytes(), units, scratchBytes: scratch.bytes, repeats: true },
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
  const { frame, outputs, groups, rowBytes, listBytes, tablesBytes } = shape;
  const scratch = new Scratch({
    ...{ frame: frame.frameBytes, lists: listedTogether * listBytes },
    ...{ tables: tablesBytes, filter: outputs * rowBytes },
  });
  const epilogue = new EpilogueEmitter(call.specification.epilogue, call);
  const module = new ModuleBuilder(options);
  const names = ['values', 'indices', 'filter', ...epilogue.names, 'out', 'scratch'] as const;
  const units = frame.imageBytes === 0 ? 0 : image[0];
  const addWindows = groups.map((group) => emitAddWindows(module, shape, group, options.wide));

  module.kernel(names, (f, p) => {
    if (units === 0) return;
    const at = scratch.open(f, p.scratch);
    emitPreparation(f, p.begin, () => {
      emitTables(f, shape, at.tables);
      f.loop(0, outputs, 1, (output) => {
        const source = f.let(i32.add(p.filter, i32.mul(output, 4)));
        const target = f.let(i32.add(at.filter, i32.mul(output, rowBytes)));
        eachTap(f, shape, source, (offset) => f.store(target, i32.load(source), offset));
      });
    });
    const finish = epilogue.begin(f, p);
    f.loop(p.begin, p.end, 1, (index) => {
      f.fill(at.frame, 0, frame.frameBytes);
      const { values, indices } = p;
      f.loop(0, Math.ceil(outputs / listedTogether), 1, (group) => {
        const place = { ...at, shape, group, image: index, values, indices };
        eachChannel(f, module, place, (output, list) => {
          const row = f.let(i32.add(at.filter, i32.mul(output, rowBytes)));
          for (const addWindow of addWindows) f.call(addWindow, list, row);
        });
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
