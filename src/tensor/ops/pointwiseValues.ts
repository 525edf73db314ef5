/** The values of pointwise ops that are more than one function of the expression language. */
import { call, constantOf, type Expression } from '../../core/expression.js';
import { smallestNormal } from '../../core/math.js';

/** c₀ + x·(c₁ + x·(c₂ + …)) */
function polynomial(x: Expression, ascending: readonly number[]): Expression {
  return ascending
    .map((coefficient) => constantOf(coefficient))
    .reduceRight((sum, coefficient) => call('add', coefficient, call('multiply', x, sum)));
}

const erfSeries = [
  1.1283791657269748, -0.37612625825292156, 0.11283585156217586, -0.026853812079919586, 0.005188327622332943,
  -0.0008010189970468228, 7.85383861607444e-5,
];
const erfcSeries = [
  0.2084170490738399, 0.10325704078513293, 0.5097087274171497, -0.39106334999765796, 0.5699808470551684,
];

/**
 * |x| < 1: x · P(x²); above: sign x · (1 − t · Q(t) · e^(−x²)), t = 1 / (1 + 0.35 |x|), the form of Abramowitz and
 * Stegun, Handbook of Mathematical Functions (1964), 7.1.26. P and Q are least maximum fits, within 1.3e-9 of the value
 * and 4e-10; what is left is rounding.
 */
export function erfValue(x: Expression): Expression {
  const c = constantOf;
  const size = call('abs', x);
  const square = call('multiply', x, x);
  const t = call('divide', c(1), call('add', c(1), call('multiply', c(0.35), size)));
  const complement = call(
    'multiply',
    call('multiply', t, polynomial(t, erfcSeries)),
    call('exp', call('negate', square)),
  );
  const magnitude = call('subtract', c(1), complement);
  const far = call('where', call('less', x, c(0)), call('negate', magnitude), magnitude);
  return call('where', call('less', size, c(1)), call('multiply', x, polynomial(square, erfSeries)), far);
}

/** ln(1 + x) = x − x²/2 + x³ P(x), for 1 + x from √½ to √2: that of Cephes (Stephen Moshier, logf). */
const logarithmSeries = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1,
  1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
];

/** ln(1 + x) for x ≥ 0, without the loss of digits that 1 + x has for a small x. */
export function logOnePlus(x: Expression): Expression {
  const square = call('multiply', x, x);
  const cubic = call('multiply', call('multiply', square, x), polynomial(x, logarithmSeries));
  const near = call('add', x, call('subtract', cubic, call('multiply', square, constantOf(0.5))));
  return call('where', call('less', x, constantOf(0.4)), near, call('log', call('add', constantOf(1), x)));
}

/** 1 / (1 + e^(−x)), 0 where that is subnormal */
export const sigmoidValue = (x: Expression) =>
  flushed(
    call('divide', constantOf(1), call('add', constantOf(1), call('exp', call('negate', x)))),
    smallestNormal,
  );

export const flushed = (x: Expression, threshold: number) => call('flush', x, constantOf(threshold));
