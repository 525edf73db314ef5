/**
 * What flows back through a max pool, as lists: where the window of the convolution begins in the frame, and the value,
 * of every entry of a channel that is not 0. Four channels are listed together, four windows of the pool at a time: turned,
 * they are four vectors, of which those lanes are stored that are not 0. Also how the window of the convolution is cut into
 * vectors. See routed.ts.
 */

import { bytesOf } from '../../src/core/dtype.js';
import { type FourAxes, fourAxes } from '../../src/core/shape.js';
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { pickBytes } from '../../src/writers/wasm/simdMath.js';
import { loadVector } from '../../src/writers/wasm/simdMemory.js';
import type { KernelCall } from '../contract.js';
import { transpose } from '../toolkit/wasm/packing.js';
import { countIn, entryAt, tableBytes, writeTable } from '../toolkit/wasm/terms.js';
import { wholeLines } from '../toolkit/wasm/units.js';
import type { Conv2dFilterGradientSpecification, Routed } from './contract.js';
import { Frame } from './frame.js';

/** Channels that are listed together. */
export const listedTogether = 4;

/** Bytes in front of the entries of a list: where its places end. */
const listHeader = 16;

/** A vector of the window: its lanes, and where it begins in the frame and in a packed row of the filter. In bytes. */
export interface WindowVector {
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
export const loadsTogether = 2;

/**
 * Windows overlap, so which vectors are worked on together decides the order of sums: they are cut alike for all widths,
 * and neighbors are joined where vectors are wider.
 */
export const fixedLanes = 4;

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
export const packedLanes = ({ lanes }: WindowVector) => fixedLanes * Math.ceil(lanes / fixedLanes);

/** Sizes that both gradients share. Values and indices are the inputs at `at` and behind it. */
export function routing(
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
  // places, then values; of the last four windows more is stored than counts
  const valuesOffset = 4 * (height * width + 4);
  return {
    ...{ frame, outputs, route, vectors, valuesOffset },
    /** Height and width of the pool's grid. */
    pooled: [height, width] as const,
    /** The vectors as they are worked on together. */
    groups: Array.from({ length: count }, (_, group) =>
      joined(vectors.slice(group * size, (group + 1) * size), lanes),
    ),
    /** Bytes of the filter of a channel of dy, packed in vectors. */
    rowBytes: 4 * fixedLanes * vectors.length,
    indexBytes: inputs[at + 1]!.dtype === 'uint8' ? 1 : 4,
    listBytes: wholeLines(listHeader + 2 * valuesOffset),
    /** Bytes of what `emitTables` writes: the windows of the pool come in fours. */
    tablesBytes: tableBytes + 16 * Math.ceil((height * width) / 4),
    /** Bytes from a pixel of dy to the next, down and to the right, measured between their windows in the frame. */
    steps: [strides[0] * frame.lineBytes, 4 * strides[1] * frame.channels] as const,
  };
}
export type Routing = ReturnType<typeof routing>;

/** Visits the elements of a packed row; `pointer` goes along the filter, whose last axis is that of the rows. */
export function eachTap(
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

/** Writes the tables that listing takes: which lanes are stored, and where the windows of the pool begin in a frame. */
export function emitTables(f: FunctionBuilder, { pooled, route, steps }: Routing, tables: I32): void {
  writeTable(f, tables, (lane) => 0x03020100 + lane * 0x04040404);
  const [down, right] = steps;
  const next = f.let(i32.add(tables, tableBytes));
  f.loop(0, pooled[0], 1, (row) => {
    const line = i32.mul(row, route.strides[0] * down);
    const at = f.let(i32.sub(line, i32.const(route.padding.top * down + route.padding.left * right)));
    f.loop(0, pooled[1], 1, () => {
      f.store(next, at);
      f.increase(next, 4);
      f.increase(at, route.strides[1] * right);
    });
  });
}

/** The first element of a channel of dy of an image, in values and in indices. */
export function elementOf({ pooled, outputs }: Routing, image: I32, output: I32): I32 {
  return i32.add(i32.mul(image, pooled[0] * pooled[1] * outputs), output);
}

/** How far the pixels that indices name are from the first of their window of the pool, in bytes of the frame. */
function offsetsOf({ route, steps: [down, right] }: Routing, indices: V128): V128 {
  const width = route.window[1];
  const bits = Math.log2(width);
  // quotients of such small numbers are exact or far enough from the next
  const rows = Number.isInteger(bits)
    ? i32x4.shrU(indices, bits)
    : i32x4.truncSatF32x4S(f32x4.div(f32x4.convertI32x4S(indices), width));
  return i32x4.add(i32x4.mul(indices, right), i32x4.mul(rows, down - width * right));
}

/**
 * A function (values, indices, element, frame, lists, tables) that lists the entries of so many channels side by side, the
 * first of which begins at an element.
 */
export function emitListing(module: ModuleBuilder, shape: Routing, channels: number): FunctionHandle {
  const { outputs, pooled, indexBytes, listBytes, valuesOffset } = shape;
  const windows = pooled[0] * pooled[1];
  const names = ['values', 'indices', 'element', 'frame', 'lists', 'tables'] as const;
  const write = (f: FunctionBuilder, p: Readonly<Record<(typeof names)[number], Local<'i32'>>>) => {
    f.increase(p.values, i32.mul(p.element, 4));
    f.increase(p.indices, i32.mul(p.element, indexBytes));
    const begin = f.let(i32.add(p.tables, tableBytes));
    const frame = f.let(i32x4.splat(p.frame));
    const ends = Array.from({ length: channels }, (_, c) =>
      f.let(i32.add(p.lists, c * listBytes + listHeader)),
    );
    /** Some elements of each of up to four windows, turned: of each channel those of four windows. */
    const turned = (dtype: 'float32' | 'int32' | 'uint8', pointer: I32, count: number) => {
      const rows = [0, 1, 2, 3].map((window) => {
        if (window >= count) return i32x4.const(0);
        const offset = window * outputs * bytesOf[dtype];
        return f.let(loadVector(dtype, pointer, { lanes: channels, offset }));
      });
      return transpose(f, rows as [V128, V128, V128, V128]);
    };
    const list = (count: number) => {
      const values = turned('float32', p.values, count);
      const indices = turned(indexBytes === 1 ? 'uint8' : 'int32', p.indices, count);
      const first = f.let(i32x4.add(v128.load(begin), frame));
      for (const [c, end] of ends.entries()) {
        const value = f.let(values[c]!);
        const places = f.let(i32x4.add(first, offsetsOf(shape, indices[c]!)));
        const entry = entryAt(f, p.tables, f32x4.eq(value, 0));
        const picked = f.let(v128.load(entry));
        f.store(end, pickBytes(f, places, picked));
        f.store(end, pickBytes(f, value, picked), valuesOffset);
        f.increase(end, countIn(entry));
      }
      f.increase(p.values, 16 * outputs);
      f.increase(p.indices, 4 * indexBytes * outputs);
      f.increase(begin, 16);
    };
    const rest = windows % 4;
    f.loop(0, windows - rest, 4, () => list(4));
    if (rest > 0) list(rest);
    for (const [c, end] of ends.entries()) f.store(p.lists, end, c * listBytes);
  };
  return module.once(`list_${channels}`, names, write, 4);
}

/** Visits all entries of a list: with the address of each one's window, and its value in all lanes. */
export function eachEntry(
  f: FunctionBuilder,
  { valuesOffset }: Routing,
  list: Local<'i32'>,
  visit: (window: Local<'i32'>, value: Local<'v128'>) => void,
): void {
  const end = f.let(i32.load(list));
  const entry = f.let(i32.add(list, listHeader));
  f.while(i32.ltU(entry, end), () => {
    visit(f.let(i32.load(entry)), f.let(v128.load32Splat(entry, valuesOffset)));
    f.increase(entry, 4);
  });
}
