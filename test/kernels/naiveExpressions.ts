/** A second definition of expressions, for naive.ts. */
import type { Expression } from '../../src/core/expression.js';
import { randomUniform } from '../../src/core/random.js';

/** Cut to 32 bits. */
export function wrapped(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** The value of an expression by walking it, integers in unbounded precision until they are cut to 32 bits. */
export function evaluate(expression: Expression, operand: (i: number) => number, index: number): number {
  switch (expression.type) {
    case 'input':
      return operand(expression.index);
    case 'constant':
      return expression.dtype === 'float32' ? Math.fround(expression.value) : expression.value;
    case 'random':
      return randomUniform(index, expression.key, evaluate(expression.step, operand, index));
    case 'call': {
      const [a, b, c] = expression.arguments.map((argument) => evaluate(argument, operand, index));
      return expression.arguments.at(-1)!.dtype === 'int32'
        ? onIntegers(expression.function, a!, b!, c!)
        : onFloats(expression.function, a!, b!, c!);
    }
  }
}

type Name = Extract<Expression, { type: 'call' }>['function'];

function onIntegers(name: Name, a: number, b: number, c: number): number {
  switch (name) {
    case 'add':
      return wrapped(BigInt(a) + BigInt(b));
    case 'subtract':
      return wrapped(BigInt(a) - BigInt(b));
    case 'multiply':
      return wrapped(BigInt(a) * BigInt(b));
    case 'negate':
      return wrapped(-BigInt(a));
    case 'abs':
      return wrapped(a < 0 ? -BigInt(a) : BigInt(a));
    default:
      return onFloats(name, a, b, c);
  }
}

function onFloats(name: Name, a: number, b: number, c: number): number {
  const both = !Number.isNaN(a) && !Number.isNaN(b);
  switch (name) {
    case 'add':
      return a + b;
    case 'subtract':
      return a + -b;
    case 'multiply':
      return a * b;
    case 'divide':
      return a / b;
    case 'power':
      return a ** b;
    case 'maximum':
      return both ? [a, b].sort((p, q) => p - q)[1]! : Number.NaN;
    case 'minimum':
      return both ? [a, b].sort((p, q) => p - q)[0]! : Number.NaN;
    case 'equal':
      return Number(a === b);
    case 'notEqual':
      return 1 - Number(a === b);
    case 'less':
      return Number(b > a);
    case 'lessEqual':
      return Number(b >= a);
    case 'greater':
      return Number(b < a);
    case 'greaterEqual':
      return Number(b <= a);
    case 'negate':
      return 0 - a;
    case 'abs':
      return a >= 0 ? a : 0 - a;
    case 'relu':
      return a >= 0 || Number.isNaN(a) ? a : 0;
    case 'flush':
      return a < b && -a < b ? 0 : a;
    case 'exp':
      return Math.E ** a;
    case 'log':
      return Math.log2(a) * Math.LN2;
    case 'sqrt':
      return a < 0 ? Number.NaN : Math.hypot(a) ** 0.5;
    case 'tanh':
      // tanh x = sign x · (1 − e^(−2|x|)) / (1 + e^(−2|x|))
      return Math.sign(a) * (-Math.expm1(-2 * Math.abs(a)) / (1 + Math.exp(-2 * Math.abs(a))));
    case 'floor':
      return Math.trunc(a) > a ? Math.trunc(a) - 1 : Math.trunc(a);
    case 'where':
      return a === 0 ? c : b;
    case 'toFloat':
      return a;
    case 'toInt': {
      if (Number.isNaN(a)) return 0;
      const limit = 2 ** 31;
      return a >= limit ? limit - 1 : a < -limit ? -limit : Number(BigInt(a - (a % 1)));
    }
  }
}
