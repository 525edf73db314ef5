/** From values to slots with lifetimes, and from lifetimes to an arena. */
import { bytesOf } from '../core/dtype.js';
import type { DraftStep, Value } from './draft.js';
import type { PlacedUpdate } from './order.js';
import type { Memory, Slot } from './plan.js';

/** Alignment of every slot, in bytes: a cache line, and the widest vector. */
export const slotAlignment = 64;

function alignedBytes(slot: Slot): number {
  return Math.ceil((slot.size * bytesOf[slot.dtype]) / slotAlignment) * slotAlignment;
}

/**
 * Gives every value a slot: leaves first, then in the order of first use. A value that is an update in place has the
 * slot of its leaf.
 *
 * @param kept values that are read when the plan has ended
 */
export function assignSlots(
  steps: readonly DraftStep[],
  updates: readonly PlacedUpdate[],
  kept: readonly Value[],
): { slots: Slot[]; slotOf: Map<Value, number> } {
  const home = new Map(updates.filter(({ inPlace }) => inPlace).map(({ value, leaf }) => [value, leaf]));
  const found = new Map<Value, { first: number; last: number }>();
  const note = (value: Value, index: number) => {
    const owner = home.get(value) ?? value;
    const span = found.get(owner);
    if (span === undefined) found.set(owner, { first: index, last: index });
    else span.last = index;
  };
  steps.forEach((step, index) => {
    for (const { value } of [...step.inputs, ...step.outputs]) note(value, index);
  });
  for (const value of [...kept, ...updates.flatMap((update) => [update.leaf, update.value])])
    note(value, steps.length);

  const owners = [...found.keys()];
  const ordered = [...owners.filter(({ leaf }) => leaf), ...owners.filter(({ leaf }) => !leaf)];
  const slots = ordered.map((value, id) => ({
    id,
    dtype: value.dtype,
    size: value.size,
    leaf: value.leaf,
    firstUse: found.get(value)!.first,
    lastUse: found.get(value)!.last,
  }));
  const slotOf = new Map(ordered.map((value, id) => [value, id]));
  for (const [value, leaf] of home) slotOf.set(value, slotOf.get(leaf)!);
  return { slots, slotOf };
}

/**
 * Places slots whose lifetimes overlap apart from each other: the largest first, each at the lowest offset that is
 * free for its whole life (greedy by size: Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net
 * Inference, 2020). With `reuse` false every slot has memory of its own.
 */
export function placeSlots(slots: readonly Slot[], reuse: boolean): Memory {
  const own = slots.filter((slot) => slot.leaf === undefined);
  const naiveBytes = own.reduce((sum, slot) => sum + alignedBytes(slot), 0);
  const offsets = new Array<number | undefined>(slots.length).fill(undefined);
  const placed: { slot: Slot; start: number; end: number }[] = [];
  const bySize = [...own].sort((a, b) => alignedBytes(b) - alignedBytes(a) || a.id - b.id);
  let peakBytes = 0;
  for (const slot of bySize) {
    const bytes = alignedBytes(slot);
    let start = 0;
    for (const other of placed) {
      const meets = !reuse || (other.slot.firstUse <= slot.lastUse && slot.firstUse <= other.slot.lastUse);
      if (!meets) continue;
      if (start + bytes <= other.start) break;
      start = Math.max(start, other.end);
    }
    offsets[slot.id] = start;
    placed.push({ slot, start, end: start + bytes });
    placed.sort((a, b) => a.start - b.start);
    peakBytes = Math.max(peakBytes, start + bytes);
  }
  return { offsets, peakBytes, naiveBytes };
}
