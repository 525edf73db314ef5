/** The plan of a step, kernel by kernel, and its memory. */
import { bytesOf } from '../core/dtype.js';
import { at } from '../core/lists.js';
import { formatShape } from '../core/shape.js';
import type { KernelClock } from '../engine/options.js';
import type { Plan, Step } from '../plan/plan.js';
import { stepBytes, stepFlops } from '../plan/print.js';
import type { Leaf } from '../tensor/tensor.js';
import type { KernelView, Part, SlotView } from './view.js';

/**
 * Finds the part that every step belongs to. What does not depend on the loss is forward. What writes a leaf, or
 * depends on what an optimizer remembers or on the learning rate, is an update; the rest is a gradient.
 */
function partsOf({ steps, slots, updates }: Plan, learned: ReadonlySet<Leaf>): Part[] {
  /** Slots with values of gradients, and of updates. */
  const [late, updating] = [new Set<number>(), new Set<number>()];
  const updated = new Set(updates.map(({ slot }) => slot));
  const ofOptimizer = (slot: number) => {
    const leaf = at(slots, slot).leaf;
    if (leaf === undefined) return updating.has(slot);
    return leaf.name === 'learningRate' || (leaf.kind === 'state' && !learned.has(leaf));
  };
  const partOf = ({ label, kind, inputs, outputs }: Step): Part => {
    if (inputs.some(({ slot }) => ofOptimizer(slot))) return 'update';
    const isLoss = /crossEntropy/i.test(`${kind} ${label}`);
    const follows = inputs.some(({ slot }) => late.has(slot));
    if (isLoss || follows) for (const { slot } of outputs) late.add(slot);
    if (!follows) return 'forward';
    const writes = outputs.some(({ slot }) => at(slots, slot).leaf !== undefined || updated.has(slot));
    return writes ? 'update' : 'gradient';
  };
  return steps.map((step) => {
    const part = partOf(step);
    if (part === 'update') for (const { slot } of step.outputs) updating.add(slot);
    return part;
  });
}

/** Bytes alive while each step runs. */
function aliveAt(plan: Plan): number[] {
  return plan.steps.map((_, i) =>
    plan.slots.reduce(
      (sum, { leaf, dtype, size, firstUse, lastUse }) =>
        leaf === undefined && firstUse <= i && i <= lastUse ? sum + size * bytesOf[dtype] : sum,
      0,
    ),
  );
}

/** The share of each step of the time that its kernel took; steps with one kernel take it alike. */
function sharesOf({ milliseconds, byKernel, kernelOfStep = [] }: KernelClock): number[] {
  const users = new Map<number, number>();
  for (const kernel of kernelOfStep) users.set(kernel, (users.get(kernel) ?? 0) + 1);
  return kernelOfStep.map((kernel) =>
    milliseconds === 0 ? 0 : (byKernel?.get(kernel) ?? 0) / milliseconds / users.get(kernel)!,
  );
}

/** @param learned parameters and running statistics of the model */
export function kernelViews(
  plan: Plan,
  learned: ReadonlySet<Leaf>,
  clock: KernelClock,
  explained: string,
): KernelView[] {
  const [parts, alive, shares] = [partsOf(plan, learned), aliveAt(plan), sharesOf(clock)];
  const algorithms = explained.split('\n').map((line) => line.replace(/^ *\d+ /, ''));
  const place = (slot: number, shape: readonly number[]) =>
    `${at(plan.slots, slot).leaf?.name ?? `%${slot}`} ${formatShape(shape)}`;
  return plan.steps.map((step: Step, i) => ({
    kind: step.kind,
    label: step.label,
    part: at(parts, i),
    inputs: step.inputs.map(({ slot, shape }) => place(slot, shape)),
    outputs: step.outputs.map(({ slot, shape }) => place(slot, shape)),
    flops: stepFlops(step, plan.slots),
    bytes: stepBytes(step, plan.slots),
    alive: at(alive, i),
    share: shares[i] ?? 0,
    algorithm: (algorithms[i] ?? '').replace(`${step.label}: `, ''),
  }));
}

export const slotViews = ({ slots, memory }: Plan): SlotView[] =>
  slots.flatMap(({ id, dtype, size, firstUse, lastUse }) => {
    const offset = memory.offsets[id];
    return offset === undefined
      ? []
      : [{ slot: id, bytes: size * bytesOf[dtype], offset, firstUse, lastUse }];
  });
