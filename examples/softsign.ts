// examples/softsign.ts
import { checkGradients, definePointwise, expressions } from '../src/index.js';

const { call, constantOf } = expressions;

// softsign x = x / (1 + |x|)
const softsign = definePointwise('softsign', {
  value: ([x]) => call('divide', x!, call('add', constantOf(1), call('abs', x!))),
  // d/dx x / (1 + |x|) = 1 / (1 + |x|)²
  backward: ([x], _y, g) => [g.divide(x!.abs().add(1).square())],
});

const { relativeError } = await checkGradients(softsign, [{ data: [-2, -0.5, 0.25, 3], shape: [4] }]);
console.log(`the gradient is right to ${relativeError.toExponential(0)}`);
