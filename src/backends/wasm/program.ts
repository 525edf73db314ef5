/** A plan as a table of (function, pointers) over one memory. */
import { bytesOf, type HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import type { Feeds, Fetches, Program, Resident, RunOptions } from '../../engine/backend.js';
import type { Output, Plan } from '../../plan/plan.js';
import { stepBytes, stepFlops } from '../../plan/print.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { Kernel } from './kernels.js';
import { readStrided } from './read.js';
import { WasmResident } from './resident.js';
import { type BoundPhase, bindTable, makePhases, runPhase, type Table } from './table.js';
import type { WasmState } from './wasm.js';

interface InputPlace {
  readonly name: string;
  readonly leaf: Leaf;
  readonly address: number;
}

/**
 * Work that moves fewer bytes than this (arithmetic converted at `flopsPerByte`) is over in a microsecond or two, about
 * the price of a barrier: one worker does it alone.
 */
const smallBytes = 32768;
const flopsPerByte = 2;

/** How long a run may keep the thread before timers, signals and progress get a turn, in milliseconds. */
const patience = 50;

/** Lets everything that waits on the event loop go first. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}

export class WasmProgram implements Program {
  private phases: BoundPhase[] = [];
  private poolProgram: number | undefined;
  private arenaAddress = -1;
  private scratchAddress = -1;
  private readonly scratchBytes: number;
  private readonly inputs: InputPlace[];
  private readonly residents = new Map<number, WasmResident>();
  private readonly inputAddress = new Map<number, number>();

  constructor(
    private readonly state: WasmState,
    private readonly plan: Plan,
    private readonly kernels: readonly Kernel[],
    residents: ReadonlyMap<Leaf, Resident>,
  ) {
    this.inputs = [];
    for (const { leaf, slot } of plan.leaves) {
      if (leaf.kind === 'input') {
        const address = state.memory.allocate(leaf.size * bytesOf[leaf.dtype]);
        this.inputs.push({ name: leaf.name, leaf, address });
        this.inputAddress.set(slot, address);
        continue;
      }
      const resident = residents.get(leaf);
      if (!(resident instanceof WasmResident)) {
        throw new BackendError(`wasm: ${leaf} has no resident of this backend`);
      }
      this.residents.set(slot, resident);
    }
    state.arena.reserve(plan.memory.peakBytes);
    this.scratchBytes = Math.max(0, ...kernels.map(({ scratchBytes }) => scratchBytes));
    state.scratch.reserve(this.scratchBytes * state.workers);
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Fetches> {
    const { steps = 1, signal, onProgress } = options;
    this.link();
    let last = performance.now();
    const before = async (step: number): Promise<void> => {
      onProgress?.(step);
      await turn();
      last = performance.now();
    };
    const begin = (step: number): Promise<void> | undefined => {
      const pause = performance.now() - last > patience ? before(step) : undefined;
      signal?.throwIfAborted();
      this.feed(feeds, step);
      return pause;
    };
    const { pool } = this.state;
    if (pool === undefined) {
      for (let step = 0; step < steps; step++) {
        const pause = begin(step);
        if (pause !== undefined) await pause;
        this.walk();
      }
    } else {
      await pool.run(this.poolProgram!, this.phases, steps, begin);
    }
    signal?.throwIfAborted();
    return Object.fromEntries(this.plan.outputs.map((output) => [output.name, this.fetch(output)]));
  }

  explain(): string {
    const lines = this.plan.steps.map(({ label }, index) => {
      const { algorithm, units } = this.kernels[index]!;
      return `${String(index).padStart(3)} ${label}: ${algorithm}, ${units} units`;
    });
    return lines.join('\n');
  }

  /** The address of a slot's first element. */
  private address(slot: number): number {
    const offset = this.plan.memory.offsets[slot];
    if (offset !== undefined) return this.state.arena.address + offset;
    return this.inputAddress.get(slot) ?? this.residents.get(slot)!.address;
  }

  /** Makes the table, anew when the arena or the scratch area has moved. */
  private link(): void {
    const { arena, scratch, pool, workers } = this.state;
    if (this.arenaAddress === arena.address && this.scratchAddress === scratch.address) return;
    this.arenaAddress = arena.address;
    this.scratchAddress = scratch.address;
    const modules = [...new Set(this.kernels.map(({ module }) => module))];
    const entries = this.plan.steps.map((step, index) => {
      const { module, units, scratchBytes } = this.kernels[index]!;
      const { slots } = this.plan;
      const inputs = step.inputs.map(
        ({ slot, offset }) => this.address(slot) + offset * bytesOf[slots[slot]!.dtype],
      );
      const outputs = step.outputs.map(({ slot }) => this.address(slot));
      const cost = stepFlops(step, slots) / flopsPerByte + stepBytes(step, slots);
      return {
        module: modules.indexOf(module),
        pointers: [...inputs, ...outputs],
        units,
        scratch: scratchBytes > 0,
        small: cost < smallBytes,
      };
    });
    const phases =
      pool === undefined ? entries.map((entry) => ({ entries: [entry], alone: true })) : makePhases(entries);
    const table: Table = { phases, scratchAddress: scratch.address, scratchBytes: this.scratchBytes };
    const functions = modules.map((module) => this.kernels.find((kernel) => kernel.module === module)!.run);
    this.phases = bindTable(table, functions, 0, workers);
    if (pool === undefined) return;
    this.poolProgram ??= pool.addProgram(modules);
    pool.setTable(this.poolProgram, table);
  }

  private feed(feeds: Feeds, step: number): void {
    const { memory } = this.state;
    for (const { name, leaf, address } of this.inputs) {
      const view = memory.view(address, leaf.dtype, leaf.size);
      const feed = feeds[name]!;
      view.set(feed.length === leaf.size ? feed : feed.subarray(step * leaf.size, (step + 1) * leaf.size));
    }
  }

  private walk(): void {
    for (let index = 0; index < this.phases.length; index++) {
      runPhase(this.phases[index]!);
      if (this.state.poison) this.poisonAfter(index);
    }
  }

  /** Fills what has just been used for the last time with NaN, so that a wrong lifetime shows in the results. */
  private poisonAfter(index: number): void {
    for (const slot of this.plan.slots) {
      if (slot.leaf !== undefined || slot.lastUse !== index) continue;
      const bytes = slot.size * bytesOf[slot.dtype];
      this.state.memory.view(this.address(slot.id), 'uint8', bytes).fill(0xff);
    }
  }

  private fetch({ operand, dtype }: Output): HostArray {
    const { slot } = operand;
    const whole = this.state.memory.view(this.address(slot), dtype, this.plan.slots[slot]!.size);
    return readStrided(whole, operand, dtype, sizeOf(operand.shape));
  }
}
