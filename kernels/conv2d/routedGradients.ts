/** The kernels around the lists of routed.ts: which image, which channel, where sums begin and end. */
import {
  type FunctionBuilder,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
  type V128,
  v128,
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
import { type Four, Frame } from './frame.js';
import {
  emitAddWindows,
  emitListing,
  emitSumWindows,
  emitTable,
  groupVectors,
  listBytes,
  type RoutedShape,
  windowVectors,
} from './routed.js';

function routedShape(
  call: KernelCall<Routed<Conv2dFilterGradientSpecification>>,
  valuesAt: number,
  filter: Four,
  frame: Frame,
): RoutedShape {
  const [, height, width, outputs] = call.inputs[valuesAt]!.shape as Four;
  return {
    outputs,
    pooled: [height, width],
    route: call.specification.route,
    indexBytes: call.inputs[valuesAt + 1]!.dtype === 'uint8' ? 1 : 4,
    window: [filter[0], filter[1]],
    channels: frame.channels,
    lineBytes: frame.lineBytes,
    strides: call.specification.strides,
  };
}

/** Addresses of the first element of channel `output` of an image's values and indices. */
function channelOf(
  f: FunctionBuilder,
  shape: RoutedShape,
  p: { values: I32; indices: I32 },
  { image, output }: { image: I32; output: I32 },
): { values: I32; indices: I32 } {
  const element = f.let(i32.add(i32.mul(image, shape.pooled[0] * shape.pooled[1] * shape.outputs), output));
  return {
    values: i32.add(p.values, i32.mul(element, 4)),
    indices: i32.add(p.indices, i32.mul(element, shape.indexBytes)),
  };
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
  const image = call.inputs[0]!.shape as Four;
  const filter = call.outputs[0]!.shape as Four;
  const frame = Frame.padded(image, call.specification.padding);
  const shape = routedShape(call, 1, filter, frame);
  const vectors = windowVectors(shape);
  const groups = groupVectors(vectors);
  const rowBytes = 16 * vectors.length;
  const { outputs } = shape;
  const scratch = new Scratch({ frame: frame.bytes, list: listBytes(shape), sums: outputs * rowBytes });
  const module = new ModuleBuilder(options);
  const empty = vectors.length === 0 || outputs === 0;
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
        const channel = channelOf(f, shape, p, { image: index, output });
        f.call(list, channel.values, channel.indices, base, at.list);
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
      for (const { lanes, packedOffset } of vectors) {
        for (let lane = 0; lane < lanes; lane++) {
          f.store(target, i32.load(row, packedOffset + 4 * lane));
          f.increase(target, 4 * outputs);
        }
      }
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
  const filter = call.inputs[2]!.shape as Four;
  const image = call.outputs[0]!.shape as Four;
  const frame = Frame.padded(image, call.specification.padding);
  const shape = routedShape(call, 0, filter, frame);
  const vectors = windowVectors(shape);
  const groups = groupVectors(vectors);
  const rowBytes = 16 * vectors.length;
  const { outputs } = shape;
  const scratch = new Scratch({
    frame: frame.frameBytes,
    list: listBytes(shape),
    filter: outputs * rowBytes,
  });
  const epilogue = new EpilogueEmitter(call.specification.epilogue, call);
  const module = new ModuleBuilder(options);
  const names = ['values', 'indices', 'filter', ...epilogue.names, 'out', 'scratch'] as const;
  const units = frame.imageBytes === 0 ? 0 : image[0];
  const list = emitListing(module, shape);
  const addWindows =
    vectors.length === 0 ? [] : groups.map((group) => emitAddWindows(module, group, options.wide));

  module.kernel(names, (f, p) => {
    if (units === 0) return;
    const at = scratch.open(f, p.scratch);
    emitPreparation(f, p.begin, () => {
      emitTable(f, shape, at.list);
      f.loop(0, outputs, 1, (output) => {
        const source = f.let(i32.add(p.filter, i32.mul(output, 4)));
        const target = f.let(i32.add(at.filter, i32.mul(output, rowBytes)));
        for (const { lanes, packedOffset } of vectors) {
          for (let lane = 0; lane < lanes; lane++) {
            f.store(target, i32.load(source), packedOffset + 4 * lane);
            f.increase(source, 4 * outputs);
          }
        }
      });
    });
    const finish = epilogue.begin(f, p);
    f.loop(p.begin, p.end, 1, (index) => {
      f.fill(at.frame, 0, frame.frameBytes);
      f.loop(0, outputs, 1, (output) => {
        const channel = channelOf(f, shape, p, { image: index, output });
        f.call(list, channel.values, channel.indices, at.frame, at.list);
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
