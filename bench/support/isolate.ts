/**
 * The kernels of a plan one by one, each on the very data that it meets in the plan: a kernel may be faster on zeros.
 * For backends whose programs share one memory.
 */

import { bytesOf as bytesOfDtype } from '../../src/core/dtype.js';
import { sizeOf } from '../../src/core/shape.js';
import type { Backend, Feeds, Program } from '../../src/engine/backend.js';
import type { Plan, Step } from '../../src/plan/plan.js';
import { stepBytes, stepFlops } from '../../src/plan/print.js';
import { placeSlots } from '../../src/plan/slots.js';

export interface IsolatedStep {
  /** Its place in the plan. */
  readonly index: number;
  readonly kind: string;
  /** The ops that it carries out. */
  readonly label: string;
  /** Shape of its first output. */
  readonly shape: readonly number[];
  /** Operations and bytes of one execution. */
  readonly flops: number;
  readonly bytes: number;
  /** What the backend chose. */
  readonly algorithm: string;
  run(repeats: number): Promise<void>;
}

/** A plan in which nothing shares memory, so that every slot keeps its value after a run. */
function spread(plan: Plan): Plan {
  return { ...plan, memory: placeSlots(plan.slots, false) };
}

/** The plan of one step alone; it changes no leaf but by writing in place. */
function planOf(plan: Plan, index: number): Plan {
  const step = plan.steps[index]!;
  const used = new Set([...step.inputs, ...step.outputs].map(({ slot }) => slot));
  const leaves = plan.leaves.filter(({ slot }) => used.has(slot));
  return { ...plan, leaves, steps: [step], updates: [], outputs: [] };
}

/**
 * Runs a plan a few times and takes it apart.
 *
 * @param feeds values of the inputs for one execution
 */
export async function isolateSteps(backend: Backend, whole: Plan, feeds: Feeds): Promise<IsolatedStep[]> {
  const plan = spread(whole);
  const kept = plan.leaves.map(({ leaf }) => leaf).filter(({ kind }) => kind !== 'input');
  const residents = new Map(
    await Promise.all(
      kept.map(async (leaf) => [leaf, await backend.allocate(leaf, leaf.initial())] as const),
    ),
  );
  const prepare = (part: Plan): Promise<Program> => {
    const own = part.leaves.filter(({ leaf }) => leaf.kind !== 'input');
    return backend.prepare(part, new Map(own.map(({ leaf }) => [leaf, residents.get(leaf)!])));
  };
  const program = await prepare(plan);
  for (let run = 0; run < 3; run++) await program.run(feeds);
  return Promise.all(
    plan.steps.map(async (step, index): Promise<IsolatedStep> => {
      const part = planOf(plan, index);
      const alone = await prepare(part);
      const names = part.leaves.filter(({ leaf }) => leaf.kind === 'input').map(({ leaf }) => leaf.name);
      return {
        index,
        kind: step.kind,
        label: step.label,
        shape: step.outputs[0]!.shape,
        flops: stepFlops(step, plan.slots),
        bytes: bytesOf(step, plan),
        algorithm: alone.explain().split(`${step.label}: `).at(-1)!.trim(),
        run: async (repeats) => {
          const own = Object.fromEntries(names.map((name) => [name, repeated(feeds[name]!, repeats)]));
          await alone.run(own, { steps: repeats });
        },
      };
    }),
  );
}

/** Bytes that a step moves: of a table that it gathers from, only what it takes. */
function bytesOf(step: Step, { slots }: Plan): number {
  const all = stepBytes(step, slots);
  if (step.kind !== 'gather') return all;
  const [table] = step.inputs;
  const taken = sizeOf(step.outputs[0]!.shape);
  return all - (sizeOf(table!.shape) - taken) * bytesOfDtype[slots[table!.slot]!.dtype];
}

/** The same value for every execution. */
function repeated(value: Feeds[string], repeats: number): Feeds[string] {
  const all = new (value.constructor as new (length: number) => typeof value)(value.length * repeats);
  for (let i = 0; i < repeats; i++) all.set(value, i * value.length);
  return all;
}
