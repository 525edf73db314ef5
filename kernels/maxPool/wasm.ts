import type { Dtype } from '../../src/core/dtype.js';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  type V128,
  v128,
} from '../../src/writers/assembler.js';
import { loadVector, storeVector } from '../../src/writers/simdMemory.js';
import type { KernelCall, Layout } from '../contract.js';
import { EpilogueEmitter } from '../shared/epilogue.js';
import { buildUnits, forEachVector, isEmpty } from '../shared/units.js';
import {
  forEachPixelVector,
  forEachWindowVector,
  geometryOf,
  type WindowGeometry,
} from '../shared/windows.js';
import type { WasmCode, WasmKernel, WasmOptions } from '../wasmKernel.js';
import type { MaxPoolRouteSpecification, MaxPoolSpecification } from './contract.js';

/** Rows of the outer two axes: of images in a gradient, of the grid of windows elsewhere. */
function rowsOf({ shape }: Layout): number {
  return isEmpty(shape) ? 0 : shape[0]! * shape[1]!;
}

/** Turns a byte offset for 4-byte elements into one of the indices, which may be bytes. */
function indexOffset(dtype: Dtype, base: I32, constant: number): [I32, number] {
  return dtype === 'uint8' ? [i32.shrU(base, i32.const(2)), constant / 4] : [base, constant];
}

