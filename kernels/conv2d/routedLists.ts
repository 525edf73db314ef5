/**
 * What flows back through a max pool, as lists: where the window of the convolution begins in the frame, and the value,
 * of every entry of a channel that is not 0. Also how the window is cut into vectors. See routed.ts.
 */
import { type FourAxes, fourAxes } from '../../src/core/shape.js';
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { KernelCall } from '../contract.js';
import type { Conv2dFilterGradientSpecification, Routed } from './contract.js';
import { Frame } from './frame.js';

/** Bytes in front of the entries of a list: where it ends. */
export const listHeader = 16;

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

/** Writes the table of offsets, once per call of the kernel. */
export function emitTable(f: FunctionBuilder, shape: Routing, list: I32): void {
  const [down, right] = shape.steps;
  const [height, width] = shape.route.window;
  for (let index = 0; index < height * width; index++) {
    const offset = Math.floor(index / width) * down + (index % width) * right;
    f.store(list, i32.const(offset), shape.tableOffset + 4 * index);
  }
}

/** The first element of a channel of dy of an image, in values and in indices. */
export function elementOf({ pooled, outputs }: Routing, image: I32, output: I32): I32 {
  return i32.add(i32.mul(image, pooled[0] * pooled[1] * outputs), output);
}

/** Columns of the pool's grid that are written out per turn of the loop. */
const columnsPerTurn = 4;

/** A function (values, indices, element, frame, list) that lists the entries of the channel that begins at an element. */
export function emitListing(module: ModuleBuilder, shape: Routing): FunctionHandle {
  const { outputs, pooled, route, indexBytes } = shape;
  const [down, right] = shape.steps;
  return module.once('list', ['values', 'indices', 'element', 'frame', 'list'], (f, p) => {
    f.increase(p.values, i32.mul(p.element, 4));
    f.increase(p.indices, i32.mul(p.element, indexBytes));
    const entry = f.let(i32.add(p.list, listHeader));
    const row = f.let(i32.sub(p.frame, route.padding.top * down + route.padding.left * right));
    const step = route.strides[1] * right;
    const columns = (pixel: Local<'i32'>, count: number) => {
      for (let column = 0; column < count; column++) {
        const at = column * outputs * indexBytes;
        const index = indexBytes === 1 ? i32.load8U(p.indices, at) : i32.load(p.indices, at);
        const place = i32.load(i32.add(p.list, i32.shl(index, 2)), shape.tableOffset);
        const bits = f.let(i32.load(p.values, 4 * column * outputs));
        f.store(entry, i32.add(i32.add(pixel, place), column * step));
        f.store(entry, bits, 4);
        // all bits but the sign: the next entry overwrites one of value 0
        f.increase(entry, i32.shl(i32.ne(i32.shl(bits, 1), 0), 3));
      }
      f.increase(p.values, 4 * count * outputs);
      f.increase(p.indices, count * indexBytes * outputs);
      f.increase(pixel, count * step);
    };
    f.loop(0, pooled[0], 1, () => {
      const pixel = f.let(row);
      const rest = pooled[1] % columnsPerTurn;
      f.loop(0, pooled[1] - rest, columnsPerTurn, () => columns(pixel, columnsPerTurn));
      if (rest > 0) columns(pixel, rest);
      f.increase(row, route.strides[0] * down);
    });
    f.store(p.list, entry);
  });
}

/** Takes an entry: the address of its window, and its value in all lanes. */
type VisitEntry = (window: Local<'i32'>, value: Local<'v128'>) => void;

/** A list at its first entry, its end, and what visits the next. */
export function openList(f: FunctionBuilder, list: Local<'i32'>, visit: VisitEntry) {
  const end = f.let(i32.load(list));
  const entry = f.let(i32.add(list, listHeader));
  const next = () => {
    visit(f.let(i32.load(entry)), f.let(v128.load32Splat(entry, 4)));
    f.increase(entry, 8);
  };
  return { entry, end, next };
}

/** Visits all entries of a list. */
export function eachEntry(f: FunctionBuilder, list: Local<'i32'>, visit: VisitEntry): void {
  const { entry, end, next } = openList(f, list, visit);
  f.while(i32.ltU(entry, end), next);
}
