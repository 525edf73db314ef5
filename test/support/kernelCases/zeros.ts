/** Matrices with zeros, whose products may be left out. */
import { type CaseOperand, dense, type KernelCase, transposed } from './builders.js';
import { matmulCase } from './matmul.js';

/** A number without a pattern, from 0 to 1. */
export const hashed = (i: number): number => (Math.imul(i + 1, 0x9e3779b1) >>> 8) / 2 ** 24;

/** True where A(row, column) is zero. */
export type ZeroPattern = (row: number, column: number) => boolean;

export const zeroPatterns: Readonly<Record<string, ZeroPattern>> = {
  'no zeros': () => false,
  'all zeros': () => true,
  'columns of zeros': (_, column) => column % 3 !== 0,
  'a border of zeros': (_, column) => column < 30 || column > 55,
  'rows of zeros': (row) => row % 7 < 3,
  'the first tile is dense': (row, column) => row > 5 && column % 2 === 0,
  'a fifth is left, anywhere': (row, column) => hashed(1000 * row + column) > 0.2,
  'the last term alone': (_, column) => column !== 66,
  'zeros where the sample does not look': (_, column) => column % 32 >= 4,
};

const sizes = [
  [37, 67, 70],
  [13, 260, 72],
  [50, 128, 144],
] as const;

/** [m, k], its terms or, turned, its rows adjacent in memory. */
function matrix([m, k]: readonly [number, number], turned: boolean, pattern: ZeroPattern): CaseOperand {
  const shape = turned ? [k, m] : [m, k];
  const last = shape[1]!;
  const operand = dense(shape, 'float32', (index) => {
    const [major, minor] = [Math.floor(index / last), index % last];
    if (turned ? pattern(minor, major) : pattern(major, minor)) return 0;
    return (hashed(index) - 0.5) * (index % 5 === 0 ? 1e-30 : 1);
  });
  return turned ? transposed(operand, [1, 0]) : operand;
}

/** Products of such matrices with finite ones, and with one that has an infinity; not part of the table. */
export const zeroCases: readonly KernelCase[] = Object.entries(zeroPatterns).flatMap(([name, pattern]) =>
  sizes.flatMap(([m, k, n]) =>
    [false, true].flatMap((turned) =>
      [false, true].flatMap((spoiled) =>
        [false, true].map((otherTurned) => {
          const shape = otherTurned ? [n, k] : [k, n];
          const b = dense(shape, 'float32', (index) =>
            spoiled && index === k + 3 ? Number.POSITIVE_INFINITY : hashed(7 * index) - 0.5,
          );
          const label = `${name}, ${m}x${k}x${n}${turned ? ', turned' : ''}${otherTurned ? ', b turned' : ''}`;
          return matmulCase(
            spoiled ? `${label}, an infinity` : label,
            matrix([m, k], turned, pattern),
            otherTurned ? transposed(b, [1, 0]) : b,
          );
        }),
      ),
    ),
  ),
);
