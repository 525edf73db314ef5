/** Plans written by hand, for tests of backends without a planner. */
import * as assert from 'uvu/assert';
import { bytesOf, type Dtype } from '../../../src/core/dtype.js';
import { call, input as operand } from '../../../src/core/expression.js';
import { rowMajorStrides, type Shape } from '../../../src/core/shape.js';
import type { Backend, Resident } from '../../../src/engine/backend.js';
import type { Operand, Output, Plan, Step, Update } from '../../../src/plan/plan.js';
import type { Leaf } from '../../../src/tensor/tensor.js';

export interface Own {
  readonly dtype?: Dtype;
  readonly size: number;
  /** Byte offset in the arena. */
  readonly at: number;
  readonly uses: readonly [first: number, last: number];
}

/** A plan written by hand: slots are the leaves, then the plan's own. */
export function planOf(
  leaves: readonly Leaf[],
  own: readonly Own[],
  steps: readonly Omit<Step<'map'> | Step<'matmul'>, 'label'>[],
  outputs: readonly Output[],
  updates: readonly Update[] = [],
): Plan {
  const ends = own.map(({ dtype = 'float32', size, at }) => at + size * bytesOf[dtype]);
  return {
    leaves: leaves.map((leaf, slot) => ({ leaf, slot })),
    slots: [
      ...leaves.map((leaf, id) => ({
        id,
        dtype: leaf.dtype,
        size: leaf.size,
        leaf,
        firstUse: 0,
        lastUse: steps.length,
      })),
      ...own.map(({ dtype = 'float32', size, uses: [firstUse, lastUse] }, i) => ({
        id: leaves.length + i,
        dtype,
        size,
        firstUse,
        lastUse,
      })),
    ],
    steps: steps.map((step) => ({ ...step, label: step.kind }) as Step),
    updates,
    outputs,
    memory: {
      offsets: [...leaves.map(() => undefined), ...own.map(({ at }) => at)],
      peakBytes: Math.max(0, ...ends),
      naiveBytes: Math.max(0, ...ends),
    },
  };
}

export const whole = (slot: number, shape: Shape): Operand => ({
  slot,
  shape,
  strides: rowMajorStrides(shape),
  offset: 0,
});
export const out = (name: string, view: Operand, dtype: Dtype = 'float32'): Output => ({
  name,
  dtype,
  operand: view,
});

export const [x0, x1] = [operand(0), operand(1)];
export const negated = call('negate', x0);
export const sum = call('add', x0, x1);

/** A map from slots of one shape to another slot. */
export function mapStep(
  expressions: Step<'map'>['specification']['expressions'],
  inputs: readonly number[],
  outputs: readonly number[],
  shape: Shape,
): Omit<Step<'map'>, 'label'> {
  return {
    kind: 'map',
    specification: { expressions },
    inputs: inputs.map((slot) => whole(slot, shape)),
    outputs: outputs.map((slot) => ({ slot, shape })),
  };
}

export async function residentsOf(backend: Backend, leaves: readonly Leaf[]): Promise<Map<Leaf, Resident>> {
  const kept = leaves.filter((leaf) => leaf.kind !== 'input');
  return new Map(
    await Promise.all(
      kept.map(async (leaf) => [leaf, await backend.allocate(leaf, leaf.initial())] as const),
    ),
  );
}

export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.unreachable('it did not reject');
}

export async function rejects(
  promise: Promise<unknown>,
  kind: new (message: string) => Error,
  message: string,
): Promise<void> {
  const error = await rejection(promise);
  assert.instance(error, kind);
  assert.is((error as Error).message, message);
}
