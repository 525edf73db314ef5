/** Runs a plan as gpu.js kernels over buffers. A buffer that is in use is never written, so views and leaves share them. */
import { BackendError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import type { Feeds, Fetches, Program, Resident, RunOptions } from '../../engine/backend.js';
import { checkFeeds } from '../../engine/feeds.js';
import { runSteps } from '../../engine/runSteps.js';
import type { Plan } from '../../plan/plan.js';
import type { Leaf } from '../../tensor/tensor.js';
import { GpuBuffer } from './buffer.js';
import type { GpuDevice } from './device.js';
import { type PreparedStep, prepareSteps } from './prepare.js';
import { GpuResident } from './resident.js';
import { toBuffer, toHost } from './values.js';

/** Most steps that are handed to a device before the first of them is done: enough for it never to wait for the host. */
const mostAhead = 2;

/** A plan as compiled gpu.js kernels. Leaves that are updated get new buffers at the end of each step. */
export class GpuProgram implements Program {
  private constructor(
    private readonly device: GpuDevice,
    private readonly plan: Plan,
    private readonly residents: ReadonlyMap<Leaf, GpuResident>,
    private readonly steps: readonly PreparedStep[],
  ) {}

  static async prepare(
    device: GpuDevice,
    plan: Plan,
    given: ReadonlyMap<Leaf, Resident>,
  ): Promise<GpuProgram> {
    const residents = new Map<Leaf, GpuResident>();
    for (const { leaf } of plan.leaves) {
      if (leaf.kind === 'input') continue;
      const resident = given.get(leaf);
      if (!(resident instanceof GpuResident)) {
        throw new BackendError(`gpu: ${leaf} has no resident of this backend`);
      }
      residents.set(leaf, resident);
    }
    return new GpuProgram(device, plan, residents, await prepareSteps(device, plan));
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Fetches> {
    this.device.checkOpen();
    const inputs = this.plan.leaves.map(({ leaf }) => leaf).filter(({ kind }) => kind === 'input');
    checkFeeds(inputs, feeds, options.steps);
    const ahead: Promise<void>[] = [];
    let last: StepBuffers | undefined;
    try {
      await runSteps(options, async (step) => {
        last?.release();
        last = new StepBuffers(this.device, this.plan, this.residents, { feeds, step });
        await last.run(this.steps);
        const settled = this.device.settle();
        if (settled === undefined) return;
        settled.catch(() => {}); // what awaits it below hears of it
        if (ahead.push(settled) > mostAhead) await ahead.shift();
      });
      await Promise.all(ahead);
      return last === undefined ? {} : await last.fetch();
    } finally {
      last?.release();
    }
  }

  explain(): string {
    const lines = this.plan.steps.map(
      ({ kind, label }, i) => `${kind} (${label}): ${at(this.steps, i).algorithm}`,
    );
    return lines.join('\n');
  }
}

/** The buffers of one step of a run, by slot. */
class StepBuffers {
  private readonly buffers: (GpuBuffer | undefined)[] = [];
  /** Those that nobody else holds. */
  private readonly owned = new Set<GpuBuffer>();

  constructor(
    private readonly device: GpuDevice,
    private readonly plan: Plan,
    private readonly residents: ReadonlyMap<Leaf, GpuResident>,
    { feeds, step }: { feeds: Feeds; step: number },
  ) {
    for (const { leaf, slot } of plan.leaves) {
      const resident = residents.get(leaf);
      if (resident !== undefined) {
        this.own(slot, resident.buffer.retain());
        continue;
      }
      const slice = feeds[leaf.name]!.subarray(step * leaf.size, (step + 1) * leaf.size);
      this.own(slot, GpuBuffer.ofHost(toBuffer(leaf.name, slice)));
    }
  }

  async run(steps: readonly PreparedStep[]): Promise<void> {
    for (const { inputs, output, run, freed } of steps) {
      const made = run(inputs.map((slot) => this.buffers[slot]!));
      this.own(output, made instanceof Promise ? await made : made);
      for (const slot of freed) this.free(slot);
    }
    // All are retained here, so the order of the updates does not matter, not even for a swap.
    for (const { leaf, slot } of this.plan.updates) this.residents.get(leaf)!.buffer = this.buffers[slot]!;
  }

  async fetch(): Promise<Fetches> {
    const outputs = this.plan.outputs.map(async ({ name, dtype, operand }) => {
      const elements = await this.device.read(this.buffers[operand.slot]!);
      return [name, toHost(elements, dtype, operand)] as const;
    });
    return Object.fromEntries(await Promise.all(outputs));
  }

  release(): void {
    for (const buffer of this.owned) buffer.release();
    this.owned.clear();
  }

  private own(slot: number, buffer: GpuBuffer): void {
    this.buffers[slot] = buffer;
    this.owned.add(buffer);
  }

  private free(slot: number): void {
    const buffer = this.buffers[slot]!;
    this.buffers[slot] = undefined;
    if (this.owned.delete(buffer)) buffer.release();
  }
}
