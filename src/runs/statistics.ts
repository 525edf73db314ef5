/** Statistics over several seeds of one recipe. */

export interface Sample {
  readonly count: number;
  readonly mean: number;
  /** Of the sample, divided by count − 1; null for a single value. */
  readonly deviation: number | null;
  /** In which the true mean lies with 95% confidence; null for a single value. */
  readonly interval: readonly [low: number, high: number] | null;
}

/** The 97.5% quantiles of Student's t distribution with 1, 2, … degrees of freedom (scipy.stats.t.ppf(0.975, n)). */
const quantiles = [
  12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139,
  2.200985, 2.178813, 2.160369, 2.144787, 2.13145, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963, 2.079614,
  2.073873, 2.068658, 2.063899, 2.059539, 2.055529, 2.051831, 2.048407, 2.04523, 2.042272,
];

/** The 97.5% quantile of the normal distribution. */
const z = 1.959963984540054;

/**
 * The 97.5% quantile of Student's t distribution: exact to six digits up to 30 degrees of freedom, beyond that by the
 * first terms of its expansion (Abramowitz and Stegun 26.7.5), whose error there is below 1e-5:
 *
 *     t ≈ z + (z³ + z) / 4n + (5z⁵ + 16z³ + 3z) / 96n² + (3z⁷ + 19z⁵ + 17z³ − 15z) / 384n³
 */
export function studentQuantile(degrees: number): number {
  const known = quantiles[degrees - 1];
  if (known !== undefined) return known;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3;
}

/**
 * Mean, standard deviation and the 95% interval of the mean over independent values:
 *
 *     mean ± t · deviation / √count,  t the quantile of Student's distribution with count − 1 degrees of freedom
 *
 * (Student, The probable error of a mean, 1908)
 *
 * @param range that the values can have: the interval ends with it. Default: all numbers
 */
export function summarizeSample(
  values: readonly number[],
  [least, most]: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
): Sample {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { count, mean, deviation: null, interval: null };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  const half = (studentQuantile(count - 1) * deviation) / Math.sqrt(count);
  return { count, mean, deviation, interval: [Math.max(least, mean - half), Math.min(most, mean + half)] };
}
