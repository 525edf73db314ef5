/** Runs a plan as gpu.js kernels over buffers. No buffer is ever written twice, so views, updates and leaves share them. */
import { BackendError } from '../../core/errors.js';
import type { Feeds, Fetches, Program, Resident, RunOptions } from '../../engine/backend.js';
import { checkFeeds } from '../../engine/feeds.js';
import { runSteps } from '../../engine/runSteps.js';
import type { Plan } from '../../plan/plan.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { GpuDevice } from './device.js';
import { type PreparedStep, prepareSteps } from './prepare.js';
import { GpuResident } from './resident.js';
import { toBuffer, toHost } from './values.js';

/** By slot. */
type Buffers = (Float32Array | undefined)[];

/** A plan as compiled gpu.js kernels. Leaves that are updated get new buffers at the end of each step. */
export class GpuProgram implements Program {
  private readonly steps: readonly PreparedStep[];
  private readonly inputs: readonly Leaf[];
  private readonly residents = new Map<Leaf, GpuResident>();

  /** Throws a BackendError for a plan that gpu.js cannot run, or a leaf that has no resident here. */
  constructor(
    private readonly device: GpuDevice,
    private readonly plan: Plan,
    residents: ReadonlyMap<Leaf, Resident>,
  ) {
    const leaves = plan.leaves.map(({ leaf }) => leaf);
    this.inputs = leaves.filter(({ kind }) => kind === 'input');
    for (const leaf of leaves) {
      if (leaf.kind === 'input') continue;
      const resident = residents.get(leaf);
      if (!(resident instanceof GpuResident)) {
        throw new BackendError(`gpu: ${leaf} has no resident of this backend`);
      }
      this.residents.set(leaf, resident);
    }
    this.steps = prepareSteps(device, plan);
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Fetches> {
    this.device.checkOpen();
    checkFeeds(this.inputs, feeds, options.steps);
    let buffers: Buffers = [];
    await runSteps(options, (step) => {
      buffers = this.bind(feeds, step);
      this.runOnce(buffers);
      return undefined;
    });
    return this.fetch(buffers);
  }

  explain(): string {
    const lines = this.plan.steps.map(
      ({ kind, label }, i) => `${kind} (${label}): ${this.steps[i]!.algorithm}`,
    );
    return lines.join('\n');
  }

  private bind(feeds: Feeds, step: number): Buffers {
    const buffers: Buffers = [];
    for (const { leaf, slot } of this.plan.leaves) {
      const slice = () => feeds[leaf.name]!.subarray(step * leaf.size, (step + 1) * leaf.size);
      buffers[slot] = this.residents.get(leaf)?.buffer ?? toBuffer(leaf.name, slice());
    }
    return buffers;
  }

  private runOnce(buffers: Buffers): void {
    for (const { inputs, output, run, freed } of this.steps) {
      buffers[output] = run(inputs.map((slot) => buffers[slot]!));
      for (const slot of freed) buffers[slot] = undefined;
    }
    // Everything was read from `buffers`, so the order of the updates does not matter, not even for a swap.
    for (const { leaf, slot } of this.plan.updates) this.residents.get(leaf)!.buffer = buffers[slot]!;
  }

  private fetch(buffers: Buffers): Fetches {
    const { outputs } = this.plan;
    return Object.fromEntries(
      outputs.map(({ name, dtype, operand }) => [name, toHost(buffers[operand.slot]!, dtype, operand)]),
    );
  }
}
