/**
 * A request to a kernel, told the same way to every backend. A call holds all that decides the code of a kernel
 * (kind, specification, layouts) and nothing that does not (slots, pointers): equal calls share one compiled kernel.
 */
import type { Dtype } from '../src/core/dtype.js';
import { countOperations, type Expression } from '../src/core/expression.js';
import { type Shape, sizeOf } from '../src/core/shape.js';
import type { Absorption } from './fusion.js';

/** How an operand lies in its buffer; the offset is not part of it. Strides count elements. */
export interface Layout {
  readonly dtype: Dtype;
  readonly shape: Shape;
  readonly strides: readonly number[];
}

export interface KernelCall<Specification> {
  readonly specification: Specification;
  readonly inputs: readonly Layout[];
  /** Always whole row-major buffers. */
  readonly outputs: readonly Layout[];
}

/**
 * Pointwise work on a kernel's result before it is stored. Its operand 0 is the result, operands 1 … n are the last n
 * inputs of the call, stretched to the output's shape (strides of 0 where they repeat). Seen over the output as
 * [rows, columns] (columns = last axis), each of these is either the whole row-major output shape, or a vector of
 * consecutive elements along the last axis, or a single element: `epilogueStrides` tells. None of them lies in the
 * memory of an output.
 */
export interface Epilogue {
  readonly expression: Expression;
  readonly operands: number;
}

/** Members of a specification that hold other kernels' work, where a backend's limits let the planner hand it over. */
const absorbed = ['pool', 'route'] as const;

/** A specification that holds none of that. */
export type Plain<S> = S & { readonly [K in (typeof absorbed)[number]]?: undefined };

/** The names of what it holds. */
export function absorbedIn(specification: object): string[] {
  return absorbed.filter((name) => (specification as Plain<object>)[name] !== undefined);
}

export function isPlain<S extends object>(specification: S): specification is Plain<S> {
  return absorbedIn(specification).length === 0;
}

/** Padding in pixels around an image. */
export interface Padding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

type Has<S, Place extends string> = string extends keyof S ? false : Place extends keyof S ? true : false;

/** Facts about a kind that the planner and the reports need without running it. */
export interface Contract<Specification> {
  /** 'contiguous': every input but those of the epilogue must be row-major without gaps; the planner copies if not. */
  readonly layout: 'strided' | 'contiguous';
  /** The specification has a place for an `epilogue`. */
  readonly epilogue: Has<Specification, 'epilogue'>;
  /** It has one for a `prologue`, an expression over the inputs of one shape with which the kernel begins. */
  readonly prologue?: Has<Specification, 'prologue'>;
  /** Names of the results, in the order of the outputs, where the specification's `outputs` names those of a call. */
  readonly results?: Specification extends { readonly outputs: readonly (infer Name)[] }
    ? readonly Name[]
    : undefined;
  /** Rules for taking over other steps' work. */
  readonly absorbs?: Absorption<Specification>;
  /** Floating-point operations of a call; a fused multiply-add counts 2. */
  flops(call: KernelCall<Specification>): number;
  /** The part of the specification that a plan prints, e.g. `strides 1,1 pad 0,0,0,0`; may be empty. */
  print(specification: Specification): string;
}

/** The operand's steps, in elements, from row to row and from column to column of the output. See Epilogue. */
export function epilogueStrides(operand: Layout, output: Shape): { row: number; column: number } {
  const columns = output.at(-1) ?? 1;
  const column = operand.strides.at(-1) ?? 0;
  const whole =
    sizeOf(output) > columns &&
    operand.strides.some((stride, axis) => axis < output.length - 1 && stride !== 0 && output[axis] !== 1);
  return { row: whole ? columns : 0, column: columns === 1 ? 0 : column };
}

/** Operations that an epilogue adds to a call. */
export function epilogueFlops(epilogue: Epilogue | undefined, output: Shape): number {
  return epilogue === undefined ? 0 : countOperations(epilogue.expression) * sizeOf(output);
}
