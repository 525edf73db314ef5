/** The kernels around the lists of routed.ts: which image, which channel, where sums begin and end. */
import {
  type FunctionBuilder,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { KernelCall } from '../contract.js';
import { EpilogueEmitter, type FinishVector } from '../toolkit/wasm/epilogue.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { emitPreparation } from '../toolkit/wasm/units.js';
import type {
  Conv2dFilterGradientSpecification,
  Conv2dGeometry,
  Conv2dInputGradientSpecification,
  Routed,
} from './contract.js';
import { emitClearFrame, emitFillFrame, type Frame, frameBytes, isPlain } from './image.js';
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

type Four = readonly [number, number, number, number];

function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** The frame of an image `[…, height, width, channels]` with the convolution's padding around it. */
function frameOf([, height, width, channels]: Four, { padding }: Conv2dGeometry): Frame {
  return {
    height,
    width,
    channels,
    frameHeight: height + padding.top + padding.bottom,
    frameWidth: width + padding.left + padding.right,
    top: padding.top,
    left: padding.left,
    steps: [1, 1],
  };
}

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
    frameWidth: frame.frameWidth,
    strides: call.specification.strides,
  };
}

/** Addresses of the first element of channel `output` of an image's values and indices. */
function channelOf(
  f: FunctionBuilder,
  shape: RoutedShape,
  p: { values: I32; indices: I32 },
  image: I32,
  output: I32,
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
  const frame = frameOf(image, call.specification);
  const shape = routedShape(call, 1, filter, frame);
  const vectors = windowVectors(shape);
  const groups = groupVectors(vectors);
  const rowBytes = 16 * vectors.length;
  const sumsAt = frameBytes(frame) + listBytes(shape);
  const { outputs } = shape;
  const pixels = frame.height * frame.width * frame.channels;
  const module = new ModuleBuilder(options);
  const empty = vectors.length === 0 || outputs === 0;
  const list = empty ? undefined : emitListing(module, shape);
  const sumWindows = empty ? [] : groups.map((group) => emitSumWindows(module, group));

  module.kernel(['x', 'values', 'indices', 'out', 'scratch'], (f, p) => {
    if (list === undefined) return;
    const listAt = f.let(i32.add(p.scratch, frameBytes(frame)));
    const sums = f.let(i32.add(p.scratch, sumsAt));
    emitTable(f, shape, listAt);
    emitClearFrame(f, frame, p.scratch);
    f.fill(i32.add(sums, i32.mul(p.begin, rowBytes)), 0, i32.mul(i32.sub(p.end, p.begin), rowBytes));
    const touched = f.let(i32.const(0));
    f.loop(0, image[0], 1, (index) => {
      const source = f.let(i32.add(p.x, i32.mul(index, 4 * pixels)));
      if (!isPlain(frame)) emitFillFrame(f, frame, source, p.scratch);
      else emitTouch(f, source, 4 * pixels, touched);
      const base = isPlain(frame) ? source : p.scratch;
      f.loop(p.begin, p.end, 1, (output) => {
        const channel = channelOf(f, shape, p, index, output);
        f.call(list, channel.values, channel.indices, base, listAt);
        const row = f.let(i32.add(sums, i32.mul(output, rowBytes)));
        for (const sumWindow of sumWindows) f.call(sumWindow, listAt, row);
      });
    });
    // so that nobody thinks the loads superfluous
    f.store(listAt, touched);
    // the rows are the filter with its last axis first
    f.loop(p.begin, p.end, 1, (output) => {
      const row = f.let(i32.add(sums, i32.mul(output, rowBytes)));
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
    scratchBytes: align(sumsAt + outputs * rowBytes),
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
  const frame = frameOf(image, call.specification);
  const shape = routedShape(call, 0, filter, frame);
  const vectors = windowVectors(shape);
  const groups = groupVectors(vectors);
  const rowBytes = 16 * vectors.length;
  const bytes = align(4 * frame.frameHeight * frame.frameWidth * frame.channels);
  const filterAt = bytes + listBytes(shape);
  const { outputs } = shape;
  const epilogue = new EpilogueEmitter(call.specification.epilogue, call);
  const module = new ModuleBuilder(options);
  const names = ['values', 'indices', 'filter', ...epilogue.names, 'out', 'scratch'];
  const units = frame.height * frame.width * frame.channels === 0 ? 0 : image[0];
  const list = emitListing(module, shape);
  const addWindows =
    vectors.length === 0 ? [] : groups.map((group) => emitAddWindows(module, group, options.wide));

  module.kernel(names, (f, parameters) => {
    const p = parameters as Record<string, Local<'i32'>> & typeof parameters;
    if (units === 0) return;
    const scratch = p.scratch!;
    const listAt = f.let(i32.add(scratch, bytes));
    const packed = f.let(i32.add(scratch, filterAt));
    emitPreparation(f, p.begin!, () => {
      emitTable(f, shape, listAt);
      f.loop(0, outputs, 1, (output) => {
        const source = f.let(i32.add(p.filter!, i32.mul(output, 4)));
        const target = f.let(i32.add(packed, i32.mul(output, rowBytes)));
        for (const { lanes, packedOffset } of vectors) {
          for (let lane = 0; lane < lanes; lane++) {
            f.store(target, i32.load(source), packedOffset + 4 * lane);
            f.increase(source, 4 * outputs);
          }
        }
      });
    });
    const finish = epilogue.begin(
      f,
      epilogue.names.map((name) => p[name]!),
    );
    f.loop(p.begin!, p.end!, 1, (index) => {
      f.fill(scratch, 0, bytes);
      f.loop(0, outputs, 1, (output) => {
        const channel = channelOf(f, shape, { values: p.values!, indices: p.indices! }, index, output);
        f.call(list, channel.values, channel.indices, scratch, listAt);
        const row = f.let(i32.add(packed, i32.mul(output, rowBytes)));
        for (const addWindow of addWindows) f.call(addWindow, listAt, row);
      });
      emitStoreImage(f, frame, epilogue, finish, { frame: scratch, out: p.out!, image: index });
    });
  });
  return {
    bytes: module.bytes(),
    units,
    scratchBytes: align(filterAt + outputs * rowBytes),
    prepares: units > 0,
    algorithm: `input gradient routed, ${groups.length} groups of ${groups[0]?.length ?? 0} vectors`,
  };
}

/** Passes the pixels inside the frame through the epilogue and stores them. */
function emitStoreImage(
  f: FunctionBuilder,
  { height, width, channels, frameWidth, top, left }: Frame,
  epilogue: EpilogueEmitter,
  finish: FinishVector,
  at: { frame: I32; out: I32; image: I32 },
): void {
  const store = (source: I32, element: I32, column: I32, lanes: number) => {
    const position = {
      element: { base: element, constant: 0 },
      column: { base: column, constant: 0 },
      lanes,
    };
    epilogue.store(f, at.out, finish(f.let(v128.loadLanes(source, lanes)), position), position);
  };
  const whole = channels - (channels % 4);
  f.loop(0, height, 1, (row) => {
    const line = i32.mul(i32.add(i32.mul(i32.add(row, top), frameWidth), left), 4 * channels);
    const source = f.let(i32.add(at.frame, line));
    const first = i32.mul(i32.add(i32.mul(at.image, height), row), 4 * width * channels);
    const element = f.let(first);
    f.loop(0, width, 1, () => {
      f.loop(0, 4 * whole, 16, (column) => {
        const byte = f.let(column);
        store(f.let(i32.add(source, byte)), f.let(i32.add(element, byte)), byte, 4);
      });
      if (channels > whole) {
        const byte = i32.const(4 * whole);
        store(f.let(i32.add(source, byte)), f.let(i32.add(element, byte)), byte, channels - whole);
      }
      f.increase(source, 4 * channels);
      f.increase(element, 4 * channels);
    });
  });
}
