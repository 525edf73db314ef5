/**
 * The gradient of a filter of few taps whose dy is routed through a pool of 2x2 windows, as a first convolution on gray
 * images has: four channels at a time, window by window of the pool. Each of the four takes its pixel for a tap from its own
 * place in that window. A vector holds the pixels of the four places, and one rearrangement of its bytes gives every channel
 * its own:
 *
 *     dw[t, o … o+3] += value[window, o … o+3] · pixels[window, t][index[window, o … o+3]]
 *
 * Windows whose pixels are all 0 are left out. The lists of routed.ts leave out values of 0 instead; here a value of 0 takes a
 * pixel of 0, whatever the image holds. The bits are the same: only an image's sum of 0 may have another sign, and it is
 * added to a total, which is never −0.
 */
import { fourAxes } from '../../src/core/shape.js';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  ModuleBuilder,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { pickBytes } from '../../src/writers/wasm/simdMath.js';
import type { KernelCall } from '../contract.js';
import { fourLanes, type WasmCode, type WasmOptions } from '../toolkit/wasm/kernel.js';
import { Scratch } from '../toolkit/wasm/units.js';
import type { Conv2dFilterGradientSpecification, Routed } from './contract.js';
import { Frame } from './frame.js';
import {
  eachEntry,
  isNotFinite,
  listsBytes,
  listWindows,
  type PoolWindows,
  stepsOf,
} from './pooledWindows.js';

type Call = KernelCall<Routed<Conv2dFilterGradientSpecification>>;

/** Channels of dy in a vector, and places in a window of the pool. */
const together = 4;
const vectorBytes = 16;

/** Sums of four channels that stay in registers, beside a value, its places and the pixels of a tap. */
const mostTaps = 11;

/** Taps between two fences. */
const fencedTaps = 2;

function sizesOf({ specification, inputs, outputs: [out] }: Call) {
  const image = fourAxes(inputs[0]!.shape);
  const [, height, width, outputs] = fourAxes(inputs[1]!.shape);
  const [rows, columns] = fourAxes(out!.shape);
  const { route, strides, padding } = specification;
  const windows: PoolWindows = {
    ...{ frame: Frame.padded(image, padding), window: [rows, columns], strides },
    ...{ pooled: [height, width], poolStrides: route.strides, outputs },
  };
  return { windows, taps: rows * columns, images: image[0] };
}

/** Tells whether a gradient is one of these. */
export function hasFewTaps(call: Call): boolean {
  const { windows, taps } = sizesOf(call);
  const { frame, window, strides, pooled, poolStrides, outputs } = windows;
  const { route } = call.specification;
  const fits = taps > 0 && taps <= mostTaps && outputs % together === 0;
  const inPairs = route.window.every((size) => size === 2) && stepsOf(windows)[1] === 4;
  // a place outside the frame has no pixel to load, though no index names it
  const reach = (axis: 0 | 1) => strides[axis] * (poolStrides[axis] * (pooled[axis] - 1) + 1) + window[axis];
  const inside = reach(0) <= frame.size[0] && reach(1) <= frame.size[1];
  const unpadded = route.padding.top === 0 && route.padding.left === 0;
  return fits && inPairs && inside && unpadded && call.inputs[2]!.dtype === 'uint8';
}

/** A unit is four channels of dy: it sums their part of the gradient over all images. */
export function windowsFilterGradientWasm(call: Call, options: WasmOptions): WasmCode {
  const { windows, taps, images } = sizesOf(call);
  const { frame, pooled, outputs } = windows;
  const count = pooled[0] * pooled[1];
  const scratch = new Scratch({
    ...{ frame: frame.bytes, lists: listsBytes(windows) },
    ...{ pixels: count * taps * vectorBytes, table: tableBytes },
  });
  const module = new ModuleBuilder(fourLanes(options));
  const units = outputs / together;
  module.kernel(['x', 'values', 'indices', 'out', 'scratch'], (f, p) => {
    if (units === 0) return;
    const at = scratch.open(f, p.scratch);
    frame.clear(f, at.frame);
    writeTable(f, at.table);
    f.loop(p.begin, p.end, 1, (unit) => {
      const out = f.let(i32.add(p.out, i32.mul(unit, vectorBytes)));
      for (let tap = 0; tap < taps; tap++) f.store(out, f32x4.const(0), 4 * tap * outputs);
    });
    f.loop(0, images, 1, (image) => {
      const none = i32.const(0);
      f.call(listWindows(module, windows, false), frame.open(f, p.x, image, at.frame), at.lists, none, none);
      f.call(emitGather(module, windows), at.lists, at.pixels);
      const first = f.let(i32.mul(image, count * outputs));
      f.loop(p.begin, p.end, 1, (unit) => {
        const element = f.let(i32.add(first, i32.mul(unit, together)));
        const values = i32.add(p.values, i32.mul(element, 4));
        const indices = i32.add(p.indices, element);
        const out = i32.add(p.out, i32.mul(unit, vectorBytes));
        f.call(emitSum(module, windows), values, indices, at.pixels, at.lists, at.table, out);
      });
    });
  });
  return {
    ...{ bytes: module.bytes(), units, scratchBytes: scratch.bytes, repeats: true },
    algorithm: `filter gradient routed, ${taps} taps, four channels at once`,
  };
}

