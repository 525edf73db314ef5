/**
 * The pointwise ops: one row each, with its value, its gradient and its derivative in words. Operands broadcast to a
 * common shape (NumPy's rule) and must have one dtype; a number takes the dtype of the tensor beside it.
 */
import type { Dtype } from '../../core/dtype.js';
import { DtypeError } from '../../core/errors.js';
import {
  call,
  computeType,
  constantOf,
  type Expression,
  input,
  type PointwiseFunction,
} from '../../core/expression.js';
import { broadcastShapes } from '../../core/shape.js';
import { checkDtype, node, scalar, toTensor } from '../build.js';
import type { Op } from '../op.js';
import { Tensor, type TensorLike } from '../tensor.js';
import { broadcastTo } from './views.js';

/** One row: `x` are the operands, `y` the result, `g` the gradient of the loss in y; scalars are its attributes. */
export interface PointwiseRow {
  readonly value: (x: readonly Expression[], scalars: readonly number[]) => Expression;
  /** undefined: no gradient flows into that operand. */
  readonly backward?: (
    x: readonly Tensor[],
    y: Tensor,
    g: Tensor,
    scalars: readonly number[],
  ) => readonly (Tensor | undefined)[];
}

/** A row whose value is one function of the expression language. */
const direct =
  (name: PointwiseFunction): PointwiseRow['value'] =>
  (x) =>
    call(name, ...x);

const none = () => [];

/**
 * erf by Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 7.1.26, absolute error below 1.5e-7:
 * erf x = sign x · (1 − (a₁t + … + a₅t⁵) e^(−x²)), t = 1 / (1 + 0.3275911 |x|)
 */
function erfValue(x: Expression): Expression {
  const c = constantOf;
  const t = call('divide', c(1), call('add', c(1), call('multiply', c(0.3275911), call('abs', x))));
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce<Expression>(
    (sum, coefficient) => call('multiply', t, call('add', c(coefficient), sum)),
    c(0),
  );
  const magnitude = call(
    'subtract',
    c(1),
    call('multiply', series, call('exp', call('negate', call('multiply', x, x)))),
  );
  return call('where', call('less', x, c(0)), call('negate', magnitude), magnitude);
}

/** 1 / (1 + e^(−x)) */
const sigmoidValue = (x: Expression) =>
  call('divide', constantOf(1), call('add', constantOf(1), call('exp', call('negate', x))));

const zero = (like: Expression) => constantOf(0, like.dtype);

