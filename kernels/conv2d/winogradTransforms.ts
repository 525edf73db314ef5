/**
 * Winograd's algorithms F(m x m, r x r): m² results of a window of r² from a tile of t² numbers, t = m + r − 1, with t²
 * multiplications in the place of m²·r² (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015).
 *
 *     y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A          dw = Gᵀ [(Bᵀ d B) ⊙ (A dy Aᵀ)] G
 *
 * Their matrices follow from points; the code of a transform is made of its matrix.
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

export function transposed(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));
}

/** Where polynomials are evaluated; at ∞ that is their highest coefficient. */
const points = [0, 1, -1, Number.POSITIVE_INFINITY, 2, -2];

/**
 * F(m, r) of the first m + r − 1 points. With N(p) = Π (p − q) over the finite points q other than p, and N(∞) = 1:
 *
 *     Bᵀ[p] = the coefficients of Π (x − q), ascending     G[p] = [1, p, p², …] / N(p)     A[p] = [1, p, p², …]
 */
function winograd(results: number, window: number): Winograd {
  const own = points.slice(0, results + window - 1);
  const others = (p: number) => own.filter((q) => Number.isFinite(q) && q !== p);
  const powers = (p: number, count: number) =>
    Array.from({ length: count }, (_, k) => (Number.isFinite(p) ? p ** k : Number(k === count - 1)));
  const scale = (p: number) =>
    Number.isFinite(p) ? others(p).reduce((product, q) => product * (p - q), 1) : 1;
  const timesFactor = (terms: number[], q: number) => terms.map((term, k) => (terms[k - 1] ?? 0) - q * term);
  return {
    ...{ results, window },
    image: own.map((p) => others(p).reduce(timesFactor, powers(0, own.length))),
    filter: own.map((p) => powers(p, window).map((power) => power / scale(p))),
    result: transposed(own.map((p) => powers(p, results))),
  };
}

/** Gives an algorithm a smaller one, whose image is multiplied with what its own filter has more than the larger one's. */
function withEdge(whole: Winograd, { results, image, filter, result }: Winograd): Winograd {
  const size = (row: readonly number[]) => row.find((value) => value !== 0)!;
  const more = filter.map((row, k) => size(row) / size(whole.filter[k]!));
  return { ...whole, edge: { results, image: image.map((row, k) => row.map((v) => v * more[k]!)), result } };
}

export const f2x3 = winograd(2, 3);
export const f4x3 = withEdge(winograd(4, 3), f2x3);
export const f2x5 = winograd(2, 5);

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

/** What is known of matrices: a kernel asks for the same few many times. */
const knownSums = new Map<string, readonly Sum[]>();

/** The rows of matrix · x with few additions. */
function sumsOf(matrix: Matrix): readonly Sum[] {
  const key = matrix.map((row) => row.join()).join(';');
  const known = knownSums.get(key);
  if (known !== undefined) return known;
  const termsOf = (row: readonly number[]) => row.map((factor, of) => ({ factor, of }));
  const sums = sharing(matrix.map((row) => sumOf(termsOf(row).filter(({ factor }) => factor !== 0))));
  knownSums.set(key, sums);
  return sums;
}

/** Two terms that several sums have, multiplied with whatever, become one sum: E + O and E − O, say, share E and O. */
function sharing(sums: readonly Sum[]): Sum[] {
  const pairs = sums.flatMap(({ terms }) =>
    terms.flatMap((first, index) => terms.slice(index + 1).map((second) => ({ first, second }))),
  );
  for (const { first, second } of pairs) {
    const ratio = second.factor / first.factor;
    const factors = sums.map(({ terms }) => {
      const [a, b] = [first, second].map(({ of }) => terms.find((term) => term.of === of)?.factor);
      return a !== undefined && b !== undefined && b / a === ratio ? a : 0;
    });
    const [one, ...others] = factors.filter((factor) => factor !== 0);
    if (one === undefined || others.length === 0) continue;
    const unit = others.every((other) => Math.abs(other) === Math.abs(one)) ? one : 1;
    const shared = sumOf([
      { factor: unit, of: first.of },
      { factor: unit * ratio, of: second.of },
    ]);
    const joined = sums.map((sum, index) => {
      const factor = factors[index]! / unit;
      const others = sum.terms.filter(({ of }) => of !== second.of);
      const terms = others.map((term) => (term.of === first.of ? { factor, of: shared } : term));
      return factor === 0 ? sum : { ...sum, terms };
    });
    return sharing(joined);
  }
  return [...sums];
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