/** A function (lists, pixels) that lays the pixels of the four places side by side, tap by tap, for windows that are not 0. */
function emitGather(module: ModuleBuilder, windows: PoolWindows) {
  const { frame, window } = windows;
  const taps = window[0] * window[1];
  const [down] = stepsOf(windows);
  return module.once('gather', ['lists', 'pixels'], (f, p) => {
    eachEntry(f, windows, { lists: p.lists, name: 'some' }, (_, windowAt) => {
      const pair = pairsAt(f, windowAt());
      for (let tap = 0; tap < taps; tap++) {
        const offset = Math.floor(tap / window[1]) * frame.lineBytes + 4 * (tap % window[1]);
        const places = i32x4.shuffle(pair(offset), pair(offset + down), [0, 1, 4, 5]);
        f.store(p.pixels, places, tap * vectorBytes);
      }
      f.increase(p.pixels, taps * vectorBytes);
    });
  });
}

/** Gives two pixels side by side, each pair loaded once. */
function pairsAt(f: FunctionBuilder, window: I32): (offset: number) => V128 {
  const known = new Map<number, V128>();
  return (offset) => {
    const pair = known.get(offset) ?? f.let(v128.loadLanes(window, 2, offset));
    known.set(offset, pair);
    return pair;
  };
}

/** Of four indices of two bits: sixteen bytes, those that make up the pixel of each channel. */
const tableBytes = 4 ** together * vectorBytes;

function writeTable(f: FunctionBuilder, table: I32): void {
  f.loop(0, 4 ** together, 1, (entry) => {
    for (let channel = 0; channel < together; channel++) {
      const index = i32.and(i32.shrU(entry, 2 * channel), 3);
      const bytes = i32.add(i32.mul(index, 0x04040404), 0x03020100);
      f.store(i32.add(table, i32.mul(entry, vectorBytes)), bytes, 4 * channel);
    }
  });
}

/** Where the table has the places of four indices, a byte each: the factor brings their bits together in the highest byte. */
function placesOf(indices: I32): I32 {
  const bits = i32.mul(i32.load(indices), 0x01041040);
  return i32.and(i32.shrU(bits, 20), 255 * vectorBytes);
}

/** A function (values, indices, pixels, lists, table, out) that adds an image's sums of four channels to those in the output. */
function emitSum(module: ModuleBuilder, windows: PoolWindows) {
  const { outputs, window } = windows;
  const taps = window[0] * window[1];
  const names = ['values', 'indices', 'pixels', 'lists', 'table', 'out'] as const;
  return module.once('sum', names, (f, p) => {
    const sums = Array.from({ length: taps }, () => f.let(f32x4.const(0)));
    const places = f.local('v128');
    const value = f.local('v128');
    eachEntry(f, windows, { lists: p.lists, name: 'some' }, (element) => {
      f.set(value, v128.load(i32.add(p.values, i32.shl(element, 2))));
      // behind the table's places, 255 is none, and gives +0
      const four = v128.load(i32.add(p.table, placesOf(i32.add(p.indices, element))));
      f.set(places, v128.or(four, f32x4.eq(value, 0)));
      for (const [tap, sum] of sums.entries()) {
        const pixels = v128.load(p.pixels, tap * vectorBytes);
        f.set(sum, f.multiplyAdd(value, pickBytes(f, pixels, places), sum));
        if ((tap + 1) % fencedTaps === 0) f.fence(p.pixels);
      }
      f.increase(p.pixels, taps * vectorBytes);
    });
    // pixels of 0 add nothing but what is no number: 0 · value is not 0 then
    const notFinite = f.let(i32x4.const(0));
    eachEntry(f, windows, { lists: p.lists, name: 'others' }, (element) => {
      const other = v128.load(i32.add(p.values, i32.shl(element, 2)));
      f.set(notFinite, v128.or(notFinite, isNotFinite(other)));
    });
    const infinite = f.let(v128.and(notFinite, f32x4.const(Number.POSITIVE_INFINITY)));
    for (const [tap, sum] of sums.entries()) {
      const at = 4 * tap * outputs;
      f.store(p.out, f32x4.add(v128.load(p.out, at), f.multiplyAdd(infinite, 0, sum)), at);
    }
  });
}
