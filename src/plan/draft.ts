/** The form in which the planner's passes rewrite a plan: steps over values, before slots and lifetimes exist. */
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import type { Dtype } from '../core/dtype.js';
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

export interface DraftOutput {
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

/** Whether two operands read the same elements in the same order. */
export function sameOperand(a: DraftOperand, b: DraftOperand): boolean {
  return (
    a.value === b.value &&
    a.offset === b.offset &&
    a.shape.length === b.shape.length &&
    a.shape.every((extent, axis) => extent === b.shape[axis]) &&
    a.strides.every((stride, axis) => stride === b.strides[axis] || a.shape[axis] === 1)
  );
}

/** The operand under another shape of the same size, or undefined where that needs a copy. */
export function reshapeOperand(operand: DraftOperand, shape: Shape): DraftOperand | undefined {
  const view = reshapeView(operand, shape);
  return view && { value: operand.value, ...view };
}

/** Which steps make and use each value. Made anew by every pass that needs it. */
export class Uses {
  readonly producer = new Map<Value, DraftStep>();
  readonly consumers = new Map<Value, DraftStep[]>();
  /** Values that must exist when the plan ends: outputs and updates. */
  readonly kept = new Set<Value>();

  constructor(draft: Draft) {
    for (const step of draft.steps) {
      for (const { value } of step.outputs) this.producer.set(value, step);
      for (const value of new Set(step.inputs.map((operand) => operand.value))) {
        const list = this.consumers.get(value);
        if (list === undefined) this.consumers.set(value, [step]);
        else list.push(step);
      }
    }
    for (const { operand } of [...draft.outputs, ...draft.updates]) this.kept.add(operand.value);
  }

  consumersOf(value: Value): readonly DraftStep[] {
    return this.consumers.get(value) ?? [];
  }

  /** Whether `user` is the only step that reads the value and nothing else keeps it. */
  onlyUsedBy(value: Value, user: DraftStep): boolean {
    return !this.kept.has(value) && this.consumersOf(value).every((step) => step === user);
  }

  /** Whether `to` depends on `from`, directly or through other steps. */
  reaches(from: DraftStep, to: DraftStep): boolean {
    const seen = new Set<DraftStep>();
    const stack = [from];
    for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
      if (step === to) return true;
      if (seen.has(step)) continue;
      seen.add(step);
      for (const { value } of step.outputs) stack.push(...this.consumersOf(value));
    }
    return false;
  }
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
    for (let i = 1; i < ready.length; i++) if (ready[i]!.position < ready[next]!.position) next = i;
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
