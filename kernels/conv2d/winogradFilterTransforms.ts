/**
 * The transforms of a filter gradient by F(2x2, 3x3), beside that of the image (winogradTransforms.ts), four channels at
 * a time:
 *
 *     Z = A g Aᵀ    A = | 1  0 |      dw = Gᵀ S G    Gᵀ = | 1  ½  ½   0 |
 *                       | 1  1 |                          | 0  ½ -½   0 |
 *                       | 1 -1 |                          | 0  ½  ½  -1 |
 *                       | 0  1 |
 *
 * A here has the sign of its last row in Gᵀ, which saves the negation.
 */
import { type FunctionBuilder, f32x4, type Local, type V128 } from '../../src/writers/wasm/assembler.js';
import { resultSide, tileSide } from './winogradTransforms.js';

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A x */
function gradientRow([first, second]: readonly V128[], row: number): V128 {
  if (row === 0) return first!;
  if (row === 1) return f32x4.add(first!, second!);
  if (row === 2) return f32x4.sub(first!, second!);
  return second!;
}

/** Z, row by row. `load` is asked once for each of the 2x2 pixels. */
export function transformGradient(
  f: FunctionBuilder,
  load: (row: number, column: number) => V128,
  store: (number: number, value: V128) => void,
): void {
  const pixels = range(resultSide).map((row) => range(resultSide).map((column) => f.let(load(row, column))));
  for (const row of range(tileSide)) {
    const line = range(resultSide).map((column) =>
      f.let(
        gradientRow(
          pixels.map((pixelRow) => pixelRow[column]!),
          row,
        ),
      ),
    );
    for (const column of range(tileSide)) store(row * tileSide + column, gradientRow(line, column));
  }
}

/** Gᵀ x */
function sumRows(f: FunctionBuilder, x: readonly V128[]): Local<'v128'>[] {
  const outer = f.let(f32x4.mul(f32x4.add(x[1]!, x[2]!), 0.5));
  const middle = f.let(f32x4.mul(f32x4.sub(x[1]!, x[2]!), 0.5));
  return [f.let(f32x4.add(x[0]!, outer)), middle, f.let(f32x4.sub(outer, x[3]!))];
}

/** dw, row-major; `between` is called where few numbers are in flight. */
export function transformSums(
  f: FunctionBuilder,
  load: (number: number) => V128,
  between: () => void,
): Local<'v128'>[] {
  const columns = range(tileSide).map((column) => {
    const numbers = range(tileSide).map((row) => f.let(load(row * tileSide + column)));
    const rows = sumRows(f, numbers);
    between();
    return rows;
  });
  return range(3).flatMap((row) =>
    sumRows(
      f,
      columns.map((column) => column[row]!),
    ),
  );
}
