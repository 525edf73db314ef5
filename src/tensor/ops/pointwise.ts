/**
 * The pointwise ops: one row each, with its value, its gradient and its derivative in words. Operands broadcast to a
 * common shape (NumPy's rule) and must have one dtype; a number takes the dtype of the tensor beside it.
 */
import { bytesOf, checkHolds, type Dtype, saturated } from '../../core/dtype.js';
import { DtypeError } from '../../core/errors.js';
import {
  call,
  computeType,
  constantOf,
  type Expression,
  input,
  type PointwiseFunction,
} from '../../core/expression.js';
import { at, type Leading, leading } from '../../core/lists.js';
import { smallestNormal, tiny, tinySlope } from '../../core/math.js';
import { broadcastShapes } from '../../core/shape.js';
import { checkDtype, checkTensor, node, toTensor } from '../build.js';
import type { Op } from '../op.js';
import { Tensor, type TensorLike } from '../tensor.js';
import { erfValue, flushed, logOnePlus, sigmoidValue } from './pointwiseValues.js';
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

const zero = (like: Expression) => constantOf(0, like.dtype);

/** A row of so many operands. */
interface Row<Count extends 1 | 2 | 3> {
  readonly value: (x: Leading<Expression, Count>, scalars: readonly number[]) => Expression;
  readonly backward: (
    x: Leading<Tensor, Count>,
    y: Tensor,
    g: Tensor,
    scalars: readonly number[],
  ) => readonly (Tensor | undefined)[];
}

const rowOf =
  <Count extends 1 | 2 | 3>(count: Count) =>
  ({ value, backward }: Row<Count>): PointwiseRow => ({
    value: (x, scalars) => value(leading(x, count), scalars),
    backward: (x, y, g, scalars) => backward(leading(x, count), y, g, scalars),
  });
const [unaryRow, binaryRow, ternaryRow] = [rowOf(1), rowOf(2), rowOf(3)];