/** A unit is a row of the grid of windows; values and indices are made in one pass over the window. */
export const maxPoolWasm: WasmKernel<MaxPoolSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const geometry = geometryOf(specification, inputs[0]!.shape, outputs[0]!.shape);
  const names = specification.outputs;
  const units = rowsOf(outputs[0]!);
  const bytes = buildUnits(options, ['x', ...names], units, (f, pointers) => {
    forEachWindowVector(f, geometry, pointers.unit!, ({ base, constant, lanes }, forEachTap) => {
      const best = f.let(f32x4.const(-Infinity));
      const where = f.let(i32x4.const(-1));
      forEachTap((tap) => {
        const value = f.let(v128.loadLanes(i32.add(pointers.x!, tap.base), lanes, tap.constant));
        const position = i32x4.splat(tap.position);
        // larger, or the first NaN, or the first pixel of all
        const beats = v128.andnot(f32x4.eq(best, best), f32x4.le(value, best));
        const first = i32x4.ltS(where, 0);
        const mask = f.let(v128.or(beats, first));
        f.set(best, v128.bitselect(value, best, mask));
        f.set(where, v128.bitselect(position, where, mask));
      });
      names.forEach((name, o) => {
        const { dtype } = outputs[o]!;
        const [offset, rest] = indexOffset(dtype, base, constant);
        storeVector(
          f,
          dtype,
          i32.add(pointers[name]!, offset),
          name === 'values' ? best : where,
          lanes,
          rest,
        );
      });
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `maxPool_${specification.window.join('x')}` };
};

/** A unit is a row of the grid of windows. */
export const maxPoolTakeWasm: WasmKernel<MaxPoolRouteSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const geometry = geometryOf(specification, inputs[0]!.shape, outputs[0]!.shape);
  const { dtype } = inputs[1]!;
  const units = rowsOf(outputs[0]!);
  const bytes = buildUnits(options, ['x', 'indices', 'y'], units, (f, { x, indices, y, unit }) => {
    forEachWindowVector(f, geometry, unit, ({ base, constant, lanes }, forEachTap) => {
      const [offset, rest] = indexOffset(dtype, base, constant);
      const wanted = f.let(loadVector(dtype, i32.add(indices, offset), 1, lanes, rest));
      const taken = f.let(f32x4.const(0));
      forEachTap((tap) => {
        const value = v128.loadLanes(i32.add(x, tap.base), lanes, tap.constant);
        f.set(taken, v128.bitselect(value, taken, i32x4.eq(wanted, i32x4.splat(tap.position))));
      });
      f.storeLanes(i32.add(y, base), taken, lanes, constant);
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `maxPoolTake_${specification.window.join('x')}` };
};

/** Windows this wide or wider, gaps included, are not written out column by column. */
const straightLineColumns = 8;

/** A unit is a row of an image: every pixel is written once, by what its windows send it. */
export const maxPoolGradientWasm: WasmKernel<MaxPoolRouteSpecification> = (call, options) => {
  const { window, strides } = call.specification;
  const disjoint = strides[0] >= window[0] && strides[1] >= window[1] && strides[1] <= straightLineColumns;
  return disjoint ? disjointGradient(call, options) : overlappingGradient(call, options);
};

type RouteCall = KernelCall<MaxPoolRouteSpecification>;

/** Pixels gather from all windows that cover them, in the windows' order. */
function overlappingGradient(call: RouteCall, options: WasmOptions): WasmCode {
  const { specification, inputs, outputs } = call;
  const geometry = geometryOf(specification, outputs[0]!.shape, inputs[0]!.shape);
  const epilogue = new EpilogueEmitter(specification.epilogue, call);
  const { dtype } = inputs[1]!;
  const units = rowsOf(outputs[0]!);
  const names = ['dy', 'indices', ...epilogue.names, 'dx'];
  const bytes = buildUnits(options, names, units, (f, p) => {
    const finish = epilogue.begin(
      f,
      epilogue.names.map((name) => p[name]!),
    );
    forEachPixelVector(f, geometry, p.unit!, ({ base, constant, channel, lanes }, forEachTap) => {
      const sum = f.let(f32x4.const(0));
      forEachTap((tap) => {
        const [offset, rest] = indexOffset(dtype, tap.base, tap.constant);
        const index = loadVector(dtype, i32.add(p.indices!, offset), 1, lanes, rest);
        const sent = v128.loadLanes(i32.add(p.dy!, tap.base), lanes, tap.constant);
        f.set(sum, f32x4.add(sum, v128.and(sent, i32x4.eq(index, i32x4.splat(tap.position)))));
      });
      const position = { element: { base, constant }, column: { base: channel.at, constant }, lanes };
      epilogue.store(f, p.dx!, finish(sum, position), position);
    });
  });
  return {
    bytes,
    units,
    scratchBytes: 0,
    algorithm: `maxPoolGradient_${specification.window.join('x')}_gather`,
  };
}

/** No pixel has more than one window: walk the windows of a row and write all their columns, gaps as zeros. */
function disjointGradient(call: RouteCall, options: WasmOptions): WasmCode {
  const { specification, inputs, outputs } = call;
  const geometry = geometryOf(specification, outputs[0]!.shape, inputs[0]!.shape);
  const { window, strides, padding, images, grid } = geometry;
  const [, height, , channels] = images;
  const epilogue = new EpilogueEmitter(specification.epilogue, call);
  const units = rowsOf(outputs[0]!);
  const names = ['dy', 'indices', ...epilogue.names, 'dx'];
  const bytes = buildUnits(options, names, units, (f, p) => {
    const finish = epilogue.begin(
      f,
      epilogue.names.map((name) => p[name]!),
    );
    const image = f.let(i32.divU(p.unit!, i32.const(height)));
    const padded = f.let(i32.add(i32.sub(p.unit!, i32.mul(image, height)), padding.top));
    const i = f.let(i32.divU(padded, i32.const(strides[0])));
    const a = f.let(i32.sub(padded, i32.mul(i, strides[0])));
    const imageRow = f.let(i32.mul(p.unit!, images[2] * channels * 4));
    const gridRow = f.let(i32.mul(i32.add(i32.mul(image, grid[0]), i), grid[1] * channels * 4));
    const covered = i32.and(i32.ltU(a, i32.const(window[0])), i32.ltU(i, i32.const(grid[0])));
    const write = (
      value: V128,
      base: I32,
      constant: number,
      channel: { at: I32; constant: number },
      lanes: number,
    ) => {
      const position = {
        element: { base, constant },
        column: { base: channel.at, constant: channel.constant },
        lanes,
      };
      epilogue.store(f, p.dx!, finish(value, position), position);
    };
    const zeros = (column: I32, count: number) => {
      const start = i32.add(imageRow, i32.mul(column, channels * 4));
      for (let b = 0; b < count; b++) {
        forEachVector(f, channels, 1, (channel) => {
          const { at, constant, lanes } = channel;
          write(f32x4.const(0), f.let(i32.add(start, at)), constant + 4 * b * channels, channel, lanes);
        });
      }
    };
    const firstPosition = f.let(i32x4.splat(i32.mul(a, window[1])));
    /** Writes columns `from` to `to` (exclusive) of window j and of the gap behind it. */
    const cell = (j: I32, from: number, to: number) => {
      const column = i32.sub(i32.mul(j, strides[1]), padding.left);
      const corner = f.let(i32.add(imageRow, i32.mul(column, channels * 4)));
      const source = f.let(i32.add(gridRow, i32.mul(j, channels * 4)));
      forEachVector(f, channels, 2, (channel) => {
        const { at, constant, lanes } = channel;
        const base = f.let(i32.add(source, at));
        const target = f.let(i32.add(corner, at));
        const { dtype } = inputs[1]!;
        const [offset, rest] = indexOffset(dtype, base, constant);
        const sent = f.let(v128.loadLanes(i32.add(p.dy!, base), lanes, constant));
        const index = loadVector(dtype, i32.add(p.indices!, offset), 1, lanes, rest);
        const inRow = f.let(i32x4.sub(index, firstPosition));
        for (let b = from; b < to; b++) {
          const value = b < window[1] ? v128.and(sent, i32x4.eq(inRow, b)) : f32x4.const(0);
          write(value, target, constant + 4 * b * channels, channel, lanes);
        }
      });
    };
    f.if(
      covered,
      () => walkColumns(f, geometry, cell, zeros),
      () => f.loop(0, images[2], 1, (column) => zeros(column, 1)),
    );
  });
  return {
    bytes,
    units,
    scratchBytes: 0,
    algorithm: `maxPoolGradient_${specification.window.join('x')}_disjoint`,
  };
}

/** Cuts the columns of an image into whole cells (a window and the gap behind it), parts of cells, and a bare rest. */
function walkColumns(
  f: FunctionBuilder,
  { strides: [, stride], padding: { left }, images: [, , width], grid: [, columns] }: WindowGeometry,
  cell: (j: I32, from: number, to: number) => void,
  zeros: (column: I32, count: number) => void,
): void {
  const begin = (j: number) => j * stride - left;
  const isWhole = (j: number) => begin(j) >= 0 && begin(j + 1) <= width;
  let j = 0;
  for (; j < columns && !isWhole(j); j++) {
    const [from, to] = [Math.max(0, -begin(j)), Math.min(stride, width - begin(j))];
    if (from < to) cell(i32.const(j), from, to);
  }
  const firstWhole = j;
  while (j < columns && isWhole(j)) j++;
  f.loop(firstWhole, j, 1, (index) => cell(index, 0, stride));
  for (; j < columns; j++) {
    const to = Math.min(stride, width - begin(j));
    if (to > 0) cell(i32.const(j), 0, to);
  }
  const rest = Math.max(0, begin(columns));
  if (rest < width) f.loop(rest, width, 1, (column) => zeros(column, 1));
}
