import type { Storage } from '../../../kernels/reference.js';
import { bytesOf } from '../../core/dtype.js';
import type { Plan, Slot } from '../../plan/plan.js';
import { type Precision, scaleOf, storageAt } from './storage.js';

/** The memory of a plan's own slots, laid out as the plan says, so that a wrong lifetime shows. */
export class Arena {
  private readonly slots: ReadonlyMap<number, Storage>;
  private readonly unclaimed: readonly (readonly Storage[])[];
  private readonly freed: readonly (readonly Storage[])[];

  constructor(plan: Plan, precision: Precision) {
    const buffer = new ArrayBuffer(plan.memory.peakBytes * scaleOf[precision]);
    const own = plan.slots.filter((slot) => slot.leaf === undefined);
    const offsetOf = (slot: Slot) => plan.memory.offsets[slot.id]!;
    this.slots = new Map(
      own.map((slot) => [slot.id, storageAt(buffer, offsetOf(slot), slot.dtype, slot.size, precision)]),
    );

    const kept = new Set([
      ...plan.outputs.map(({ operand }) => operand.slot),
      ...plan.updates.map(({ slot }) => slot),
    ]);
    const lastUse = (slot: Slot) => (kept.has(slot.id) ? plan.steps.length : slot.lastUse);
    const overlap = (a: Slot, b: Slot) =>
      a !== b &&
      offsetOf(a) < offsetOf(b) + b.size * bytesOf[b.dtype] &&
      offsetOf(b) < offsetOf(a) + a.size * bytesOf[a.dtype];
    /** Those of `slots` that share no memory with a slot that holds a value. */
    const free = (slots: readonly Slot[], holdsValue: (slot: Slot) => boolean) =>
      slots
        .filter((slot) => !own.some((other) => overlap(slot, other) && holdsValue(other)))
        .map(({ id }) => this.slots.get(id)!);
    this.unclaimed = plan.steps.map((_, step) =>
      free(
        own.filter((slot) => slot.firstUse === step),
        (other) => other.firstUse < step && lastUse(other) >= step,
      ),
    );
    this.freed = plan.steps.map((_, step) =>
      free(
        own.filter((slot) => lastUse(slot) === step),
        (other) => other.firstUse <= step && lastUse(other) > step,
      ),
    );
  }

  /** The elements of a slot, or undefined for one that belongs to a leaf. */
  get(slot: number): Storage | undefined {
    return this.slots.get(slot);
  }

  /** Poisons the slots that `step` is the first to write. */
  poisonBefore(step: number): void {
    this.unclaimed[step]!.forEach(poison);
  }

  /** Poisons the slots that nothing reads after `step`. */
  poisonAfter(step: number): void {
    this.freed[step]!.forEach(poison);
  }
}

function poison(storage: Storage): void {
  if (storage instanceof Float32Array || storage instanceof Float64Array) storage.fill(Number.NaN);
  else new Uint8Array(storage.buffer, storage.byteOffset, storage.byteLength).fill(0x7f);
}
