import ndarray from 'ndarray';
import operations from 'ndarray-ops';
import type { KernelKind, KindedCall, Specifications } from '../../../kernels/kinds.js';
import {
  type ReferenceKernel,
  referenceKernels,
  type Storage,
  type Strided,
} from '../../../kernels/reference.js';
import { allocateHost } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { rowMajorStrides, sizeOf } from '../../core/shape.js';
import type { View } from '../../core/view.js';
import type { Feeds, Fetches, Program, Resident, RunOptions } from '../../engine/backend.js';
import { checkFeeds } from '../../engine/feeds.js';
import { runSteps } from '../../engine/runSteps.js';
import { callOf } from '../../plan/call.js';
import type { Plan } from '../../plan/plan.js';
import type { Leaf } from '../../tensor/tensor.js';
import { Arena } from './arena.js';
import type { ReferenceState } from './reference.js';
import { ReferenceResident } from './resident.js';
import { storageOf } from './storage.js';

/**
 * Runs a plan step by step through `kernels/<kind>/reference.ts`, in storage of its own. The constructor throws a
 * BackendError where a leaf has no resident of this backend.
 */
export class ReferenceProgram implements Program {
  private readonly arena: Arena;
  private readonly calls: readonly KindedCall[];
  private readonly inputs: readonly { readonly leaf: Leaf; readonly slot: number }[];
  /** By slot. */
  private readonly residents = new Map<number, ReferenceResident>();
  /** Updates that are not in place: the resident takes the value in the slot. */
  private readonly moves: readonly { readonly resident: ReferenceResident; readonly slot: number }[];

  constructor(
    private readonly state: ReferenceState,
    private readonly plan: Plan,
    residents: ReadonlyMap<Leaf, Resident>,
  ) {
    this.arena = new Arena(plan, state.precision);
    this.calls = plan.steps.map((step) => ({ kind: step.kind, ...callOf(step, plan.slots) }) as KindedCall);
    this.inputs = plan.leaves.filter(({ leaf }) => leaf.kind === 'input');
    for (const { leaf, slot } of plan.leaves) {
      if (leaf.kind === 'input') continue;
      const resident = residents.get(leaf);
      if (!(resident instanceof ReferenceResident)) {
        throw new BackendError(`reference: ${leaf} has no resident of this backend`);
      }
      this.residents.set(slot, resident);
    }
    const homes = new Map(plan.leaves.map(({ leaf, slot }) => [leaf, slot]));
    this.moves = plan.updates
      .filter(({ leaf, slot }) => homes.get(leaf) !== slot)
      .map(({ leaf, slot }) => ({ resident: this.residents.get(homes.get(leaf)!)!, slot }));
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Fetches> {
    this.state.checkOpen();
    checkFeeds(
      this.inputs.map(({ leaf }) => leaf),
      feeds,
      options.steps,
    );
    const last = (options.steps ?? 1) - 1;
    let fetches: Fetches = {};
    await runSteps(options, (step) => {
      const elements = this.bind(feeds, step);
      this.runKernels(elements);
      // outputs show the values before the updates
      if (step === last) fetches = this.fetch(elements);
      this.update(elements);
      return undefined;
    });
    return fetches;
  }

  explain(): string {
    const lines = this.plan.steps.map(
      ({ kind, label }) => `${kind} (${label}): loops in row-major order, sums in float64`,
    );
    return lines.join('\n');
  }

  /** The elements of every slot, the inputs at their slice for this step. */
  private bind(feeds: Feeds, step: number): Map<number, Storage> {
    const elements = new Map<number, Storage>();
    for (const { id } of this.plan.slots) {
      const storage = this.arena.get(id) ?? this.residents.get(id)?.elements;
      if (storage !== undefined) elements.set(id, storage);
    }
    for (const { leaf, slot } of this.inputs) {
      const slice = feeds[leaf.name]!.subarray(step * leaf.size, (step + 1) * leaf.size);
      elements.set(slot, storageOf(slice, this.state.precision));
    }
    return elements;
  }

  private runKernels(elements: ReadonlyMap<number, Storage>): void {
    const { poison } = this.state;
    this.plan.steps.forEach((step, index) => {
      if (poison) this.arena.poisonBefore(index);
      execute(
        at(this.calls, index),
        step.inputs.map((operand) => stridedView(elements.get(operand.slot)!, operand)),
        step.outputs.map(({ slot, shape }) =>
          stridedView(elements.get(slot)!, { shape, strides: rowMajorStrides(shape), offset: 0 }),
        ),
      );
      if (poison) this.arena.poisonAfter(index);
    });
  }

  private update(elements: ReadonlyMap<number, Storage>): void {
    // All values are read before the first is written: two leaves may swap.
    const values = this.moves.map(({ slot }) => elements.get(slot)!.slice());
    this.moves.forEach(({ resident }, i) => {
      resident.elements.set(at(values, i));
    });
  }

  private fetch(elements: ReadonlyMap<number, Storage>): Fetches {
    const fetches: Fetches = {};
    for (const { name, dtype, operand } of this.plan.outputs) {
      const host = allocateHost(dtype, sizeOf(operand.shape));
      operations.assign(ndarray(host, [...operand.shape]), stridedView(elements.get(operand.slot)!, operand));
      fetches[name] = host;
    }
    return fetches;
  }
}

function stridedView(storage: Storage, { shape, strides, offset }: View): Strided {
  return ndarray(storage, [...shape], [...strides], offset);
}

function execute<K extends KernelKind>(
  call: KindedCall<K>,
  inputs: readonly Strided[],
  outputs: readonly Strided[],
): void {
  const kernel = referenceKernels[call.kind] as ReferenceKernel<Specifications[K]>;
  kernel(call, inputs, outputs);
}
