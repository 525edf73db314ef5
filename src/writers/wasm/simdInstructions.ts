/** One row per pointwise function: its vector instructions for float32 and int32 lanes. */
import type { ComputeType, PointwiseFunction } from '../../core/expression.js';
import { at, type Leading, leading } from '../../core/lists.js';
import { type FunctionBuilder, f32x4, i32x4, type V128, v128 } from './assembler.js';
import { exp4, log4, power4, selectLanes, tanh4 } from './simdMath.js';

/** Beside the functions of expressions: what `where` and comparisons are made of. Masks have all bits of a lane set. */
export type SimdInstruction =
  | Exclude<PointwiseFunction, 'where'>
  /** 1 where the mask is set, else 0. */
  | 'maskToFloat'
  /** The conjunction of two masks. */
  | 'both'
  /** where(mask, a, b) as (a, b, mask); with b = 0 as (a, mask); with a = 0 as (b, mask). */
  | 'choose'
  | 'keepWhere'
  | 'dropWhere';

type Binary = (a: V128, b: V128) => V128;
type Unary = (a: V128) => V128;
/** `dtype` is the compute type of the operands. Arguments may be used several times: they are variables or constants. */
type Printer = (f: FunctionBuilder, args: readonly V128[], dtype: ComputeType) => V128;

const binary =
  (float: Binary, integer: Binary): Printer =>
  (_f, args, dtype) => {
    const [a, b] = leading(args, 2);
    return (dtype === 'float32' ? float : integer)(a, b);
  };

const unary =
  (float: Unary, integer: Unary): Printer =>
  (_f, args, dtype) =>
    (dtype === 'float32' ? float : integer)(at(args, 0));

const float =
  <Count extends 1 | 2 | 3>(
    count: Count,
    print: (args: Leading<V128, Count>, f: FunctionBuilder) => V128,
  ): Printer =>
  (f, args) =>
    print(leading(args, count), f);

export const instructions: Readonly<Record<SimdInstruction, Printer>> = {
  add: binary(f32x4.add, i32x4.add),
  subtract: binary(f32x4.sub, i32x4.sub),
  multiply: binary(f32x4.mul, i32x4.mul),
  divide: float(2, ([a, b]) => f32x4.div(a, b)),
  power: float(2, ([a, b], f) => power4(f, a, b)),
  maximum: binary(f32x4.max, i32x4.maxS),
  minimum: binary(f32x4.min, i32x4.minS),
  equal: binary(f32x4.eq, i32x4.eq),
  notEqual: binary(f32x4.ne, i32x4.ne),
  less: binary(f32x4.lt, i32x4.ltS),
  lessEqual: binary(f32x4.le, i32x4.leS),
  greater: binary(f32x4.gt, i32x4.gtS),
  greaterEqual: binary(f32x4.ge, i32x4.geS),
  negate: unary(f32x4.neg, i32x4.neg),
  abs: unary(f32x4.abs, i32x4.abs),
  // pmax(a, 0) is a < 0 ? 0 : a, word for word
  relu: unary(
    (a) => f32x4.pmax(a, 0),
    (a) => i32x4.maxS(a, 0),
  ),
  exp: float(1, ([a], f) => exp4(f, a)),
  log: float(1, ([a], f) => log4(f, a)),
  sqrt: float(1, ([a]) => f32x4.sqrt(a)),
  tanh: float(1, ([a], f) => tanh4(f, a)),
  floor: float(1, ([a]) => f32x4.floor(a)),
  // not f32x4.abs, for which V8 makes its mask anew each time: this one stays in a register. Adam's update: 0.85 of the time
  flush: float(2, ([a, b]) => v128.andnot(a, f32x4.lt(v128.and(a, i32x4.const(0x7fffffff)), b))),
  toFloat: float(1, ([a]) => f32x4.convertI32x4S(a)),
  toInt: float(1, ([a]) => i32x4.truncSatF32x4S(a)),
  maskToFloat: float(1, ([mask]) => v128.and(mask, f32x4.const(1))),
  both: float(2, ([a, b]) => v128.and(a, b)),
  choose: float(3, ([a, b, mask], f) => selectLanes(f, a, b, mask)),
  keepWhere: float(2, ([a, mask]) => v128.and(a, mask)),
  dropWhere: float(2, ([b, mask]) => v128.andnot(b, mask)),
};
