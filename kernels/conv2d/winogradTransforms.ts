/**
 * The three transforms of F(2x2, 3x3) (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015), each
 * first along the height, then along the width of a tile, four channels at a time:
 *
 *     U = G g Gᵀ      G  = | 1   0   0 |      V = Bᵀ d B      Bᵀ = | 1  0 -1  0 |      y = Aᵀ M A
 *                          | ½   ½   ½ |                           | 0  1  1  0 |
 *                          | ½  -½   ½ |                           | 0 -1  1  0 |      Aᵀ = | 1  1  1  0 |
 *                          | 0   0   1 |                           | 0  1  0 -1 |           | 0  1 -1 -1 |
 */
import { type FunctionBuilder, f32x4, type Local, type V128 } from '../../src/writers/wasm/assembler.js';

/** Sides of a tile of the image and of its results; numbers in a transformed tile. */
export const tileSide = 4;
export const resultSide = 2;
export const tileNumbers = tileSide * tileSide;

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Bᵀ x */
function imageRow(x: (row: number) => V128, row: number): V128 {
  if (row === 0) return f32x4.sub(x(0), x(2));
  if (row === 1) return f32x4.add(x(1), x(2));
  if (row === 2) return f32x4.sub(x(2), x(1));
  return f32x4.sub(x(1), x(3));
}

/** V, row by row: few enough numbers at a time for the registers. `load` is asked twice for each. */
export function transformImage(
  f: FunctionBuilder,
  load: (row: number, column: number) => V128,
  store: (number: number, value: V128) => void,
): void {
  for (const row of range(tileSide)) {
    const line = range(tileSide).map((column) => f.let(imageRow((r) => load(r, column), row)));
    for (const column of range(tileSide)) {
      store(
        row * tileSide + column,
        imageRow((c) => line[c]!, column),
      );
    }
  }
}

/** G x */
function filterRows(f: FunctionBuilder, x: readonly Local<'v128'>[]): Local<'v128'>[] {
  const outer = f.let(f32x4.add(x[0]!, x[2]!));
  const sum = f.let(f32x4.mul(f32x4.add(outer, x[1]!), 0.5));
  const difference = f.let(f32x4.mul(f32x4.sub(outer, x[1]!), 0.5));
  return [x[0]!, sum, difference, x[2]!];
}

export function transformFilter(
  f: FunctionBuilder,
  load: (row: number, column: number) => V128,
  store: (number: number, value: V128) => void,
): void {
  const columns = range(3).map((column) =>
    filterRows(
      f,
      range(3).map((row) => f.let(load(row, column))),
    ),
  );
  for (const row of range(tileSide)) {
    const line = filterRows(
      f,
      columns.map((column) => column[row]!),
    );
    for (const [column, value] of line.entries()) store(row * tileSide + column, value);
  }
}

/** Aᵀ x */
function resultRows(x: readonly V128[]): [V128, V128] {
  return [f32x4.add(f32x4.add(x[0]!, x[1]!), x[2]!), f32x4.sub(f32x4.sub(x[1]!, x[2]!), x[3]!)];
}

/** y, row-major; `between` is called where few numbers are in flight. */
export function transformResult(
  f: FunctionBuilder,
  load: (number: number) => V128,
  between: () => void,
): Local<'v128'>[] {
  const rows: [Local<'v128'>[], Local<'v128'>[]] = [[], []];
  for (const column of range(tileSide)) {
    const numbers = range(tileSide).map((row) => f.let(load(row * tileSide + column)));
    for (const [row, value] of resultRows(numbers).entries()) rows[row]!.push(f.let(value));
    between();
  }
  return rows.flatMap((row) => resultRows(row).map((value) => f.let(value)));
}