export const pointwiseRows = {
  // ∂(a + b) = 1, 1
  add: { value: direct('add'), backward: (_x, _y, g) => [g, g] },
  // ∂(a − b) = 1, −1
  subtract: { value: direct('subtract'), backward: (_x, _y, g) => [g, negate(g)] },
  // ∂(a·b) = b, a
  multiply: { value: direct('multiply'), backward: ([a, b], _y, g) => [multiply(g, b!), multiply(g, a!)] },
  // ∂(a / b) = 1 / b, −a / b² = −y / b
  divide: {
    value: direct('divide'),
    backward: ([, b], y, g) => [divide(g, b!), negate(divide(multiply(g, y), b!))],
  },
  // ∂(a^b) = b · a^(b−1), a^b · ln a (0 where a ≤ 0: there the derivative in b is not real)
  power: {
    value: direct('power'),
    backward: ([a, b], y, g) => [
      multiply(g, multiply(b!, power(a!, subtract(b!, 1)))),
      multiply(g, where(greater(a!, 0), multiply(y, log(where(greater(a!, 0), a!, 1))), 0)),
    ],
  },
  // the gradient of a tie goes to a
  maximum: {
    value: direct('maximum'),
    backward: ([a, b], _y, g) => [where(greaterEqual(a!, b!), g, 0), where(greaterEqual(a!, b!), 0, g)],
  },
  minimum: {
    value: direct('minimum'),
    backward: ([a, b], _y, g) => [where(lessEqual(a!, b!), g, 0), where(lessEqual(a!, b!), 0, g)],
  },
  equal: { value: direct('equal'), backward: none },
  notEqual: { value: direct('notEqual'), backward: none },
  less: { value: direct('less'), backward: none },
  lessEqual: { value: direct('lessEqual'), backward: none },
  greater: { value: direct('greater'), backward: none },
  greaterEqual: { value: direct('greaterEqual'), backward: none },
  // d(−x) = −1
  negate: { value: direct('negate'), backward: (_x, _y, g) => [negate(g)] },
  // d|x| = sign x, 0 at 0
  abs: {
    value: direct('abs'),
    backward: ([x], _y, g) => [multiply(g, subtract(greater(x!, 0), less(x!, 0)))],
  },
  // de^x = e^x
  exp: { value: direct('exp'), backward: (_x, y, g) => [multiply(g, y)] },
  // d ln x = 1 / x
  log: { value: direct('log'), backward: ([x], _y, g) => [divide(g, x!)] },
  // d√x = 1 / (2√x)
  sqrt: { value: direct('sqrt'), backward: (_x, y, g) => [divide(multiply(g, 0.5), y)] },
  // dx² = 2x
  square: {
    value: ([x]) => call('multiply', x!, x!),
    backward: ([x], _y, g) => [multiply(g, multiply(x!, 2))],
  },
  // d tanh x = 1 − tanh² x
  tanh: { value: direct('tanh'), backward: (_x, y, g) => [multiply(g, subtract(1, multiply(y, y)))] },
  // σ' = σ (1 − σ)
  sigmoid: {
    value: ([x]) => sigmoidValue(x!),
    backward: (_x, y, g) => [multiply(g, multiply(y, subtract(1, y)))],
  },
  // d relu = 1 where x > 0, else 0; told from y, so that x need not be kept
  relu: { value: direct('relu'), backward: (_x, y, g) => [where(greater(y, 0), g, 0)] },
  // d leakyRelu = 1 where x > 0, else the slope
  leakyRelu: {
    value: ([x], [slope]) =>
      call('where', call('greater', x!, zero(x!)), x!, call('multiply', x!, constantOf(slope!))),
    backward: ([x], _y, g, [slope]) => [where(greater(x!, 0), g, multiply(g, slope!))],
  },
  // d erf x = 2/√π · e^(−x²)
  erf: {
    value: ([x]) => erfValue(x!),
    backward: ([x], _y, g) => [multiply(g, multiply(exp(negate(square(x!))), 1.1283791670955126))],
  },
  // d softplus = σ(x); softplus x = max(x, 0) + ln(1 + e^(−|x|)) does not overflow
  softplus: {
    value: ([x]) =>
      call(
        'add',
        call('relu', x!),
        call('log', call('add', constantOf(1), call('exp', call('negate', call('abs', x!))))),
      ),
    backward: ([x], _y, g) => [multiply(g, sigmoid(x!))],
  },
  // ⌊x⌋ is flat
  floor: { value: direct('floor'), backward: none },
  // d clip = 1 inside [low, high], else 0
  clip: {
    value: ([x], [low, high]) =>
      call('minimum', call('maximum', x!, constantOf(low!, x!.dtype)), constantOf(high!, x!.dtype)),
    backward: ([x], _y, g, [low, high]) => [
      where(multiply(greaterEqual(x!, low!), lessEqual(x!, high!)), g, 0),
    ],
  },
  // the gradient flows to the side that was chosen
  where: { value: direct('where'), backward: ([c], _y, g) => [undefined, where(c!, g, 0), where(c!, 0, g)] },
} satisfies Record<string, PointwiseRow>;

type RowName = keyof typeof pointwiseRows;

interface PointwiseAttributes {
  readonly scalars: readonly number[];
  readonly value: (x: readonly Expression[]) => Expression;
}

function makeOp(name: string, row: PointwiseRow): Op<PointwiseAttributes> {
  const op: Op<PointwiseAttributes> = {
    name,
    lower: ({ inputs, attributes }) => ({
      type: 'kernel',
      kind: 'map',
      specification: {
        expressions: [attributes.value(inputs.map((x, i) => input(i, computeType(x.dtype))))],
      },
    }),
  };
  const { backward } = row;
  if (backward === undefined) return op;
  return { ...op, backward: (y, g) => backward(y.inputs, y, g, y.attributes.scalars) };
}

const ops = new WeakMap<PointwiseRow, Op<PointwiseAttributes>>();

function pointwiseNode(
  name: string,
  row: PointwiseRow,
  operands: readonly Tensor[],
  scalars: readonly number[],
): Tensor {
  const shape = broadcastShapes(name, ...operands.map((operand) => operand.shape));
  for (const operand of operands) checkDtype(name, operand, 'float32', 'int32');
  const compared = name === 'where' ? operands.slice(1) : operands;
  if (compared.some((operand) => operand.dtype !== compared[0]!.dtype)) {
    throw new DtypeError(
      `${name}: dtypes differ: ${compared.map((operand) => operand.dtype).join(' and ')}`,
      {
        hint: 'cast(x, dtype) converts.',
      },
    );
  }
  const inputs = operands.map((operand) => broadcastTo(operand, shape));
  const value = (x: readonly Expression[]) => row.value(x, scalars);
  const { dtype } = value(inputs.map((x, i) => input(i, computeType(x.dtype))));
  const op = ops.get(row) ?? makeOp(name, row);
  ops.set(row, op);
  return node(op, inputs, { scalars, value }, shape, dtype);
}

/** Whether the tensor is the relu of another. */
export function isRelu(x: Tensor): boolean {
  return x.op === ops.get(pointwiseRows.relu);
}

const unary =
  (name: RowName) =>
  (x: Tensor, ...scalars: number[]): Tensor =>
    pointwiseNode(name, pointwiseRows[name], [x], scalars);

