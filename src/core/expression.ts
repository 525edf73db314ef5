/**
 * The meaning of pointwise work: a small tree over the operands of one element. It is written once per op and printed
 * three times, as a closure, as WebAssembly SIMD and as gpu.js source (src/writers).
 */
import { checkHolds, type Dtype } from './dtype.js';
import { DtypeError } from './errors.js';

/** The types that expressions compute with. uint8 operands are widened to int32 when they are read. */
export type ComputeType = 'float32' | 'int32';

export type Expression =
  /** The element of operand `index` at this position. */
  | { readonly type: 'input'; readonly index: number; readonly dtype: ComputeType }
  | { readonly type: 'constant'; readonly value: number; readonly dtype: ComputeType }
  /**
   * `randomUniform(counter, key, step)` of core/random.ts, in (0, 1): the counter is the row-major index of the output
   * element (in the prologue of a reduction: of the element before it is reduced), `step` an int32 expression.
   */
  | { readonly type: 'random'; readonly key: number; readonly step: Expression; readonly dtype: 'float32' }
  | {
      readonly type: 'call';
      readonly function: PointwiseFunction;
      readonly arguments: readonly Expression[];
      readonly dtype: ComputeType;
    };

interface Signature {
  readonly arity: 1 | 2 | 3;
  /** Argument types that are taken: float32 alone, or float32 and int32. */
  readonly takes: 'float' | 'both';
  /** 'same' is the arguments' own type. */
  readonly gives: 'same' | ComputeType;
  /** The definition, in real numbers; `where` selects by its first argument being other than 0. */
  readonly doc: string;
}

/** Every function that an expression may call. Each writer prints all of them: a forgotten one is a type error. */
export const pointwiseFunctions = {
  add: { arity: 2, takes: 'both', gives: 'same', doc: 'a + b' },
  subtract: { arity: 2, takes: 'both', gives: 'same', doc: 'a − b' },
  multiply: { arity: 2, takes: 'both', gives: 'same', doc: 'a · b' },
  divide: { arity: 2, takes: 'float', gives: 'same', doc: 'a / b' },
  power: { arity: 2, takes: 'float', gives: 'same', doc: 'a ^ b, as Math.pow' },
  maximum: { arity: 2, takes: 'both', gives: 'same', doc: 'the larger; NaN if either is NaN' },
  minimum: { arity: 2, takes: 'both', gives: 'same', doc: 'the smaller; NaN if either is NaN' },
  equal: { arity: 2, takes: 'both', gives: 'float32', doc: '1 where a = b, else 0' },
  notEqual: { arity: 2, takes: 'both', gives: 'float32', doc: '1 where a ≠ b, else 0' },
  less: { arity: 2, takes: 'both', gives: 'float32', doc: '1 where a < b, else 0' },
  lessEqual: { arity: 2, takes: 'both', gives: 'float32', doc: '1 where a ≤ b, else 0' },
  greater: { arity: 2, takes: 'both', gives: 'float32', doc: '1 where a > b, else 0' },
  greaterEqual: { arity: 2, takes: 'both', gives: 'float32', doc: '1 where a ≥ b, else 0' },
  negate: { arity: 1, takes: 'both', gives: 'same', doc: '−a' },
  abs: { arity: 1, takes: 'both', gives: 'same', doc: '|a|' },
  relu: { arity: 1, takes: 'both', gives: 'same', doc: 'a < 0 ? 0 : a (NaN stays NaN)' },
  exp: { arity: 1, takes: 'float', gives: 'same', doc: 'e ^ a' },
  log: { arity: 1, takes: 'float', gives: 'same', doc: 'ln a' },
  sqrt: { arity: 1, takes: 'float', gives: 'same', doc: '√a' },
  tanh: { arity: 1, takes: 'float', gives: 'same', doc: 'tanh a' },
  floor: { arity: 1, takes: 'float', gives: 'same', doc: '⌊a⌋' },
  flush: { arity: 2, takes: 'float', gives: 'same', doc: '|a| < b ? 0 : a (NaN stays NaN)' },
  where: { arity: 3, takes: 'both', gives: 'same', doc: 'a ≠ 0 ? b : c; a is float32, b and c of one type' },
  toFloat: { arity: 1, takes: 'both', gives: 'float32', doc: 'a as float32' },
  toInt: {
    arity: 1,
    takes: 'both',
    gives: 'int32',
    doc: 'a truncated toward zero, saturated to int32; NaN gives 0',
  },
} as const satisfies Record<string, Signature>;

export type PointwiseFunction = keyof typeof pointwiseFunctions;

