/** The running state of a reduction in vector code: four lanes that each reduce elements of their own. */
import type { ComputeType } from '../../src/core/expression.js';
import {
  type FunctionBuilder,
  f32x4,
  i32x4,
  type Local,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { selectLanes } from '../../src/writers/wasm/simdMath.js';
import type { ReduceOperation } from './contract.js';

/** One variable; for argMax the largest value and its position. */
export type State = readonly Local<'v128'>[];

export interface Reducer {
  /** The neutral element, in place of elements that do not exist. */
  readonly neutral: V128;
  /** Order and rounding matter, so that long reductions are blocked. */
  readonly rounds: boolean;
  /** A state of no elements. */
  create(f: FunctionBuilder): State;
  reset(f: FunctionBuilder, state: State): void;
  /** Takes one more element in every lane; `position` is only asked for argMax. */
  add(f: FunctionBuilder, state: State, value: V128, position: () => V128): void;
  /** into ← into and other */
  merge(f: FunctionBuilder, into: State, other: readonly V128[]): void;
  /** The result of every lane. */
  result(state: State): V128;
}

const lanes = { float32: f32x4, int32: i32x4 } as const;
const lowest = { float32: Number.NEGATIVE_INFINITY, int32: -0x80000000 } as const;
const highest = { float32: Number.POSITIVE_INFINITY, int32: 0x7fffffff } as const;

/** Sum, max and min: one variable, the same function for elements and for states. */
function simple(neutral: V128, rounds: boolean, combine: (a: V128, b: V128) => V128): Reducer {
  return {
    neutral,
    rounds,
    create: (f) => [f.let(neutral)],
    reset: (f, [state]) => f.set(state!, neutral),
    add: (f, [state], value) => f.set(state!, combine(state!, value)),
    merge: (f, [state], [other]) => f.set(state!, combine(state!, other!)),
    result: ([state]) => state!,
  };
}

const nans = (x: V128) => f32x4.ne(x, x);

/** Masks of an order in which NaN stands above all numbers, and all NaN are the same. */
const floatOrder = {
  larger: (a: V128, b: V128) => v128.andnot(v128.or(f32x4.gt(a, b), nans(a)), nans(b)),
  same: (a: V128, b: V128) => v128.or(f32x4.eq(a, b), v128.and(nans(a), nans(b))),
};

/** The first of the largest: only what is strictly larger, or as large and earlier, replaces. NaN is larger than all numbers. */
function argMax(dtype: ComputeType): Reducer {
  const neutral = lanes[dtype].const(lowest[dtype]);
  const { larger, same } = dtype === 'float32' ? floatOrder : { larger: i32x4.gtS, same: i32x4.eq };
  const take = (f: FunctionBuilder, [best, where]: State, [value, position]: readonly V128[], mask: V128) => {
    const chosen = f.let(mask);
    f.set(best!, selectLanes(f, value!, best!, chosen));
    f.set(where!, selectLanes(f, position!, where!, chosen));
  };
  return {
    neutral,
    rounds: false,
    create: (f) => [f.let(neutral), f.let(i32x4.const(0))],
    reset: (f, [best, where]) => {
      f.set(best!, neutral);
      f.set(where!, i32x4.const(0));
    },
    add: (f, state, value, position) => take(f, state, [value, position()], larger(value, state[0]!)),
    merge: (f, state, [value, position]) => {
      const earlier = v128.and(same(value!, state[0]!), i32x4.ltS(position!, state[1]!));
      take(f, state, [value!, position!], v128.or(larger(value!, state[0]!), earlier));
    },
    result: ([, where]) => where!,
  };
}

/** `dtype` is the compute type of the elements. */
export function reducerOf(operation: ReduceOperation, dtype: ComputeType): Reducer {
  const { const: constant, add } = lanes[dtype];
  switch (operation) {
    case 'sum':
      return simple(constant(0), dtype === 'float32', add);
    case 'max':
      return simple(constant(lowest[dtype]), false, dtype === 'float32' ? f32x4.max : i32x4.maxS);
    case 'min':
      return simple(constant(highest[dtype]), false, dtype === 'float32' ? f32x4.min : i32x4.minS);
    case 'argMax':
      return argMax(dtype);
  }
}

/** Combines the four lanes of a state, always in the order (0, 2) with (1, 3): the result is in every lane. */
export function mergeLanes(f: FunctionBuilder, reducer: Reducer, state: State): void {
  for (const order of [
    [2, 3, 0, 1],
    [1, 0, 3, 2],
  ] as const) {
    const turned = state.map((local) => f.let(i32x4.shuffle(local, local, order)));
    reducer.merge(f, state, turned);
  }
}

/**
 * The total of a reduction that comes in blocks. Sums of blocks are added with their rounding errors kept (Knuth's
 * two-sum; the total is right as if it had twice the digits), so that the error of a long sum is that of one block.
 */
export class Total {
  private readonly state: State;
  private readonly errors: Local<'v128'> | undefined;

  constructor(
    private readonly f: FunctionBuilder,
    private readonly reducer: Reducer,
  ) {
    this.state = reducer.create(f);
    if (reducer.rounds) this.errors = f.let(f32x4.const(0));
  }

  add(block: readonly V128[]): void {
    const { f, errors } = this;
    if (errors === undefined) {
      this.reducer.merge(f, this.state, block);
      return;
    }
    const [total, value] = [this.state[0]!, block[0]!];
    // s = total + value; error = (total − (s − v)) + (value − v) with v = s − total
    const sum = f.let(f32x4.add(total, value));
    const added = f.let(f32x4.sub(sum, total));
    const error = f32x4.add(f32x4.sub(total, f32x4.sub(sum, added)), f32x4.sub(value, added));
    f.set(errors, f32x4.add(errors, error));
    f.set(total, sum);
  }

  /** The whole as a state; use it once, at the end. */
  finish(): State {
    const { f, errors, state } = this;
    // The error of an infinite total is NaN and means nothing.
    if (errors !== undefined) {
      f.set(state[0]!, f32x4.add(state[0]!, v128.and(errors, f32x4.eq(errors, errors))));
    }
    return state;
  }
}
