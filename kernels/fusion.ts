/**
 * How a kernel takes over the work of another step. Its contract lists rules, each for one kind of neighbor: what the
 * planner's driver (src/plan/fuse) shows them is a step and its neighbor, and what they give back is a rewrite, or
 * undefined where the two do not match. The driver knows no kernel; a rule knows nothing of the rest of the plan.
 */
import type { Dtype } from '../src/core/dtype.js';
import { type Shape, sizeOf } from '../src/core/shape.js';
import { isContiguous, type View } from '../src/core/view.js';
import type { KernelKind, Specifications } from './kinds.js';

/** A buffer of the plan, told from others by identity. */
interface FusionValue {
  readonly dtype: Dtype;
  readonly size: number;
}

export interface FusionOperand extends View {
  readonly value: FusionValue;
}

/** A step as rules see it. */
export interface FusionStep<Specification> {
  readonly specification: Specification;
  readonly inputs: readonly FusionOperand[];
  readonly outputs: readonly { readonly value: FusionValue; readonly shape: Shape }[];
}

type KindedStep = {
  [K in KernelKind]: { readonly kind: K } & FusionStep<Specifications[K]>;
}[KernelKind];

/** A step that a rewrite asks for, with one result. The plan's own is taken where it has such a step already. */
export type NewStep = {
  [K in KernelKind]: {
    readonly kind: K;
    readonly specification: Specifications[K];
    readonly inputs: readonly Source[];
    readonly shape: Shape;
    readonly dtype: Dtype;
    /** The op that it carries out, as in `Step.label`. */
    readonly label: string;
  };
}[KernelKind];

/** An operand of a rewritten step: one of those that the rule was shown, maybe under another shape, or a new result. */
export type Source = FusionOperand | NewStep;

/** A step's new specification and all its inputs. */
export interface Rewrite<Specification> {
  readonly specification: Specification;
  readonly inputs: readonly Source[];
}

/**
 * Takes over the step that makes an input: `own.inputs[at]` reads the maker's first result, whole and in its shape. The
 * maker stays for others who read it.
 */
export type MakerRule<Specification> = {
  [K in KernelKind]: {
    readonly kind: K;
    rewrite(
      own: FusionStep<Specification>,
      at: number,
      maker: FusionStep<Specifications[K]>,
    ): Rewrite<Specification> | undefined;
  };
}[KernelKind];

/**
 * Takes over the step behind: the reader alone reads `own`'s first result, whole and in its shape, and goes; its outputs
 * become own's. A reader that is a map is shown with the maps in it that only it reads.
 */
export type ReaderRule<Specification> = {
  [K in KernelKind]: {
    readonly kind: K;
    rewrite(
      own: FusionStep<Specification>,
      reader: FusionStep<Specifications[K]>,
      makerOf: (operand: FusionOperand) => KindedStep | undefined,
    ): Rewrite<Specification> | undefined;
  };
}[KernelKind];

/** Rules by which a kernel takes over its neighbors' work. */
export interface Absorption<Specification> {
  readonly makers?: readonly MakerRule<Specification>[];
  readonly readers?: readonly ReaderRule<Specification>[];
}

/** Tells whether walking the operand in row-major order walks its whole value in order: index i reads element i. */
export function isWhole(operand: FusionOperand): boolean {
  return operand.offset === 0 && isContiguous(operand) && operand.value.size === sizeOf(operand.shape);
}

/** Tells whether two operands read the same elements in the same order. */
export function sameOperand(a: FusionOperand, b: FusionOperand): boolean {
  return (
    a.value === b.value &&
    a.offset === b.offset &&
    a.shape.length === b.shape.length &&
    a.shape.every((extent, axis) => extent === b.shape[axis]) &&
    a.strides.every((stride, axis) => stride === b.strides[axis] || a.shape[axis] === 1)
  );
}
