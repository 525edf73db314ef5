import { fuse } from './fuse/fuse.js';
import type { Limits } from './limits.js';
import { lower, type Traced } from './lower.js';
import { order } from './order.js';
import type { Plan, Step } from './plan.js';
import { printPlan } from './print.js';
import { assignSlots, placeSlots } from './slots.js';

export interface PlanOptions {
  /** false: one kernel per node and no reuse of memory. On `reference` that plan is the oracle. Default true. */
  readonly optimize?: boolean;
}

/** Plans a traced step for a backend with these limits. */
export function buildPlan(traced: Traced, limits: Limits, { optimize = true }: PlanOptions = {}): Plan {
  const draft = lower(traced, optimize);
  if (optimize) fuse(draft, limits);
  const ordered = order(draft, limits.inPlace);
  const kept = draft.outputs.map(({ operand }) => operand.value);
  const { slots, slotOf } = assignSlots(ordered.steps, ordered.updates, kept);
  const slot = (value: Parameters<typeof slotOf.get>[0]) => slotOf.get(value)!;
  const plan = {
    leaves: slots.flatMap(({ leaf, id }) => (leaf === undefined ? [] : [{ leaf, slot: id }])),
    slots,
    steps: ordered.steps.map(
      ({ kind, specification, inputs, outputs, label }) =>
        ({
          kind,
          specification,
          inputs: inputs.map(({ value, shape, strides, offset }) => ({
            slot: slot(value),
            shape,
            strides,
            offset,
          })),
          outputs: outputs.map(({ value, shape }) => ({ slot: slot(value), shape })),
          label,
        }) as Step,
    ),
    updates: ordered.updates.map(({ leaf, value }) => ({ leaf: leaf.leaf!, slot: slot(value) })),
    outputs: draft.outputs.map(({ name, dtype, operand: { value, shape, strides, offset } }) => ({
      name,
      dtype,
      operand: { slot: slot(value), shape, strides, offset },
    })),
    memory: placeSlots(slots, optimize),
  };
  return { ...plan, toString: () => printPlan(plan) };
}
