/**
 * The functions that WebAssembly lacks, four float32 lanes at a time. Polynomials and reductions are those of the
 * Cephes library (Stephen Moshier, single precision: expf, logf, tanhf). Error bounds below were measured against
 * float64 on dense samples, with and without fused multiply-add; a test holds them. ulp: unit in the last place of the
 * float32 result.
 */
import { at } from '../../core/lists.js';
import { type FunctionBuilder, f32x4, i8x16, i32x4, type Local, type V128, v128 } from './assembler.js';

type Vector = Local<'v128'>;

/** ln 2 = 355/512 − 2.12194440e-4: the first part times an exponent is exact. */
const ln2High = 0.693359375;
const ln2Low = -2.1219444e-4;
/** Adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits of the float. */
const roundingBias = 12582912;
const roundingBits = 0x4b400000;
const signBit = 0x80000000 | 0;

/** `mask` set takes `a`, clear takes `b`, for masks of whole lanes: one instruction where the level has it. */
export function selectLanes(f: FunctionBuilder, a: V128, b: V128, mask: V128): V128 {
  return f.simd === 'relaxed' ? f32x4.relaxedLaneselect(a, b, mask) : v128.bitselect(a, b, mask);
}

/** The bytes of `a` at places below 16, and 0 at those from 128 on; there are no others. Vectors of 128 bits. */
export function pickBytes(f: FunctionBuilder, a: V128, places: V128): V128 {
  return f.simd === 'relaxed' ? i8x16.relaxedSwizzle(a, places) : i8x16.swizzle(a, places);
}

/** ((c0·x + c1)·x + c2)·x + … */
function horner(f: FunctionBuilder, x: V128, coefficients: readonly number[]): Vector {
  const sum = f.let(f32x4.const(at(coefficients, 0)));
  for (const coefficient of coefficients.slice(1)) f.set(sum, f.multiplyAdd(sum, x, coefficient));
  return sum;
}

/**
 * e^(x + low), where |low| is below 2^-10. Within 1.1 ulp, results below 2^-126 too; above 88.73 infinite, below
 * -103.98 zero.
 *
 *     x = n · ln 2 + r,  |r| ≤ ln 2 / 2;  e^x = 2^n · (1 + r + r² P(r))
 */
export function exp4(f: FunctionBuilder, x: V128, low?: V128): Vector {
  // Beyond these the result is 0 or infinite anyway; NaN passes.
  const bounded = f.let(f32x4.pmin(f32x4.pmax(x, -104), 89));
  const biased = f.let(f.multiplyAdd(bounded, Math.LOG2E, roundingBias));
  const n = f.let(f32x4.sub(biased, roundingBias));
  const reduced = f.multiplyAdd(n, -ln2Low, f.multiplyAdd(n, -ln2High, bounded));
  const r = f.let(low === undefined ? reduced : f32x4.add(reduced, low));
  const p = horner(
    f,
    r,
    [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
  );
  const mantissa = f32x4.add(f.multiplyAdd(p, f32x4.mul(r, r), r), 1);
  // 2^n in two factors, since n reaches from -150 to 128.
  const exponent = f.let(i32x4.sub(biased, roundingBits));
  const half = f.let(i32x4.shrS(exponent, 1));
  const power = (n: V128) => i32x4.shl(i32x4.add(n, 127), 23);
  return f.let(f32x4.mul(f32x4.mul(mantissa, power(half)), power(i32x4.sub(exponent, half))));
}

/** x = 2^exponent · (1 + fraction) for positive finite x, 1 + fraction from √½ to √2; both exact. */
function splitExponent(f: FunctionBuilder, x: Vector): { exponent: Vector; fraction: Vector } {
  const denormal = f.let(f32x4.lt(x, 2 ** -126));
  const normal = f.let(selectLanes(f, f32x4.mul(x, 2 ** 23), x, denormal));
  const exponent = f.let(i32x4.shrS(i32x4.sub(normal, 0x3f3504f3), 23));
  const mantissa = i32x4.sub(normal, i32x4.shl(exponent, 23));
  return {
    fraction: f.let(f32x4.sub(mantissa, 1)),
    exponent: f.let(f32x4.convertI32x4S(i32x4.sub(exponent, v128.and(denormal, i32x4.const(23))))),
  };
}

/** P of ln(1 + x) = x − x²/2 + x³ P(x), for 1 + x from √½ to √2. */
const logarithmSeries = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];