export const pointwiseRows = {
  // ∂(a + b) = 1, 1
  add: { value: direct('add'), backward: (_x, _y, g) => [g, g] },
  // ∂(a − b) = 1, −1
  subtract: { value: direct('subtract'), backward: (_x, _y, g) => [g, negate(g)] },
  // ∂(a·b) = b, a
  multiply: binaryRow({
    value: direct('multiply'),
    backward: ([a, b], _y, g) => [multiply(g, b), multiply(g, a)],
  }),
  // ∂(a / b) = 1 / b, −a / b² = −y / b
  divide: binaryRow({
    value: direct('divide'),
    backward: ([, b], y, g) => [divide(g, b), negate(divide(multiply(g, y), b))],
  }),
  // ∂(a^b) = b · a^(b−1), a^b · ln a (0 where a ≤ 0: there the derivative in b is not real)
  power: binaryRow({
    value: direct('power'),
    backward: ([a, b], y, g) => [
      // where b = 0, a⁰ stands for a⁻¹: at a = 0 that is finite, and times b = 0 the slope that 1 has
      multiply(g, multiply(b, power(a, subtract(where(equal(b, 0), 1, b), 1)))),
      multiply(g, where(greater(a, 0), multiply(y, log(where(greater(a, 0), a, 1))), 0)),
    ],
  }),
  // the gradient of a tie goes to a
  maximum: binaryRow({
    value: direct('maximum'),
    backward: ([a, b], _y, g) => [where(greaterEqual(a, b), g, 0), where(greaterEqual(a, b), 0, g)],
  }),
  minimum: binaryRow({
    value: direct('minimum'),
    backward: ([a, b], _y, g) => [where(lessEqual(a, b), g, 0), where(lessEqual(a, b), 0, g)],
  }),
  equal: { value: direct('equal'), backward: none },
  notEqual: { value: direct('notEqual'), backward: none },
  less: { value: direct('less'), backward: none },
  lessEqual: { value: direct('lessEqual'), backward: none },
  greater: { value: direct('greater'), backward: none },
  greaterEqual: { value: direct('greaterEqual'), backward: none },
  // d(−x) = −1
  negate: { value: direct('negate'), backward: (_x, _y, g) => [negate(g)] },
  // d|x| = sign x, 0 at 0
  abs: unaryRow({
    value: direct('abs'),
    backward: ([x], _y, g) => [multiply(g, subtract(greater(x, 0), less(x, 0)))],
  }),
  // de^x = e^x
  exp: { value: direct('exp'), backward: (_x, y, g) => [multiply(g, y)] },
  // d ln x = 1 / x
  log: unaryRow({ value: direct('log'), backward: ([x], _y, g) => [divide(g, x)] }),
  // d√x = 1 / (2√x)
  sqrt: { value: direct('sqrt'), backward: (_x, y, g) => [divide(multiply(g, 0.5), y)] },
  // dx² = 2x
  square: unaryRow({
    value: ([x]) => call('multiply', x, x),
    backward: ([x], _y, g) => [multiply(g, multiply(x, 2))],
  }),
  // d tanh x = 1 − tanh² x
  tanh: { value: direct('tanh'), backward: (_x, y, g) => [multiply(g, subtract(1, multiply(y, y)))] },
  // σ' = σ (1 − σ)
  sigmoid: unaryRow({
    value: ([x]) => sigmoidValue(x),
    backward: (_x, y, g) => [multiply(g, flush(multiply(y, subtract(1, y)), tinySlope))],
  }),
  // d relu = 1 where x > 0, else 0; told from y, so that x need not be kept
  relu: { value: direct('relu'), backward: (_x, y, g) => [where(greater(y, 0), g, 0)] },
  // d leakyRelu = 1 where x > 0, else the slope
  leakyRelu: unaryRow({
    value: ([x], [slope = 0.3]) =>
      call('where', call('greater', x, zero(x)), x, call('multiply', x, constantOf(slope))),
    backward: ([x], _y, g, [slope = 0.3]) => [where(greater(x, 0), g, multiply(g, slope))],
  }),
  // d erf x = 2/√π · e^(−x²)
  erf: unaryRow({
    value: ([x]) => erfValue(x),
    backward: ([x], _y, g) => [
      multiply(g, flush(multiply(exp(negate(square(x))), 1.1283791670955126), tinySlope)),
    ],
  }),
  // d softplus = σ(x); softplus x = max(x, 0) + ln(1 + e^(−|x|)) does not overflow
  softplus: unaryRow({
    value: ([x]) =>
      flushed(
        call('add', call('relu', x), logOnePlus(call('exp', call('negate', call('abs', x))))),
        smallestNormal,
      ),
    backward: ([x], _y, g) => [multiply(g, flush(sigmoid(x), tinySlope))],
  }),
  // ⌊x⌋ is flat
  floor: { value: direct('floor'), backward: none },
  // d flush = 1 where the result is not 0, else 0
  flush: unaryRow({
    value: ([x], [threshold = tiny]) => flushed(x, threshold),
    backward: (_x, y, g) => [where(notEqual(y, 0), g, 0)],
  }),
  // d clip = 1 inside [low, high], else 0
  clip: unaryRow({
    value: ([x], [low = -Infinity, high = Infinity]) =>
      call('minimum', call('maximum', x, constantOf(low, x.dtype)), constantOf(high, x.dtype)),
    backward: ([x], _y, g, [low = -Infinity, high = Infinity]) => [
      where(multiply(greaterEqual(x, low), lessEqual(x, high)), g, 0),
    ],
  }),
  // the gradient flows to the side that was chosen
  where: ternaryRow({
    value: direct('where'),
    backward: ([c], _y, g) => [undefined, where(c, g, 0), where(c, 0, g)],
  }),
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
  for (const operand of operands) checkTensor(name, operand);
  const shape = broadcastShapes(name, ...operands.map((operand) => operand.shape));
  for (const operand of operands) checkDtype(name, operand, 'float32', 'int32');
  const compared = name === 'where' ? operands.slice(1) : operands;
  if (compared.some((operand) => operand.dtype !== at(compared, 0).dtype)) {
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
  return node(op, inputs, { scalars, value }, { shape, dtype });
}

const unary =
  (name: RowName) =>
  (x: Tensor, ...scalars: number[]): Tensor =>
    pointwiseNode(name, pointwiseRows[name], [x], scalars);

type Binary = (a: TensorLike, b: TensorLike) => Tensor;

const binary =
  (name: RowName): Binary =>
  (a, b) => {
    for (const side of [a, b]) if (side instanceof Tensor) checkDtype(name, side, 'float32', 'int32');
    const left = toTensor(name, a, b instanceof Tensor ? b : undefined);
    return pointwiseNode(name, pointwiseRows[name], [left, toTensor(name, b, left)], []);
  };

/** Of a comparison, where an infinity beside an int32 is compared as a float32: exact, since no int32 comes near. */
const comparison =
  (name: RowName): Binary =>
  (a, b) => {
    const infinite = [a, b].some((side) => typeof side === 'number' && Math.abs(side) === Infinity);
    const widened = (side: TensorLike) =>
      infinite && side instanceof Tensor && side.dtype === 'int32' ? cast(side, 'float32') : side;
    return binary(name)(widened(a), widened(b));
  };

/** Of the larger or smaller, where an infinity beside an int32 is the last int32. */
const extreme =
  (name: RowName): Binary =>
  (a, b) => {
    const nearest = (side: TensorLike, other: TensorLike) =>
      typeof side === 'number' && other instanceof Tensor ? saturated(side, other.dtype) : side;
    return binary(name)(nearest(a, b), nearest(b, a));
  };

/** a + b */
export const add: Binary = binary('add');
/** a − b */
export const subtract: Binary = binary('subtract');
/** a · b, elementwise */
export const multiply: Binary = binary('multiply');
/** a / b, float32 */
export const divide: Binary = binary('divide');
/** a ^ b, float32, as `Math.pow`; the gradient in b is 0 where a ≤ 0 */
export const power: Binary = binary('power');
/** The larger; NaN if either is NaN. The gradient of a tie goes to a. */
export const maximum: Binary = extreme('maximum');
/** The smaller; NaN if either is NaN. The gradient of a tie goes to a. */
export const minimum: Binary = extreme('minimum');
/** 1 where a = b, else 0, in float32 */
export const equal: Binary = comparison('equal');
/** 1 where a ≠ b, else 0, in float32 */
export const notEqual: Binary = comparison('notEqual');
/** 1 where a < b, else 0, in float32 */
export const less: Binary = comparison('less');
/** 1 where a ≤ b, else 0, in float32 */
export const lessEqual: Binary = comparison('lessEqual');
/** 1 where a > b, else 0, in float32 */
export const greater: Binary = comparison('greater');
/** 1 where a ≥ b, else 0, in float32 */
export const greaterEqual: Binary = comparison('greaterEqual');
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
/** 1 / (1 + e^(−x)); what would be subnormal is 0 */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid')(x);
/** max(x, 0), with gradient 0 at 0 */
export const relu = (x: Tensor): Tensor => unary('relu')(x);
/** x where x > 0, else slope · x. The default slope, 0.3, is Keras's. */
export const leakyRelu = (x: Tensor, slope = 0.3): Tensor => unary('leakyRelu')(x, slope);
/** The error function, within 1.5e-7 and, where it is small, within 4e-7 of itself. */
export const erf = (x: Tensor): Tensor => unary('erf')(x);
/** ln(1 + e^x) without overflow, and without loss of digits where it is small; what would be subnormal is 0 */
export const softplus = (x: Tensor): Tensor => unary('softplus')(x);
/** The largest integer not above x, as float32. No gradient flows. */
export const floor = (x: Tensor): Tensor => unary('floor')(x);
/**
 * x, and 0 where |x| is below `threshold` (default 2⁻¹⁰⁰; NaN stays NaN): for what decays without end, since subnormal
 * numbers are slow. The gradient is 0 where the result is.
 */
export const flush = (x: Tensor, threshold = tiny): Tensor => unary('flush')(x, threshold);
/** min(max(x, low), high); an infinity beside an int32 is no limit. */
export const clip = (x: Tensor, low: number, high: number): Tensor => {
  checkDtype('clip', x, 'float32', 'int32');
  const [least, most] = [saturated(low, x.dtype), saturated(high, x.dtype)];
  for (const limit of [least, most]) checkHolds('clip', limit, x.dtype);
  return unary('clip')(x, least, most);
};
/** x · Φ(x) with the exact normal distribution (Hendrycks and Gimpel 2016), not its tanh approximation. */
export const gelu = (x: Tensor): Tensor => multiply(multiply(x, 0.5), add(erf(multiply(x, Math.SQRT1_2)), 1));

/** `yes` where the float32 `condition` is not 0, else `no`. */
export function where(condition: Tensor, yes: TensorLike, no: TensorLike): Tensor {
  checkDtype('where', condition, 'float32');
  const like = yes instanceof Tensor ? yes : no instanceof Tensor ? no : condition;
  return pointwiseNode(
    'where',
    pointwiseRows.where,
    [condition, toTensor('where', yes, like), toTensor('where', no, like)],
    [],
  );
}

const castOp: Op<{ readonly dtype: Dtype }> = {
  name: 'cast',
  // rounding is flat; between equal types the gradient passes
  backward: (y, g) => [y.dtype === 'float32' && at(y.inputs, 0).dtype === 'float32' ? g : undefined],
  lower: ({ inputs, attributes }) => ({
    type: 'kernel',
    kind: 'map',
    specification: {
      expressions: [
        call(
          attributes.dtype === 'float32' ? 'toFloat' : 'toInt',
          input(0, computeType(at(inputs, 0).dtype)),
        ),
      ],
    },
  }),
};

/**
 * Converts. float32 → int32 truncates toward zero and saturates (NaN gives 0), → uint8 also takes the value modulo 256.
 * No gradient flows through an integer.
 */
export function cast(x: Tensor, dtype: Dtype): Tensor {
  checkTensor('cast', x);
  if (!Object.hasOwn(bytesOf, dtype)) {
    throw new DtypeError(`cast: there is no dtype '${dtype}': ${Object.keys(bytesOf).join(', ')}`);
  }
  return x.dtype === dtype ? x : node(castOp, [x], { dtype }, { shape: x.shape, dtype });
}

/**
 * Defines a pointwise op of your own from an expression and a gradient; see docs/adding-an-op.md.
 *
 * @returns a function of as many tensors as `row.value` reads operands
 */
export function definePointwise(name: string, row: PointwiseRow): (...operands: Tensor[]) => Tensor {
  return (...operands) => pointwiseNode(name, row, operands, []);
}
