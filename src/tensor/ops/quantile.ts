import { call, constantOf, type Expression } from '../../core/expression.js';
import { definePointwise, exp, multiply, square } from './pointwise.js';

/**
 * Coefficients of PPND7: M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988), about 7 decimal digits.
 * Ascending powers; numerator, then denominator.
 */
export const centralCoefficients = {
  numerator: [3.3871327179, 50.434271938, 159.29113202, 59.10937472],
  denominator: [1, 17.895169469, 78.757757664, 67.1875636],
} as const;
export const tailCoefficients = {
  numerator: [1.4234372777, 2.75681539, 1.3067284816, 0.17023821103],
  denominator: [1, 0.7370016425, 0.12021132975],
} as const;
/** The algorithm's own constants: the center is |u − 0.5| ≤ 0.425, tails use r = √(−ln u) − 1.6. */
export const quantileSplit = { center: 0.425, centerSquared: 0.180625, tailShift: 1.6 } as const;

function polynomial(x: Expression, ascending: readonly number[]): Expression {
  return [...ascending]
    .reverse()
    .map((coefficient) => constantOf(coefficient))
    .reduce((sum, coefficient) => call('add', call('multiply', sum, x), coefficient));
}

/**
 * Φ⁻¹(u), u in (0, 1), with q = u − 0.5:
 *   |q| ≤ 0.425:  q · P(0.180625 − q²)
 *   else          ± T(√(−ln min(u, 1−u)) − 1.6), for min(u, 1−u) > e^−25 ≈ 1.4e-11
 */
function quantileValue(u: Expression): Expression {
  const c = constantOf;
  const q = call('subtract', u, c(0.5));
  const r = call('subtract', c(quantileSplit.centerSquared), call('multiply', q, q));
  const ratio = (
    x: Expression,
    { numerator, denominator }: { numerator: readonly number[]; denominator: readonly number[] },
  ) => call('divide', polynomial(x, numerator), polynomial(x, denominator));
  const center = call('multiply', q, ratio(r, centralCoefficients));
  const smaller = call('minimum', u, call('subtract', c(1), u));
  const root = call(
    'subtract',
    call('sqrt', call('negate', call('log', smaller))),
    c(quantileSplit.tailShift),
  );
  const tail = ratio(root, tailCoefficients);
  return call(
    'where',
    call('lessEqual', call('abs', q), c(quantileSplit.center)),
    center,
    call('where', call('less', q, c(0)), call('negate', tail), tail),
  );
}

/** The quantile function of the standard normal distribution: x with Φ(x) = u, for u in (1.4e-11, 1 − 1.4e-11). */
export const normalQuantile = definePointwise('normalQuantile', {
  value: ([u]) => quantileValue(u!),
  // dΦ⁻¹(u) = 1 / φ(y) = √(2π) · e^(y²/2)
  backward: (_x, y, g) => [multiply(g, multiply(exp(multiply(square(y), 0.5)), Math.sqrt(2 * Math.PI)))],
});
