/** McNemar's test: do two models, measured on the same images, differ by more than chance? */
import { checkList } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';

export interface McNemar {
  /** Images that only the first model got right. */
  readonly firstOnly: number;
  /** Images that only the second model got right. */
  readonly secondOnly: number;
  /** How p was had: the binomial distribution itself, or χ² of one degree of freedom. */
  readonly method: 'exact' | 'chi-squared';
  /** χ², where that is the method. */
  readonly statistic: number | null;
  /** Two-sided: how often models that are equally good would differ as much or more. */
  readonly p: number;
}

/** Below this many images on which just one of them is right, χ² is too rough. */
const enough = 25;

/**
 * P(|X − n/2| ≥ |k − n/2|) for X binomial with n draws of 1/2: 2 · Σ_{i ≤ min(k, n−k)} C(n, i) / 2^n, at most 1.
 * Every term is a whole number below 2^53 for the n that it is used for, so the sum is exact.
 */
function binomialTwoSided(k: number, n: number): number {
  let term = 1;
  let sum = 0;
  for (let i = 0; i <= Math.min(k, n - k); i++) {
    sum += term;
    term = (term * (n - i)) / (i + 1);
  }
  return Math.min(1, (2 * sum) / 2 ** n);
}

/**
 * 1 − erf(x) for x ≥ 0, to about 15 digits (M. Abramowitz and I. A. Stegun, Handbook of mathematical functions, 1964:
 * 7.1.6 near 0, the continued fraction 7.1.14 beyond).
 */
export function complementaryError(x: number): number {
  if (x < 2) {
    // erf x = 2/√π · e^(−x²) · Σ 2^n x^(2n+1) / (1 · 3 · … · (2n+1)): all terms are positive
    let term = x;
    let sum = x;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  // √π · e^(x²) · erfc x = 1 / (x + (1/2) / (x + 1 / (x + (3/2) / (x + 2 / (x + …)))))
  let fraction = x;
  for (let n = 80; n >= 1; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

/**
 * McNemar's test on paired answers: only the images on which just one of the two is right tell them apart
 * (Q. McNemar, Note on the sampling error of the difference between correlated proportions or percentages, 1947; with
 * A. L. Edwards' correction for continuity, 1948):
 *
 *     χ² = (|b − c| − 1)² / (b + c),  p = erfc √(χ² / 2)
 *
 * With b + c < 25, p is of the binomial distribution of b itself.
 *
 * @param first whether the first model was right, for every image
 * @param second whether the second was, for the same images
 * @throws ShapeError when their numbers differ
 */
export function mcnemar(first: readonly boolean[], second: readonly boolean[]): McNemar {
  for (const right of [first, second]) checkList('mcnemar', 'two lists of booleans', right);
  if (first.length !== second.length) {
    throw new ShapeError(
      `mcnemar: the models were not measured on the same images: ${first.length} and ${second.length}`,
    );
  }
  const firstOnly = first.filter((right, i) => right && !second[i]).length;
  const secondOnly = second.filter((right, i) => right && !first[i]).length;
  const discordant = firstOnly + secondOnly;
  if (discordant < enough) {
    const p = binomialTwoSided(firstOnly, discordant);
    return { firstOnly, secondOnly, method: 'exact', statistic: null, p };
  }
  // a difference of 0 would else be corrected away from 0
  const statistic = Math.max(0, Math.abs(firstOnly - secondOnly) - 1) ** 2 / discordant;
  const p = complementaryError(Math.sqrt(statistic / 2));
  return { firstOnly, secondOnly, method: 'chi-squared', statistic, p };
}