/** ln x: −∞ at 0, NaN below. Within 0.9 ulp, denormal x too. */
export function log4(f: FunctionBuilder, x: V128): Vector {
  const value = f.let(x);
  const { exponent, fraction } = splitExponent(f, value);
  const square = f.let(f32x4.mul(fraction, fraction));
  const cubic = f32x4.mul(f32x4.mul(horner(f, fraction, logarithmSeries), fraction), square);
  const small = f.multiplyAdd(square, -0.5, f.multiplyAdd(exponent, ln2Low, cubic));
  const result = f.let(f.multiplyAdd(exponent, ln2High, f32x4.add(fraction, small)));
  f.set(result, selectLanes(f, f32x4.const(-Infinity), result, f32x4.eq(value, 0)));
  f.set(result, selectLanes(f, value, result, f32x4.eq(value, Infinity)));
  return f.let(v128.or(result, v128.not(f32x4.ge(value, 0)))); // all bits set is a NaN
}

/**
 * tanh x, within 1.5 ulp.
 *
 *     |x| < 0.625: x + x³ P(x²);  above: 1 − 2 / (e^(2|x|) + 1);  the sign is that of x
 */
export function tanh4(f: FunctionBuilder, x: V128): Vector {
  const value = f.let(x);
  const size = f.let(f32x4.abs(value));
  const square = f.let(f32x4.mul(size, size));
  const p = horner(
    f,
    square,
    [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
  );
  const near = f.let(f.multiplyAdd(f32x4.mul(p, square), size, size));
  const exponential = exp4(f, f32x4.add(size, size));
  const far = f32x4.sub(1, f32x4.div(2, f32x4.add(exponential, 1)));
  const magnitude = selectLanes(f, near, far, f32x4.lt(size, 0.625));
  return f.let(v128.or(magnitude, v128.and(value, i32x4.const(signBit))));
}

/** The rounding error of the product a·b ≈ `product`, exact (Dekker 1971, no fused multiply-add needed). */
function productError(f: FunctionBuilder, a: Vector, b: Vector, product: Vector): V128 {
  const split = (x: Vector) => {
    const scaled = f.let(f32x4.mul(x, 4097));
    const high = f.let(f32x4.sub(scaled, f32x4.sub(scaled, x)));
    return { high, low: f.let(f32x4.sub(x, high)) };
  };
  const [x, y] = [split(a), split(b)];
  const crossed = f32x4.add(
    f32x4.add(f32x4.sub(f32x4.mul(x.high, y.high), product), f32x4.mul(x.high, y.low)),
    f32x4.mul(x.low, y.high),
  );
  return f32x4.add(crossed, f32x4.mul(x.low, y.low));
}

/**
 * x^y with the cases of `Math.pow`. |x|^y = e^(y · ln |x|), the logarithm and its product with y carried in two
 * float32, since the exponential turns their absolute error into a relative one: within 2 ulp for results between
 * 1e-4 and 1e4, within 4 ulp everywhere.
 */
export function power4(f: FunctionBuilder, x: V128, y: V128): Vector {
  const [base, exponent] = [f.let(x), f.let(y)];
  const size = f.let(f32x4.abs(base));
  const { exponent: binary, fraction } = splitExponent(f, size);

  // ln |x| = e·ln 2 + (t − t²/2 + t³ P(t)), high + low
  const square = f.let(f32x4.mul(fraction, fraction));
  const cubic = f.let(f32x4.mul(f32x4.mul(horner(f, fraction, logarithmSeries), fraction), square));
  const halfSquare = f.let(f32x4.mul(square, 0.5));
  const near = f.let(f32x4.sub(fraction, halfSquare));
  const nearLow = f32x4.sub(f32x4.sub(fraction, near), halfSquare);
  const squareLow = f32x4.mul(productError(f, fraction, fraction, square), 0.5);
  const scale = f.let(f32x4.mul(binary, ln2High));
  const sum = f.let(f32x4.add(scale, near));
  const sumLow = f32x4.sub(near, f32x4.sub(sum, scale));
  const rest = f32x4.add(f32x4.sub(nearLow, squareLow), f32x4.add(sumLow, f32x4.mul(binary, ln2Low)));
  const low = f.let(f32x4.add(rest, cubic));
  const high = f.let(f32x4.add(sum, low));
  const highLow = f.let(f32x4.sub(low, f32x4.sub(high, sum)));
  f.set(high, selectLanes(f, f32x4.const(-Infinity), high, f32x4.eq(size, 0)));
  f.set(high, selectLanes(f, size, high, f32x4.eq(size, Infinity)));
  f.set(high, selectLanes(f, size, high, f32x4.ne(size, size)));

  const product = f.let(f32x4.mul(exponent, high));
  const productLow = f.let(f32x4.add(productError(f, exponent, high, product), f32x4.mul(exponent, highLow)));
  // Where the product is infinite or huge its low part is NaN or worthless; elsewhere it is below 2^-16.
  const usable = f32x4.lt(f32x4.abs(productLow), 2 ** -10);
  const result = exp4(f, product, v128.and(productLow, usable));

  // A negative base: the sign of an odd exponent, NaN for one that is no integer.
  const half = f.let(f32x4.mul(exponent, 0.5));
  const integer = f.let(f32x4.eq(f32x4.floor(exponent), exponent));
  const odd = v128.and(integer, f32x4.ne(f32x4.floor(half), half));
  f.set(result, v128.or(result, v128.and(v128.and(odd, base), i32x4.const(signBit))));
  const negative = v128.and(f32x4.lt(base, 0), f32x4.gt(base, -Infinity));
  f.set(result, v128.or(result, v128.andnot(v128.and(negative, f32x4.eq(exponent, exponent)), integer)));
  return f.let(selectLanes(f, f32x4.const(1), result, f32x4.eq(exponent, 0)));
}

/** `mix32` of core/random.ts. */
function mix4(f: FunctionBuilder, value: V128): Vector {
  const x = f.let(value);
  f.set(x, v128.xor(x, i32x4.shrU(x, 16)));
  f.set(x, i32x4.mul(x, i32x4.const(0x21f0aaad)));
  f.set(x, v128.xor(x, i32x4.shrU(x, 15)));
  f.set(x, i32x4.mul(x, i32x4.const(0x735a2d97)));
  f.set(x, v128.xor(x, i32x4.shrU(x, 15)));
  return x;
}

/** The step's term of `randomUniform4`: step · 0x9e3779b9 + key. The same for all elements, so worth hoisting. */
export function randomTerm4(f: FunctionBuilder, step: V128, key: number): Vector {
  return f.let(i32x4.add(i32x4.mul(step, i32x4.const(0x9e3779b9)), i32x4.const(key)));
}

/** `randomUniform(counter, key, step)` of core/random.ts, the same bits. */
export function randomUniform4(f: FunctionBuilder, counter: V128, key: number, term: V128): Vector {
  const first = mix4(f, v128.xor(counter, i32x4.const(key)));
  const bits = i32x4.shrU(mix4(f, i32x4.add(first, term)), 8);
  return f.let(f32x4.mul(f32x4.convertI32x4S(v128.or(bits, i32x4.const(1))), 2 ** -24));
}
