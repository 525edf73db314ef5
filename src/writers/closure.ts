/** Prints an expression as a JavaScript closure: the definition that the other writers are tested against. */
import type { Expression, PointwiseFunction } from '../core/expression.js';
import { randomUniform } from '../core/random.js';

/**
 * The value of an expression at one position: `operands[i]` is the element of operand i there, `index` the row-major
 * index of the position. float32 work is done in double precision, on operands and constants that are float32 (storing
 * is what rounds); int32 work in exact 32-bit integers that wrap around.
 */
type Closure = (operands: ArrayLike<number>, index: number) => number;

type Scalar = (a: number, b: number, c: number) => number;

const onFloats: Readonly<Record<PointwiseFunction, Scalar>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  equal: (a, b) => (a === b ? 1 : 0),
  notEqual: (a, b) => (a !== b ? 1 : 0),
  less: (a, b) => (a < b ? 1 : 0),
  lessEqual: (a, b) => (a <= b ? 1 : 0),
  greater: (a, b) => (a > b ? 1 : 0),
  greaterEqual: (a, b) => (a >= b ? 1 : 0),
  negate: (a) => -a,
  abs: (a) => Math.abs(a),
  relu: (a) => (a < 0 ? 0 : a),
  exp: (a) => Math.exp(a),
  log: (a) => Math.log(a),
  sqrt: (a) => Math.sqrt(a),
  tanh: (a) => Math.tanh(a),
  floor: (a) => Math.floor(a),
  flush: (a, b) => (Math.abs(a) < b ? 0 : a),
  where: (a, b, c) => (a !== 0 ? b : c),
  toFloat: (a) => a,
  toInt: (a) => Math.min(Math.max(a, -0x80000000), 0x7fffffff) | 0,
};

/** Where 32-bit integers differ: the results that can leave the range wrap around. */
const onIntegers: Readonly<Record<PointwiseFunction, Scalar>> = {
  ...onFloats,
  add: (a, b) => (a + b) | 0,
  subtract: (a, b) => (a - b) | 0,
  multiply: (a, b) => Math.imul(a, b),
  negate: (a) => -a | 0,
  abs: (a) => Math.abs(a) | 0,
};

/** Turns the tree into nested closures, one per node. */
export function compileClosure(expression: Expression): Closure {
  switch (expression.type) {
    case 'input': {
      const { index: operand } = expression;
      return (operands) => operands[operand]!;
    }
    case 'constant': {
      const value = expression.dtype === 'int32' ? expression.value | 0 : Math.fround(expression.value);
      return () => value;
    }
    case 'random': {
      const { key } = expression;
      const step = compileClosure(expression.step);
      return (operands, index) => randomUniform(index, key, step(operands, index));
    }
    case 'call':
      return compileCall(expression);
  }
}

function compileCall(expression: Extract<Expression, { type: 'call' }>): Closure {
  // The last argument tells the type of the work: the first of `where` is a condition, always float32.
  const table = expression.arguments.at(-1)!.dtype === 'int32' ? onIntegers : onFloats;
  const apply = table[expression.function];
  const [a, b, c] = expression.arguments.map(compileClosure);
  if (b === undefined) return (operands, index) => apply(a!(operands, index), 0, 0);
  if (c === undefined) return (operands, index) => apply(a!(operands, index), b(operands, index), 0);
  return (operands, index) => apply(a!(operands, index), b(operands, index), c(operands, index));
}