/** The type that elements of `dtype` are computed in. */
export function computeType(dtype: Dtype): ComputeType {
  return dtype === 'float32' ? 'float32' : 'int32';
}

/** Operand `index`, in its compute type; in an epilogue 0 is the result of the kernel. Default float32. */
export function input(index: number, dtype: ComputeType = 'float32'): Expression {
  return { type: 'input', index, dtype };
}

/** A number. Default float32. Throws a DtypeError for one that the dtype does not hold. */
export function constantOf(value: number, dtype: ComputeType = 'float32'): Expression {
  checkHolds('constantOf', value, dtype);
  return { type: 'constant', value, dtype };
}

/**
 * A uniform float32 in (0, 1): `randomUniform(counter, key, step)` of random.ts, whose counter is the row-major index of
 * the element that is computed.
 *
 * @param key 32 bits, from `randomKey`
 * @param step an int32
 */
export function random(key: number, step: Expression): Expression {
  return { type: 'random', key, step, dtype: 'float32' };
}

/** Calls a pointwise function. Throws a DtypeError where the argument types do not fit it. */
export function call(name: PointwiseFunction, ...args: readonly Expression[]): Expression {
  const signature: Signature = pointwiseFunctions[name];
  const operands = name === 'where' ? args.slice(1) : args;
  const dtype = operands[0]!.dtype;
  const fits =
    args.length === signature.arity &&
    operands.every((operand) => operand.dtype === dtype) &&
    (signature.takes === 'both' || dtype === 'float32') &&
    (name !== 'where' || args[0]!.dtype === 'float32');
  if (!fits) {
    throw new DtypeError(`${name}: does not take (${args.map((argument) => argument.dtype).join(', ')})`);
  }
  return {
    type: 'call',
    function: name,
    arguments: args,
    dtype: signature.gives === 'same' ? dtype : signature.gives,
  };
}

const arithmetic: Partial<Record<PointwiseFunction, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
};

function isConstant(expression: Expression | undefined, value: number): boolean {
  return expression?.type === 'constant' && expression.value === value;
}

/** Folds float32 arithmetic on constants and drops multiplications by 1 and additions of 0. Exact. */
export function simplify(expression: Expression): Expression {
  if (expression.type !== 'call') return expression;
  const args = expression.arguments.map(simplify);
  const [a, b] = args;
  const compute = arithmetic[expression.function];
  if (
    compute !== undefined &&
    expression.dtype === 'float32' &&
    a?.type === 'constant' &&
    b?.type === 'constant'
  ) {
    return constantOf(Math.fround(compute(Math.fround(a.value), Math.fround(b.value))));
  }
  if (expression.function === 'multiply' && isConstant(a, 1)) return b!;
  if ((expression.function === 'multiply' || expression.function === 'divide') && isConstant(b, 1)) return a!;
  if ((expression.function === 'add' || expression.function === 'subtract') && isConstant(b, 0)) return a!;
  return { ...expression, arguments: args };
}

/** Replaces every operand by what `replace` gives for it. */
export function substitute(
  expression: Expression,
  replace: (operand: Extract<Expression, { type: 'input' }>) => Expression,
): Expression {
  switch (expression.type) {
    case 'input':
      return replace(expression);
    case 'constant':
      return expression;
    case 'random':
      return { ...expression, step: substitute(expression.step, replace) };
    case 'call':
      return {
        ...expression,
        arguments: expression.arguments.map((argument) => substitute(argument, replace)),
      };
  }
}

/** Calls `visit` for the expression and everything below it. */
export function walk(expression: Expression, visit: (part: Expression) => void): void {
  visit(expression);
  if (expression.type === 'random') walk(expression.step, visit);
  if (expression.type === 'call') for (const argument of expression.arguments) walk(argument, visit);
}

/** Tells whether the value depends on the position of the element (it holds a random leaf). */
export function hasRandom(expression: Expression): boolean {
  let found = false;
  walk(expression, (part) => {
    if (part.type === 'random') found = true;
  });
  return found;
}

/** Arithmetic operations per element: every call counts 1, as does a random number. */
export function countOperations(expression: Expression): number {
  let count = 0;
  walk(expression, (part) => {
    if (part.type === 'call' || part.type === 'random') count++;
  });
  return count;
}

/** `relu(add(x0, x1))`, as plans print it. */
export function formatExpression(expression: Expression): string {
  switch (expression.type) {
    case 'input':
      return `x${expression.index}`;
    case 'constant':
      return String(expression.value);
    case 'random':
      return `random(${formatExpression(expression.step)})`;
    case 'call':
      return `${expression.function}(${expression.arguments.map(formatExpression).join(', ')})`;
  }
}
