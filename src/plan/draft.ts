/** The form in which the planner's passes rewrite a plan: steps over values, before slots and lifetimes exist. */
import { sameOperand } from '../../kernels/fusion.js';
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import type { Dtype } from '../core/dtype.js';
import { at } from '../core/lists.js';
import type { Shape } from '../core/shape.js';
import { contiguousView, reshapeView, type View } from '../core/view.js';
import type { Leaf } from '../tensor/tensor.js';

/** A buffer that is written once: by a step, or before the plan starts (a leaf). */
export interface Value {
  readonly dtype: Dtype;
  /** Number of elements. */
  readonly size: number;
  readonly leaf?: Leaf | undefined;
}

export interface DraftOperand extends View {
  readonly value: Value;
}

interface DraftOutput {
  readonly value: Value;
  readonly shape: Shape;
}

/** A kernel call, rewritten in place by the passes. `position` is the id of the node it began as: ties follow it. */
export type DraftStep<K extends KernelKind = KernelKind> = {
  [Kind in K]: {
    kind: Kind;
    specification: Specifications[Kind];
    inputs: DraftOperand[];
    outputs: DraftOutput[];
    label: string;
    position: number;
  };
}[K];

export interface Draft {
  steps: DraftStep[];
  outputs: { name: string; dtype: Dtype; operand: DraftOperand }[];
  updates: { leaf: Leaf; operand: DraftOperand }[];
}

export type MapStep = DraftStep<'map'>;

export function isMap(step: DraftStep | undefined): step is MapStep {
  return step?.kind === 'map';
}

export function wholeOperand(value: Value, shape: Shape): DraftOperand {
  return { value, ...contiguousView(shape) };
}

/** The operand under another shape of the same size, or undefined where that needs a copy. */
export function reshapeOperand(operand: DraftOperand, shape: Shape): DraftOperand | undefined {
  const view = reshapeView(operand, shape);
  return view && { value: operand.value, ...view };
}

/** Removes steps whose outputs nobody uses. */
export function removeDead(draft: Draft): void {
  const needed = new Set<Value>([...draft.outputs, ...draft.updates].map(({ operand }) => operand.value));
  const steps: DraftStep[] = [];
  for (const step of topological(draft.steps).reverse()) {
    if (!step.outputs.some(({ value }) => needed.has(value))) continue;
    for (const { value } of step.inputs) needed.add(value);
    steps.push(step);
  }
  draft.steps = steps.reverse();
}

/**
 * The steps so that each comes after those it depends on, and otherwise in the order of their positions.
 * `after` adds further conditions: the steps that must come before a step.
 */
export function topological(
  steps: readonly DraftStep[],
  after: ReadonlyMap<DraftStep, ReadonlySet<DraftStep>> = new Map(),
): DraftStep[] {
  const producer = new Map<Value, DraftStep>();
  for (const step of steps) for (const { value } of step.outputs) producer.set(value, step);
  const sorted: DraftStep[] = [];
  const waiting = new Map<DraftStep, Set<DraftStep>>();
  const followers = new Map<DraftStep, DraftStep[]>();
  for (const step of steps) {
    const before = new Set(after.get(step));
    for (const { value } of step.inputs) {
      const source = producer.get(value);
      if (source !== undefined) before.add(source);
    }
    waiting.set(step, before);
    for (const source of before) followers.set(source, [...(followers.get(source) ?? []), step]);
  }
  const ready = steps.filter((step) => waiting.get(step)!.size === 0);
  while (ready.length > 0) {
    let next = 0;
    for (let i = 1; i < ready.length; i++) if (at(ready, i).position < at(ready, next).position) next = i;
    const [step] = ready.splice(next, 1);
    sorted.push(step!);
    for (const follower of followers.get(step!) ?? []) {
      const before = waiting.get(follower)!;
      before.delete(step!);
      if (before.size === 0) ready.push(follower);
    }
  }
  return sorted;
}

/** Collects operands so that equal ones share an index, which `add` returns. */
export class OperandList {
  readonly operands: DraftOperand[] = [];

  add(operand: DraftOperand): number {
    const present = this.operands.findIndex((other) => sameOperand(other, operand));
    return present >= 0 ? present : this.operands.push(operand) - 1;
  }
}
