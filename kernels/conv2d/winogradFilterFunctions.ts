/** The functions of a filter gradient by Winograd: transform of dy, products, and the way of the sums to dw. */
import {
  type FunctionHandle,
  f32x4,
  i32,
  type ModuleBuilder,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { cutRows, emitGemmTile, tallestTile } from '../toolkit/wasm/gemm.js';
import type { WasmOptions } from '../toolkit/wasm/kernel.js';
import type { FilterGradientLayout } from './winogradFilterLayout.js';
import { transformGradient, transformSums } from './winogradFilterTransforms.js';
import { resultSide } from './winogradTransforms.js';

/**
 * A function (source, target, first) that transforms a row of tiles of dy for one panel, to [16][tiles][width] from tile
 * `first`. Of the pixels it has `rows` rows, 1 in the last row of tiles of an odd height.
 */
export function emitTransformGradient(
  module: ModuleBuilder,
  { grid, outputs, gradientStep }: FilterGradientLayout,
  columns: number,
  width: 4 | 8,
  rows: number,
): FunctionHandle {
  const parameters = { source: 'i32', target: 'i32', first: 'i32' } as const;
  return module.function(`transformGradient_${rows}x${columns}`, parameters, (f, p) => {
    f.increase(p.target, i32.mul(p.first, 4 * width));
    const tile = (tileColumns: number) => {
      for (let v = 0; 4 * v < width; v++) {
        const lanes = Math.min(4, columns - 4 * v);
        transformGradient(
          f,
          (row, column) =>
            row < rows && column < tileColumns
              ? v128.loadLanes(p.source, lanes, 4 * outputs * (row * grid[1] + column) + 16 * v)
              : f32x4.const(0),
          (number, value) => f.store(p.target, value, number * gradientStep + 16 * v),
        );
      }
    };
    const whole = Math.floor(grid[1] / resultSide);
    f.loop(0, whole, 1, () => {
      tile(2);
      f.increase(p.source, 4 * resultSide * outputs);
      f.increase(p.target, 4 * width);
    });
    if (grid[1] > whole * resultSide) tile(1);
  });
}

/** A function (image, gradient, sums) that adds a block of `depth` tiles to the sums of a panel, for one of the 16 numbers. */
export function emitMultiplyBlock(
  module: ModuleBuilder,
  { channels }: FilterGradientLayout,
  width: 4 | 8,
  depth: number,
  options: WasmOptions,
): FunctionHandle {
  const { wide = false } = options;
  const cut = cutRows(channels, tallestTile(options));
  const parameters = { image: 'i32', gradient: 'i32', sums: 'i32' } as const;
  const product = (rows: number) =>
    module.function(`multiply_${rows}x${width}x${depth}`, parameters, (f, p) => {
      const tile = {
        rows,
        columns: width,
        segments: 1,
        segmentLength: depth,
        rowStride: 4,
        segmentStride: 0,
        innerStride: 4 * channels,
        wide,
      };
      const offset = (r: number, v: number) => 4 * r * width + 16 * v;
      emitGemmTile(
        f,
        tile,
        { a: p.image, panel: p.gradient },
        {
          finish: (r, v, sum) => f32x4.add(v128.load(p.sums, offset(r, v)), sum),
          store: (r, v, value) => f.store(p.sums, value, offset(r, v)),
        },
      );
    });
  const runs = [
    { count: cut.tall, rows: cut.rows },
    { count: cut.tiles - cut.tall, rows: cut.rows - 1 },
  ].filter(({ count }) => count > 0);
  const handles = runs.map(({ rows }) => product(rows));
  return module.function(`multiplyBlock_${width}x${depth}`, parameters, (f, p) => {
    for (const [index, { count, rows }] of runs.entries()) {
      f.loop(0, count, 1, () => {
        f.call(handles[index]!, p.image, p.gradient, p.sums);
        f.increase(p.image, 4 * rows);
        f.increase(p.sums, 4 * rows * width);
      });
    }
  });
}

/** A function (sums, out) that makes one panel of dw from all of its sums. */
export function emitStoreFilter(
  module: ModuleBuilder,
  { channels, outputs, sumsStep }: FilterGradientLayout,
  columns: number,
  width: 4 | 8,
): FunctionHandle {
  return module.function(`storeFilter_${columns}`, { sums: 'i32', out: 'i32' } as const, (f, p) => {
    f.loop(0, channels, 1, () => {
      for (let v = 0; 4 * v < columns; v++) {
        const lanes = Math.min(4, columns - 4 * v);
        f.block((leave) => {
          let fences = 0;
          const taps = transformSums(
            f,
            (number) => v128.load(p.sums, number * sumsStep + 16 * v),
            // see shared/gemm.ts: V8 would move all loads to the front and run out of registers
            () => f.branchIf(leave, i32.gtU(p.sums, -128 + ++fences)),
          );
          for (const [tap, value] of taps.entries()) {
            f.storeLanes(p.out, value, lanes, 4 * tap * channels * outputs + 16 * v);
          }
        });
      }
      f.increase(p.sums, 4 * width);
      f.increase(p.out, 4 * outputs);
    });
  });
}
