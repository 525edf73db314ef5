/**
 * Winograd's algorithms F(m x m, r x r): m² results of a window of r² from a tile of t² numbers, t = m + r − 1, with t²
 * multiplications in the place of m²·r² (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015).
 *
 *     y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A          dw = Gᵀ [(Bᵀ d B) ⊙ (A dy Aᵀ)] G
 *
 * Their matrices are data; the code of a transform is made of its matrix.
 */
import { type FunctionBuilder, f32x4, type Local, type V128 } from '../../src/writers/wasm/assembler.js';

export type Matrix = readonly (readonly number[])[];

export interface Winograd {
  /** Results m and window r, along each axis. */
  readonly results: number;
  readonly window: number;
  /** Bᵀ [t, t], G [t, r], Aᵀ [m, t]. */
  readonly image: Matrix;
  readonly filter: Matrix;
  readonly result: Matrix;
  /**
   * An algorithm of fewer results for the last tile of an axis. Its points are the first of this one's, so that it takes
   * the first numbers of the transformed filter as they are.
   */
  readonly edge?: Edge | undefined;
}

export type Edge = Pick<Winograd, 'results' | 'image' | 'result'>;

/** Points 0, 1, −1, ∞. */
export const f2x3: Winograd = {
  results: 2,
  window: 3,
  image: [
    [1, 0, -1, 0],
    [0, 1, 1, 0],
    [0, -1, 1, 0],
    [0, -1, 0, 1],
  ],
  filter: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  result: [
    [1, 1, 1, 0],
    [0, 1, -1, 1],
  ],
};

/** Bᵀ of the points 0, 1, −1, ∞, 2, −2. */
const sixPoints: Matrix = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, 4, 0, -5, 0, 1],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
];

export const f4x3: Winograd = {
  results: 4,
  window: 3,
  image: sixPoints,
  filter: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [0, 0, 1],
    [1 / 24, 2 / 24, 4 / 24],
    [1 / 24, -2 / 24, 4 / 24],
  ],
  result: [
    [1, 1, 1, 0, 1, 1],
    [0, 1, -1, 0, 2, -2],
    [0, 1, 1, 0, 4, 4],
    [0, 1, -1, 1, 8, -8],
  ],
  // f2x3, its image times 4, −3, −3, 1: by so much less is the filter
  edge: {
    results: 2,
    image: [
      [4, 0, -4, 0],
      [0, -3, -3, 0],
      [0, 3, -3, 0],
      [0, -1, 0, 1],
    ],
    result: f2x3.result,
  },
};

export const f2x5: Winograd = {
  results: 2,
  window: 5,
  image: sixPoints,
  filter: [
    [1 / 4, 0, 0, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6, 1 / 6, -1 / 6],
    [0, 0, 0, 0, 1],
    [1 / 24, 2 / 24, 4 / 24, 8 / 24, 16 / 24],
    [1 / 24, -2 / 24, 4 / 24, -8 / 24, 16 / 24],
  ],
  result: [
    [1, 1, 1, 0, 1, 1],
    [0, 1, -1, 1, 2, -2],
  ],
};

export function transposed(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));
}

/** scale · Σ factor · of, where `of` is an element of the vector or a sum that several rows share. */
interface Sum {
  readonly scale: number;
  readonly terms: readonly { readonly factor: number; readonly of: number | Sum }[];
}
type Term = Sum['terms'][number];

/** If all factors have one magnitude, it is taken out of the sum. */
function sumOf(terms: readonly Term[]): Sum {
  const [first] = terms;
  const size = Math.abs(first?.factor ?? 1);
  if (terms.length < 2 || size === 1 || terms.some(({ factor }) => Math.abs(factor) !== size))
    return { scale: 1, terms };
  const scale = first!.factor;
  return { scale, terms: terms.map(({ factor, of }) => ({ factor: factor / scale, of })) };
}

const nonZero = (row: readonly number[]): Term[] =>
  row.map((factor, of) => ({ factor, of })).filter(({ factor }) => factor !== 0);
const sameSizes = (a: readonly number[], b: readonly number[]) =>
  a.every((value, index) => Math.abs(value) === Math.abs(b[index]!));

/**
 * The rows of matrix · x with few additions: two rows that differ in signs are E + O and E − O; the sum or difference of
 * two elements that occurs in several rows is made once.
 */
