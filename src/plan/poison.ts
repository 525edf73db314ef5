import { bytesOf } from '../core/dtype.js';
import type { Plan, Slot } from './plan.js';

/** Own slots, by step, whose memory holds no value at that time: what tests fill with NaN to catch wrong lifetimes. */
export interface DeadSlots {
  /** Those that the step is the first to write. */
  readonly before: readonly (readonly Slot[])[];
  /** Those that nothing reads after the step. */
  readonly after: readonly (readonly Slot[])[];
}

/** Finds the slots of a plan that hold no value before and after each step, by its lifetimes and offsets. */
export function deadSlots({ slots, steps, outputs, updates, memory }: Plan): DeadSlots {
  const own = slots.filter((slot) => slot.leaf === undefined);
  const kept = new Set([...outputs.map(({ operand }) => operand.slot), ...updates.map(({ slot }) => slot)]);
  const lastUse = (slot: Slot) => (kept.has(slot.id) ? steps.length : slot.lastUse);
  const start = (slot: Slot) => memory.offsets[slot.id]!;
  const end = (slot: Slot) => start(slot) + slot.size * bytesOf[slot.dtype];
  const overlap = (a: Slot, b: Slot) => a !== b && start(a) < end(b) && start(b) < end(a);
  /** Those of `candidates` that share no memory with a slot that holds a value. */
  const free = (candidates: readonly Slot[], holdsValue: (slot: Slot) => boolean) =>
    candidates.filter((slot) => !own.some((other) => overlap(slot, other) && holdsValue(other)));
  return {
    before: steps.map((_, step) =>
      free(
        own.filter((slot) => slot.firstUse === step),
        (other) => other.firstUse < step && lastUse(other) >= step,
      ),
    ),
    after: steps.map((_, step) =>
      free(
        own.filter((slot) => lastUse(slot) === step),
        (other) => other.firstUse <= step && lastUse(other) > step,
      ),
    ),
  };
}

/** Fills memory with NaN; integers with bytes of 0x7f, which no table has so many rows for. */
export function poison(elements: ArrayBufferView): void {
  if (elements instanceof Float32Array || elements instanceof Float64Array) elements.fill(Number.NaN);
  else new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength).fill(0x7f);
}
