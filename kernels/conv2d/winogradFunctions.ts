/** The functions of a Winograd convolution: transforms, products, and the way of results to memory. */
import {
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  type ModuleBuilder,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { cutRows, emitGemmTile } from '../toolkit/wasm/gemm.js';
import { gatherLanes } from '../toolkit/wasm/packing.js';
import type { Correlation } from './correlation.js';
import type { Results } from './results.js';
import type { WinogradLayout } from './winogradLayout.js';
import {
  resultSide,
  tileNumbers,
  tileSide,
  transformFilter,
  transformImage,
  transformResult,
} from './winogradTransforms.js';

/** A function (source, destination) that transforms the filters of one panel: to [16][channels][width]. */
export function emitPackFilter(
  module: ModuleBuilder,
  { filter }: Correlation,
  { channels, filterStep }: WinogradLayout,
  columns: number,
  width: 4 | 8,
): FunctionHandle {
  const { blocks, rowStride, columnStride } = filter;
  const tapOffset = (tap: number) => (blocks.length === 1 ? tap * channels * rowStride : blocks[tap]!.offset);
  return module.function(
    `transformFilter_${columns}`,
    { source: 'i32', destination: 'i32' } as const,
    (f, p) => {
      f.loop(0, channels, 1, () => {
        for (let v = 0; 4 * v < width; v++) {
          const lanes = Math.min(4, columns - 4 * v);
          const load = (row: number, column: number): V128 => {
            const offset = tapOffset(3 * row + column) + 4 * v * columnStride;
            if (lanes < 1) return f32x4.const(0);
            return columnStride === 4
              ? v128.loadLanes(p.source, lanes, offset)
              : gatherLanes(p.source, lanes, columnStride, offset);
          };
          transformFilter(f, load, (number, value) => {
            f.store(p.destination, value, number * filterStep(width) + 16 * v);
          });
        }
        f.increase(p.source, rowStride);
        f.increase(p.destination, 4 * width);
      });
    },
  );
}

/** A function (source, target) that transforms a row of tiles: channels of a tile side by side. */
export function emitTransform(
  module: ModuleBuilder,
  { frame, tiles, channels, imageStep }: Pick<WinogradLayout, 'frame' | 'tiles' | 'channels' | 'imageStep'>,
): FunctionHandle {
  const lineBytes = 4 * frame.frameWidth * channels;
  const whole = channels - (channels % 4);
  return module.function('transformImage', { source: 'i32', target: 'i32' } as const, (f, p) => {
    const vector = (lanes: number) => {
      f.block((leave) => {
        let fences = 0;
        transformImage(
          f,
          (row, column) => v128.loadLanes(p.source, lanes, row * lineBytes + column * channels * 4),
          (number, value) => {
            f.storeLanes(p.target, value, lanes, number * imageStep);
            // see shared/gemm.ts: V8 would move all loads to the front and run out of registers
            if (number % tileSide === tileSide - 1) f.branchIf(leave, i32.gtU(p.target, -128 + ++fences));
          },
        );
      });
      f.increase(p.source, 4 * lanes);
      f.increase(p.target, 4 * lanes);
    };
    f.loop(0, tiles[1], 1, () => {
      f.loop(0, whole, 4, () => vector(4));
      if (channels > whole) vector(channels - whole);
      f.increase(p.source, 4 * channels * (resultSide - 1));
    });
  });
}

/** A function (image, filter, sums) that multiplies `rows` tiles by a panel, for all 16 numbers. */
export function emitProduct(
  module: ModuleBuilder,
  { channels, imageStep, filterStep }: WinogradLayout,
  rows: number,
  width: 4 | 8,
  wide: boolean,
): FunctionHandle {
  const parameters = { image: 'i32', filter: 'i32', sums: 'i32' } as const;
  return module.function(`multiply_${rows}x${width}`, parameters, (f, p) => {
    f.loop(0, tileNumbers, 1, () => {
      const a = f.let(p.image);
      const panel = f.let(p.filter);
      const tile = {
        rows,
        columns: width,
        segments: 1,
        segmentLength: channels,
        rowStride: 4 * channels,
        segmentStride: 0,
        innerStride: 4,
        wide,
      };
      emitGemmTile(
        f,
        tile,
        { a, panel },
        { store: (r, v, sums) => f.store(p.sums, sums, 4 * (r * tileNumbers * width + 4 * v)) },
      );
      f.increase(p.image, imageStep);
      f.increase(p.filter, filterStep(width));
      f.increase(p.sums, 4 * width);
    });
  });
}

/** A function (image, filter, sums) that multiplies all tiles of a block by a panel: to [tiles][16][width]. */
export function emitMultiply(
  module: ModuleBuilder,
  { channels }: WinogradLayout,
  tiles: number,
  width: 4 | 8,
  tallest: number,
  product: (rows: number) => FunctionHandle,
): FunctionHandle {
  const cut = cutRows(tiles, tallest);
  const runs = [
    { count: cut.tall, rows: cut.rows },
    { count: cut.tiles - cut.tall, rows: cut.rows - 1 },
  ].filter(({ count }) => count > 0);
  const handles = runs.map(({ rows }) => product(rows));
  const parameters = { image: 'i32', filter: 'i32', sums: 'i32' } as const;
  return module.function(`multiplyBlock_${tiles}x${width}`, parameters, (f, p) => {
    for (const [index, { count, rows }] of runs.entries()) {
      f.loop(0, count, 1, () => {
        f.call(handles[index]!, p.image, p.filter, p.sums);
        f.increase(p.image, 4 * rows * channels);
        f.increase(p.sums, 4 * rows * tileNumbers * width);
      });
    }
  });
}

/** A function (sums, image, row, first, …) that makes results of a block's products and stores them. */
export function emitFinish(
  module: ModuleBuilder,
  { output }: Correlation,
  { tiles, outputs }: WinogradLayout,
  results: Results,
  columns: number,
  width: 4 | 8,
  height: number,
): FunctionHandle {
  const parameters = Object.fromEntries(
    ['sums', 'image', 'row', 'first', ...results.names].map((name) => [name, 'i32' as const]),
  );
  return module.function(`finish_${height}_${columns}`, parameters, (f, p) => {
    const finish = results.beginFinish(f, p);
    const pool = results.pooled ? results.beginPool(f, p) : undefined;
    const column = f.let(i32.mul(p.first!, 4));
    const elementAt = (row: I32, width: number) =>
      f.let(i32.mul(i32.add(i32.mul(row, width * outputs), p.first!), 4));
    f.loop(0, height, 1, () => {
      // of the first result and of the first pool in this row of tiles
      const element = elementAt(i32.add(i32.mul(p.image!, output[0]), i32.mul(p.row!, 2)), output[1]);
      const pooled = pool && elementAt(i32.add(i32.mul(p.image!, tiles[0]), p.row!), tiles[1]);
      const tile = (rows: number, rowColumns: number) => {
        let fences = 0;
        for (let v = 0; 4 * v < columns; v++) {
          const lanes = Math.min(4, columns - 4 * v);
          const place = (base: I32, constant: number) => ({
            element: { base, constant: constant + 16 * v },
            column: { base: column, constant: 16 * v },
            lanes,
          });
          f.block((leave) => {
            const values = transformResult(
              f,
              (number) => v128.load(p.sums!, 4 * (number * width + 4 * v)),
              () => f.branchIf(leave, i32.gtU(p.sums!, -128 + ++fences)),
            );
            const finished = values.flatMap((value, index) => {
              const [r, c] = [Math.floor(index / 2), index % 2];
              if (r >= rows || c >= rowColumns) return [];
              const position = place(element, 4 * outputs * (r * output[1] + c));
              const result = finish(value, position);
              if (pool) return [f.let(result)];
              results.store(f, p, result, position);
              return [];
            });
            pool?.(finished, place(pooled!, 0));
          });
        }
        f.increase(p.sums!, 4 * tileNumbers * width);
        f.increase(element, 4 * 2 * outputs);
        if (pooled) f.increase(pooled, 4 * outputs);
      };
      const line = (rows: number) => {
        const whole = pool ? tiles[1] : Math.floor(output[1] / 2);
        f.loop(0, whole, 1, () => tile(rows, 2));
        if (tiles[1] > whole) tile(rows, 1);
      };
      const wholeRows = pool ? tiles[0] : Math.floor(output[0] / 2);
      if (tiles[0] === wholeRows) line(2);
      else
        f.if(
          i32.ltU(p.row!, i32.const(wholeRows)),
          () => line(2),
          () => line(1),
        );
      f.increase(p.row!, 1);
    });
  });
}
