/**
 * ln, exp, power and cos in + − × ÷ and rounding alone, which IEEE 754 defines to the last bit. `Math.log`,
 * `Math.exp`, `Math.pow` and `Math.cos` may differ between JavaScript engines, so nothing that ends in weights
 * (initial values, schedules, augmentation) may use them. Reductions and polynomials are those of fdlibm (Sun
 * Microsystems 1993: e_log.c, e_exp.c, k_sin.c, k_cos.c).
 */

/** c₀ + c₁x + c₂x² + … */
function polynomial(x: number, ascending: readonly number[]): number {
  let sum = 0;
  for (let i = ascending.length - 1; i >= 0; i--) sum = sum * x + ascending[i]!;
  return sum;
}

/** ln 2 in two parts: the first ends in zeros, so its product with an exponent is exact. */
const ln2High = 6.931471803691238e-1;
const ln2Low = 1.9082149292705877e-10;

const logarithmSeries = [
  6.666666666666735e-1, 3.999999999940942e-1, 2.857142874366239e-1, 2.2222198432149784e-1,
  1.818357216161805e-1, 1.5313837699209373e-1, 1.4798198605116586e-1,
];

/**
 * ln x, relative error below 1e-15. −∞ at 0, NaN below.
 *
 *     x = 2^k · (1 + f), 1 + f from √½ to √2;  s = f / (2 + f)
 *     ln(1 + f) = 2s + s³ P(s²)
 */
export function exactLog(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return x;
  let mantissa = x;
  let k = 0;
  for (; mantissa > Math.SQRT2; k++) mantissa *= 0.5;
  for (; mantissa < Math.SQRT1_2; k--) mantissa *= 2;
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  const half = 0.5 * f * f;
  return k * ln2High - (half - (s * (half + z * polynomial(z, logarithmSeries)) + k * ln2Low) - f);
}

const exponentialSeries = [
  1.6666666666666602e-1, -2.7777777777015593e-3, 6.613756321437934e-5, -1.6533902205465252e-6,
  4.1381367970572385e-8,
];

/**
 * e^x, relative error below 1e-15. 0 below −745.1, infinite above 709.8.
 *
 *     x = k · ln 2 + r, |r| ≤ ln 2 / 2;  e^r = 1 + r + rc / (2 − c), c = r − r² P(r²)
 */
export function exactExp(x: number): number {
  if (!(Math.abs(x) < 746)) return x < 0 ? 0 : x > 0 ? Infinity : Number.NaN;
  const k = Math.floor(x / Math.LN2 + 0.5);
  const high = x - k * ln2High;
  const low = k * ln2Low;
  const r = high - low;
  const c = r - r * r * polynomial(r * r, exponentialSeries);
  let y = 1 - (low - (r * c) / (2 - c) - high);
  for (let i = k; i > 0; i--) y *= 2;
  for (let i = k; i < 0; i++) y *= 0.5;
  return y;
}

/** base^exponent for base > 0: e^(exponent · ln base), relative error below 1e-15 · (1 + |exponent · ln base|). */
export function exactPower(base: number, exponent: number): number {
  return exactExp(exponent * exactLog(base));
}

const cosineSeries = [
  4.16666666666666e-2, -1.388888888887411e-3, 2.480158728947673e-5, -2.7557314351390663e-7,
  2.087572321298175e-9, -1.1359647557788195e-11,
];
const sineSeries = [
  -1.6666666666666632e-1, 8.33333333332249e-3, -1.984126982985795e-4, 2.7557313707070068e-6,
  -2.5050760253406863e-8, 1.58969099521155e-10,
];
/** π / 2 in two parts: the first has 33 bits, so its product with an integer below 2^20 is exact. */
const quarterTurnHigh = 1.5707963267341256;
const quarterTurnLow = 6.077100506506192e-11;

/**
 * cos x (x in radians), absolute error below 1e-15 for |x| ≤ 1e5.
 *
 *     x = k · π/2 + r, |r| ≤ π/4;  cos x is cos r, −sin r, −cos r, sin r for k = 0, 1, 2, 3 (mod 4)
 */
export function exactCos(x: number): number {
  const k = Math.floor(x / (Math.PI / 2) + 0.5);
  const r = x - k * quarterTurnHigh - k * quarterTurnLow;
  const z = r * r;
  const quadrant = k - 4 * Math.floor(k / 4);
  const odd = quadrant === 1 || quadrant === 3;
  // sin r = r + r³ S(r²), cos r = 1 − r²/2 + r⁴ C(r²)
  const value = odd
    ? r + r * z * polynomial(z, sineSeries)
    : 1 - (0.5 * z - z * z * polynomial(z, cosineSeries));
  return quadrant === 1 || quadrant === 2 ? -value : value;
}

/**
 * Below what a number counts as 0, where trainings make small numbers smaller: a processor takes a hundred cycles or more
 * for a multiplication with a subnormal float32 (below 2⁻¹²⁶), and WebAssembly cannot tell it not to
 * (docs/decisions/0017-small-numbers-count-as-zero.md).
 */

/** Of weights, optimizers' states, averages, moving statistics, probabilities: a product of a few of them is still normal. */
export const tiny = 2 ** -100;

/** Of a number that is going to be squared: its square is `tiny`. */
export const tinySquared = 2 ** -50;

/** Of the slopes with which a loss begins to flow back: they meet many layers before they reach a weight. */
export const tinySlope = 2 ** -64;

/** The smallest normal float32. */
export const smallestNormal = 2 ** -126;
