/**
 * Products of so few rows that one tile has them all, as a prediction of one image has: a packed panel of B would serve no
 * second tile, so B is read where it stands, and a tile is as wide as registers allow. Sums are those of emit.ts, term by
 * term in the same order.
 */
import { f32x4, i32, type ModuleBuilder, vectorLanes } from '../../src/writers/wasm/assembler.js';
import type { EpilogueEmitter, EpiloguePosition, FinishVector } from '../toolkit/wasm/epilogue.js';
import { emitGemmTile } from '../toolkit/wasm/gemm.js';
import type { WasmOptions } from '../toolkit/wasm/kernel.js';
import { Cut } from '../toolkit/wasm/tileGrid.js';
import type { EmittedMatmul } from './emit.js';
import { type MatmulShape, planMatmul } from './plan.js';

type Options = Omit<WasmOptions, 'shared'>;

/** Rows of a tile of two vectors, at most: the lowest of the tallest tiles, since the rule must not depend on tuning. */
const mostRows = 5;

/** Vectors of B by the number of rows: sums that are under way at a time, and what is left for B. Fewer, to be shared. */
const vectorsOf = [0, 8, 4, 4, 3, 2];
const leastUnits = 4;

/** Tells whether a product is one of these: rows of B are runs of whole vectors. */
export function hasFewRows({ batch, m, k, n, b }: MatmulShape, options: Options): boolean {
  const single = batch.every((size) => size === 1);
  return (
    single && m > 0 && m <= mostRows && k > 0 && b.column === 1 && n > 0 && n % vectorLanes(options) === 0
  );
}

/** Writes `run(a, b, operands of the epilogue…, out, begin, end)`. A unit is some vectors of columns. */
export function emitFewRows(
  module: ModuleBuilder,
  shape: MatmulShape,
  options: Options,
  epilogue: EpilogueEmitter,
): EmittedMatmul {
  const { m, k, n, a, b } = shape;
  const { endsPositive } = planMatmul(shape, options);
  const { lanes } = module;
  const cut = new Cut(n / lanes, Math.min(vectorsOf[m]!, Math.ceil(n / lanes / leastUnits)));
  const parameters = ['a', 'panel', 'column', 'out', ...epilogue.names] as const;
  const columns = (vectors: number) =>
    module.once(`columns_${vectors}`, parameters, (f, p) => {
      const column = f.let(i32.mul(p.column, 4));
      const position = (r: number, v: number): EpiloguePosition => ({
        element: { base: column, constant: 4 * (r * n + lanes * v) },
        column: { base: column, constant: 4 * lanes * v },
        lanes,
      });
      // begun behind the sums, whose registers are free by then
      let finish: FinishVector | undefined;
      const tile = {
        ...{ rows: m, columns: vectors * lanes, segmentLength: k },
        ...{ rowStride: 4 * a.row, innerStride: 4 * a.column, panelStride: 4 * b.row },
      };
      emitGemmTile(f, tile, p, {
        finish(r, v, sums) {
          finish ??= epilogue.begin(f, p, true);
          if (endsPositive) f.set(sums, f32x4.add(sums, 0));
          return finish(sums, position(r, v));
        },
        store: (r, v, value) => epilogue.store(f, p.out, value, position(r, v)),
      });
    });
  module.kernel(['a', 'b', ...epilogue.names, 'out'], (f, p) => {
    const operands = epilogue.names.map((name) => p[name]!);
    f.loop(p.begin, p.end, 1, (group) =>
      cut.pick(f, group, (vectors, first) => {
        const column = f.let(i32.mul(first, lanes));
        const panel = i32.add(p.b, i32.mul(column, 4));
        f.call(columns(vectors), p.a, panel, column, p.out, ...operands);
      }),
    );
  });
  return {
    ...{ units: cut.groups, split: 'panels', skips: undefined, repeats: false, prepares: false },
    ...{ scratchBytes: 0, tile: `${m}x${cut.size * lanes}` },
  };
}
