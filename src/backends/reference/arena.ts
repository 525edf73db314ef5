import type { Storage } from '../../../kernels/reference.js';
import type { Plan, Slot } from '../../plan/plan.js';
import { deadSlots, poison } from '../../plan/poison.js';
import { type Precision, scaleOf, storageAt } from './storage.js';

/** The memory of a plan's own slots, laid out as the plan says, so that a wrong lifetime shows. */
export class Arena {
  private readonly slots: ReadonlyMap<number, Storage>;
  private readonly unclaimed: readonly (readonly Storage[])[];
  private readonly freed: readonly (readonly Storage[])[];

  constructor(plan: Plan, precision: Precision) {
    const buffer = new ArrayBuffer(plan.memory.peakBytes * scaleOf[precision]);
    const own = plan.slots.filter((slot) => slot.leaf === undefined);
    this.slots = new Map(
      own.map(({ id, dtype, size }) => [
        id,
        storageAt(buffer, { offset: plan.memory.offsets[id]!, dtype, size, precision }),
      ]),
    );
    const { before, after } = deadSlots(plan);
    const storages = (slots: readonly Slot[]) => slots.map(({ id }) => this.slots.get(id)!);
    this.unclaimed = before.map(storages);
    this.freed = after.map(storages);
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
