/** The 97.5% quantile of the normal distribution: 2.5% of it lie on either side of ±z. */
const z = 1.959963984540054;

/**
 * The interval in which the true share lies with 95% confidence, when `correct` of `count` were right
 * (E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927):
 *
 *     center = (p + z² / 2n) / (1 + z² / n),  half = z / (1 + z² / n) · √(p(1 − p) / n + z² / 4n²)
 *
 * @returns low and high, from 0 to 1; the whole range for a count of 0
 */
export function wilsonInterval(correct: number, count: number): [low: number, high: number] {
  if (count === 0) return [0, 1];
  const share = correct / count;
  const scale = 1 + z ** 2 / count;
  const center = (share + z ** 2 / (2 * count)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  // Rounding must not put a bound on the wrong side of 0 or 1.
  return [correct === 0 ? 0 : center - half, correct === count ? 1 : center + half];
}
