/**
 * A pointwise op of one's own: mish(x) = x · tanh(softplus(x)) (Misra 2019). Its value is an expression, from which
 * every backend makes its own code; its gradient is graph, so that it fuses and can be differentiated again.
 */
import { checkGradients, definePointwise, expressions, gradients } from '../src/index.js';

const { call, constantOf } = expressions;

/** ln(1 + e^x) as max(x, 0) + ln(1 + e^(−|x|)), which does not overflow. */
const softplus = (x: expressions.Expression): expressions.Expression => {
  const rest = call('exp', call('negate', call('abs', x)));
  return call('add', call('relu', x), call('log', call('add', constantOf(1), rest)));
};

const mish = definePointwise('mish', {
  value: ([x]) => call('multiply', x!, call('tanh', softplus(x!))),
  // with t = tanh(softplus x): d mish = t + x · (1 − t²) · σ(x)
  backward: ([x], _y, g) => {
    const t = x!.exp().add(1).log().tanh();
    const slope = t.add(x!.multiply(t.square().negate().add(1)).multiply(x!.sigmoid()));
    return [g.multiply(slope)];
  },
});

const inputs = [{ data: [-3, -1, -0.2, 0.4, 1.5, 4], shape: [2, 3] }];
const checks = {
  'the gradient': await checkGradients((x) => mish(x), inputs),
  'the gradient of the gradient': await checkGradients((x) => gradients(mish(x).sum(), [x])[0]!, inputs),
};
for (const [what, { analytic, numeric }] of Object.entries(checks)) {
  console.log(`${what} in a random direction: ${analytic}, by differences ${numeric}`);
}
