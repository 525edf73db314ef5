import * as assert from 'uvu/assert';
import { randomUniform } from '../../src/core/random.js';
import type { Plan, Slot } from '../../src/plan/plan.js';
import { placeSlots, slotAlignment } from '../../src/plan/slots.js';
import { input, state } from '../../src/tensor/leaves.js';
import { planOf } from '../support/plans.js';
import { cnnStep } from '../support/steps.js';
import { suite } from '../support/suite.js';

const bytesOf = ({ size, dtype }: Slot) => size * (dtype === 'uint8' ? 1 : 4);

/** Throws where two slots that live at the same time share memory. */
function checkApart(slots: readonly Slot[], offsets: readonly (number | undefined)[]): void {
  const own = slots.filter(({ leaf }) => leaf === undefined);
  for (const a of own) {
    for (const b of own) {
      if (a.id >= b.id || a.lastUse < b.firstUse || b.lastUse < a.firstUse) continue;
      const [startA, startB] = [offsets[a.id]!, offsets[b.id]!];
      const apart = startA + bytesOf(a) <= startB || startB + bytesOf(b) <= startA;
      if (!apart) throw new Error(`slots ${a.id} and ${b.id} share memory`);
    }
  }
}

/** Slots of random sizes and lifetimes, as a plan of 40 steps might have. */
function randomSlots(seed: number): Slot[] {
  let count = 0;
  const roll = (sides: number) => Math.floor(randomUniform(count++, seed, 0) * sides);
  return Array.from({ length: 60 }, (_, id) => {
    const firstUse = roll(40);
    const dtype = (['float32', 'int32', 'uint8'] as const)[roll(3)]!;
    const leaf = roll(6) === 0 ? state('leaf', [], 0) : undefined;
    return { id, dtype, size: roll(300), leaf, firstUse, lastUse: firstUse + roll(10) };
  });
}

suite('slots', (test) => {
  test('no two that live at the same time share memory; all are aligned; the peak is the end of the last', () => {
    for (let seed = 0; seed < 100; seed++) {
      const slots = randomSlots(seed);
      const { offsets, peakBytes, naiveBytes } = placeSlots(slots, true);
      checkApart(slots, offsets);
      for (const slot of slots) {
        if (slot.leaf !== undefined) assert.is(offsets[slot.id], undefined);
        else assert.is(offsets[slot.id]! % slotAlignment, 0);
      }
      const ends = slots.filter(({ leaf }) => !leaf).map((slot) => offsets[slot.id]! + bytesOf(slot));
      assert.ok(Math.max(...ends) <= peakBytes && peakBytes < Math.max(...ends) + slotAlignment);
      assert.ok(peakBytes <= naiveBytes);
    }
  });

  test('the peak is what lives at the same time, where that fits without gaps', () => {
    const slot = (id: number, size: number, firstUse: number, lastUse: number): Slot => ({
      ...{ id, size, firstUse, lastUse, dtype: 'float32' as const },
    });
    const { peakBytes, naiveBytes } = placeSlots(
      [slot(0, 160, 0, 1), slot(1, 160, 1, 2), slot(2, 160, 2, 3), slot(3, 320, 3, 4)],
      true,
    );
    assert.is(peakBytes, 4 * 480);
    assert.is(naiveBytes, 4 * 800);
  });

  test('without reuse every slot has memory of its own', () => {
    const slots = randomSlots(1);
    const { peakBytes, naiveBytes } = placeSlots(slots, false);
    assert.is(peakBytes, naiveBytes);
    const never = slots.map((slot) => ({ ...slot, firstUse: 0, lastUse: 40 }));
    checkApart(never, placeSlots(slots, false).offsets);
  });

  test('nothing to place', () => {
    assert.equal(placeSlots([], true), { offsets: [], peakBytes: 0, naiveBytes: 0 });
  });
});

/** Steps that write and use a slot. */
function usersOf(plan: Plan, slot: number): number[] {
  return plan.steps.flatMap(({ inputs, outputs }, index) =>
    [...inputs, ...outputs].some((operand) => operand.slot === slot) ? [index] : [],
  );
}

suite('lifetimes', (test) => {
  test('from the first use to the last; what is handed back lives to the end', () => {
    const plan = planOf(cnnStep(4));
    const kept = new Set([
      ...plan.outputs.map(({ operand }) => operand.slot),
      ...plan.updates.map(({ slot }) => slot),
    ]);
    for (const slot of plan.slots) {
      const users = usersOf(plan, slot.id);
      if (slot.leaf === undefined) assert.is(slot.firstUse, users[0]);
      assert.is(slot.lastUse, kept.has(slot.id) ? plan.steps.length : users.at(-1));
    }
    checkApart(plan.slots, plan.memory.offsets);
  });

  test('memory is used again', () => {
    const { peakBytes, naiveBytes } = planOf(cnnStep(32)).memory;
    assert.ok(peakBytes < 0.8 * naiveBytes, `${peakBytes} of ${naiveBytes} bytes`);
  });

  test('a plan without steps', () => {
    const x = input('x', [3]);
    const plan = planOf({ outputs: { x, turned: x.reshape([3, 1]) } });
    assert.is(plan.steps.length, 0);
    assert.equal(plan.memory, { offsets: [undefined], peakBytes: 0, naiveBytes: 0 });
    assert.is(planOf({}).steps.length, 0);
  });
});