function sumsOf(matrix: Matrix): Sum[] {
  const rows = matrix.map(nonZero);
  for (const [second, b] of transposed(matrix).entries()) {
    const first = transposed(matrix).findIndex((a, index) => index < second && sameSizes(a, b));
    if (first < 0) continue;
    for (const sign of [1, -1]) {
      const occurs = (row: readonly number[]) => row[first] !== 0 && row[first] === sign * row[second]!;
      const factors = matrix.filter(occurs).map((row) => row[first]!);
      if (factors.length < 2) continue;
      const scale = factors.every((factor) => factor === factors[0]) ? factors[0]! : 1;
      const pair = [first, second].map((of) => ({ factor: of === first ? 1 : sign, of }));
      const shared: Sum = { scale, terms: pair };
      for (const [i, row] of matrix.entries()) {
        if (!occurs(row)) continue;
        const others = rows[i]!.filter(({ of }) => of !== second);
        rows[i] = others.map((term) =>
          term.of === first ? { factor: term.factor / scale, of: shared } : term,
        );
      }
    }
  }
  const sums = rows.map(sumOf);
  for (const [second, b] of matrix.entries()) {
    const first = matrix.findIndex((a, index) => index < second && sameSizes(a, b));
    const [plus, minus] = [sums[first], sums[second]!];
    if (plus === undefined || plus.terms.some(({ of }) => typeof of !== 'number')) continue;
    const even = plus.terms.filter((_, index) => plus.terms[index]!.factor === minus.terms[index]!.factor);
    const odd = plus.terms.filter((term) => !even.includes(term));
    if (even.length === 0 || odd.length === 0) continue;
    const part = (terms: readonly Term[], sign: number): Term[] =>
      terms.length < 2
        ? terms.map(({ factor, of }) => ({ factor: sign * factor, of }))
        : [{ factor: sign, of: shares.get(terms) ?? shares.set(terms, sumOf(terms)).get(terms)! }];
    const shares = new Map<readonly Term[], Sum>();
    sums[first] = { scale: plus.scale, terms: [...part(even, 1), ...part(odd, 1)] };
    sums[second] = { scale: minus.scale, terms: [...part(even, 1), ...part(odd, -1)] };
  }
  return sums;
}

/** Computes a sum from its first positive term on, the others in order. `known` holds the shared ones. */
function evaluate(
  f: FunctionBuilder,
  { scale, terms }: Sum,
  x: (index: number) => V128,
  known: Map<Sum, V128>,
): V128 {
  const shared = (of: Sum): V128 => {
    const value = known.get(of) ?? f.let(evaluate(f, of, x, known));
    known.set(of, value);
    return value;
  };
  const times = (of: number | Sum, factor: number): V128 => {
    const value = typeof of === 'number' ? x(of) : shared(of);
    return factor === 1 ? value : f32x4.mul(value, factor);
  };
  const first = terms.find(({ factor }) => factor > 0) ?? terms[0]!;
  let sum = times(first.of, first.factor);
  for (const term of terms) {
    const value = () => times(term.of, Math.abs(term.factor));
    if (term !== first) sum = term.factor > 0 ? f32x4.add(sum, value()) : f32x4.sub(sum, value());
  }
  return scale === 1 ? sum : f32x4.mul(sum, scale);
}

/** Reads the number in a row and column of the square to be transformed. */
type Load = (row: number, column: number) => V128;
/** Takes the number in a row and column of the result. */
type Store = (row: number, column: number, value: V128) => void;

/** x → M x Nᵀ for squares x, first along the height, then along the width, a vector of channels at a time. */
export class Transform {
  private readonly sums: { readonly [A in 'height' | 'width']: readonly Sum[] };
  /** Height and width of x. */
  private readonly size: readonly [number, number];

  /** @param width N; default: M */
  constructor(height: Matrix, width: Matrix = height) {
    this.sums = { height: sumsOf(height), width: sumsOf(width) };
    this.size = [height[0]!.length, width[0]!.length];
  }

  /** Row after row of the result: few numbers at a time. Asks for numbers as often as rows need them. */
  byRows(f: FunctionBuilder, load: Load, store: Store, between: () => void = () => {}): void {
    for (const [row, sum] of this.sums.height.entries()) {
      const line = Array.from({ length: this.size[1] }, (_, column) =>
        f.let(evaluate(f, sum, (r) => load(r, column), new Map())),
      );
      this.row(f, row, line, store);
      between();
    }
  }

  /** Column after column of x, each number asked for once; `between` is called where few are in flight. */
  byColumns(f: FunctionBuilder, load: Load, store: Store, between: () => void = () => {}): void {
    const columns: Local<'v128'>[][] = [];
    for (let column = 0; column < this.size[1]; column++) {
      const numbers = Array.from({ length: this.size[0] }, (_, row) => f.let(load(row, column)));
      const known = new Map<Sum, V128>();
      columns.push(this.sums.height.map((sum) => f.let(evaluate(f, sum, (r) => numbers[r]!, known))));
      between();
    }
    for (const row of this.sums.height.keys()) {
      const line = columns.map((column) => column[row]!);
      this.row(f, row, line, store);
    }
  }

  private row(f: FunctionBuilder, row: number, line: readonly V128[], store: Store): void {
    const known = new Map<Sum, V128>();
    for (const [column, sum] of this.sums.width.entries()) {
      store(
        row,
        column,
        evaluate(f, sum, (c) => line[c]!, known),
      );
    }
  }
}