const binary =
  (name: RowName) =>
  (a: TensorLike, b: TensorLike): Tensor => {
    const left = a instanceof Tensor ? a : b instanceof Tensor ? toTensor(a, b) : scalar(a);
    return pointwiseNode(name, pointwiseRows[name], [left, toTensor(b, left)], []);
  };

/** a + b */
export const add = binary('add');
/** a − b */
export const subtract = binary('subtract');
/** a · b, elementwise */
export const multiply = binary('multiply');
/** a / b, float32 */
export const divide = binary('divide');
/** a ^ b, float32, as `Math.pow`; the gradient in b is 0 where a ≤ 0 */
export const power = binary('power');
/** The larger; NaN if either is NaN. The gradient of a tie goes to a. */
export const maximum = binary('maximum');
/** The smaller; NaN if either is NaN. The gradient of a tie goes to a. */
export const minimum = binary('minimum');
/** 1 where a = b, else 0, in float32 */
export const equal = binary('equal');
/** 1 where a ≠ b, else 0, in float32 */
export const notEqual = binary('notEqual');
/** 1 where a < b, else 0, in float32 */
export const less = binary('less');
/** 1 where a ≤ b, else 0, in float32 */
export const lessEqual = binary('lessEqual');
/** 1 where a > b, else 0, in float32 */
export const greater = binary('greater');
/** 1 where a ≥ b, else 0, in float32 */
export const greaterEqual = binary('greaterEqual');
/** −x */
export const negate = (x: Tensor): Tensor => unary('negate')(x);
/** |x|, with gradient 0 at 0 */
export const abs = (x: Tensor): Tensor => unary('abs')(x);
/** e ^ x */
export const exp = (x: Tensor): Tensor => unary('exp')(x);
/** Natural logarithm: −∞ at 0, NaN below. */
export const log = (x: Tensor): Tensor => unary('log')(x);
/** √x, NaN below 0 */
export const sqrt = (x: Tensor): Tensor => unary('sqrt')(x);
/** x² */
export const square = (x: Tensor): Tensor => unary('square')(x);
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => unary('tanh')(x);
/** 1 / (1 + e^(−x)) */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid')(x);
/** max(x, 0), with gradient 0 at 0 */
export const relu = (x: Tensor): Tensor => unary('relu')(x);
/** x where x > 0, else slope · x. The default slope, 0.3, is Keras's. */
export const leakyRelu = (x: Tensor, slope = 0.3): Tensor => unary('leakyRelu')(x, slope);
/** The error function, within 1.5e-7. */
export const erf = (x: Tensor): Tensor => unary('erf')(x);
/** ln(1 + e^x) without overflow */
export const softplus = (x: Tensor): Tensor => unary('softplus')(x);
/** The largest integer not above x, as float32. No gradient flows. */
export const floor = (x: Tensor): Tensor => unary('floor')(x);
/** min(max(x, low), high) */
export const clip = (x: Tensor, low: number, high: number): Tensor => unary('clip')(x, low, high);
/** x · Φ(x) with the exact normal distribution (Hendrycks and Gimpel 2016), not its tanh approximation. */
export const gelu = (x: Tensor): Tensor => multiply(multiply(x, 0.5), add(erf(multiply(x, Math.SQRT1_2)), 1));

/** `yes` where the float32 `condition` is not 0, else `no`. */
export function where(condition: Tensor, yes: TensorLike, no: TensorLike): Tensor {
  checkDtype('where', condition, 'float32');
  const like = yes instanceof Tensor ? yes : no instanceof Tensor ? no : condition;
  return pointwiseNode(
    'where',
    pointwiseRows.where,
    [condition, toTensor(yes, like), toTensor(no, like)],
    [],
  );
}

const castOp: Op<{ readonly dtype: Dtype }> = {
  name: 'cast',
  // rounding is flat; between equal types the gradient passes
  backward: (y, g) => [y.dtype === 'float32' && y.inputs[0]!.dtype === 'float32' ? g : undefined],
  lower: ({ inputs, attributes }) => ({
    type: 'kernel',
    kind: 'map',
    specification: {
      expressions: [
        call(attributes.dtype === 'float32' ? 'toFloat' : 'toInt', input(0, computeType(inputs[0]!.dtype))),
      ],
    },
  }),
};

/**
 * Converts. float32 → int32 truncates toward zero and saturates (NaN gives 0), → uint8 also takes the value modulo 256.
 * No gradient flows through an integer.
 */
export function cast(x: Tensor, dtype: Dtype): Tensor {
  return x.dtype === dtype ? x : node(castOp, [x], { dtype }, x.shape, dtype);
}

/**
 * Defines a pointwise op of your own from an expression and a gradient; see docs/adding-an-op.md.
 *
 * @returns a function of as many tensors as `row.value` reads operands
 */
export function definePointwise(name: string, row: PointwiseRow): (...operands: Tensor[]) => Tensor {
  return (...operands) => pointwiseNode(name, row, operands, []);
}
