/** A plan as a table of (function, pointers) over one memory. */
import type { Tuning } from '../../../kernels/wasm.js';
import { bytesOf, type HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import type { Feeds, Fetches, Program, Resident, RunOptions } from '../../engine/backend.js';
import { checkFeeds } from '../../engine/feeds.js';
import type { KernelClock } from '../../engine/options.js';
import { runSteps } from '../../engine/runSteps.js';
import type { Output, Plan, Slot, Step } from '../../plan/plan.js';
import { type DeadSlots, deadSlots, poison } from '../../plan/poison.js';
import { stepBytes, stepFlops } from '../../plan/print.js';
import type { Leaf } from '../../tensor/tensor.js';
import { type Block, Inputs } from './inputs.js';
import type { Kernel } from './kernels.js';
import { writeLists } from './native/lists.js';
import { readStrided } from './read.js';
import { WasmResident } from './resident.js';
import { inOrder, oneByOne, type Range, type Schedule, schedule, type Work } from './schedule.js';
import { Sharing } from './sharing.js';
import { bindTable, type Chunk, runChunk, type ScratchState, type Table } from './table.js';
import type { WasmState } from './wasm.js';

/** How many bytes could be moved in the time of a floating-point operation, for what `pieceBytes` counts. */
const flopsPerByte = 2;

/**
 * More pieces than workers, so that one who is slow takes fewer, and all are done at about the same time. Fewer where
 * each piece repeats what the others do too.
 */
const piecesPerWorker = 8;
const repeatedPiecesPerWorker = 1;

/** The function, with the time that it takes added up. */
function timed({ run, id }: Pick<Kernel, 'run' | 'id'>, clock: KernelClock): Kernel['run'] {
  return (...args) => {
    const began = performance.now();
    run(...args);
    const taken = performance.now() - began;
    clock.milliseconds += taken;
    clock.byKernel?.set(id, (clock.byKernel.get(id) ?? 0) + taken);
  };
}

/** Describes a measured way for explain(). */
function describeTuning(tuning: Tuning | undefined): string {
  if (tuning === undefined) return '';
  const members = Object.entries(tuning).map(([name, value]) => ` ${name} ${value}`);
  return members.length === 0 ? ', measured: as by rule' : `, measured:${members.join(',')}`;
}

/** What explain() says of a kernel where kernels are machine code. */
function describeWidth({ native, notNative }: Pick<Kernel, 'native' | 'notNative'>): string {
  if (native !== undefined) {
    const stack = native.spilled > 0 ? `, ${native.spilled} vectors on the stack` : '';
    return `, native ${native.bits}-bit${stack}`;
  }
  return notNative === undefined ? '' : `, wasm: ${notNative}`;
}

/** Resources that a program holds. */
export interface Held {
  readonly blocks: readonly Block[];
  /** The lists of calls of machine code. */
  lists: Block | undefined;
  /** Number that the pool knows it by. */
  number: number | undefined;
}

/** A program with the addresses of arena and scratch area that were current when it was linked. */
interface Linked {
  readonly chunks: readonly Chunk[];
  /** Number that the pool knows the program by; undefined where worker 0 does everything. */
  readonly number: number | undefined;
  readonly arenaAddress: number;
  readonly scratchAddress: number;
}

/**
 * A plan that is ready to run, in the arena and scratch area that all programs of the backend share.
 *
 * The constructor throws a BackendError where a leaf has no resident of this backend, or where the plan does not update
 * in place; `run` where the backend is closed, a resident released, or a worker dead.
 */
export class WasmProgram implements Program {
  private linked: Linked | undefined;
  /** Distance from one worker's scratch area to the next. */
  private readonly scratchBytes: number;
  private readonly inputs: Inputs;
  /** Given back once nobody refers to the program any more. */
  readonly held: Held;
  /** By slot. */
  private readonly residents = new Map<number, WasmResident>();
  private readonly dead: DeadSlots | undefined;
  private readonly sharing = new Sharing();

  constructor(
    private readonly state: WasmState,
    private readonly plan: Plan,
    private readonly kernels: readonly Kernel[],
    residents: ReadonlyMap<Leaf, Resident>,
  ) {
    for (const { leaf, slot } of plan.leaves) {
      if (leaf.kind === 'input') continue;
      const resident = residents.get(leaf);
      if (!(resident instanceof WasmResident)) {
        throw new BackendError(`wasm: ${leaf} has no resident of this backend`);
      }
      this.residents.set(slot, resident);
    }
    for (const { leaf, slot } of plan.updates) {
      if (plan.slots[slot]!.leaf === leaf) continue;
      throw new BackendError(`wasm: the plan does not update ${leaf} in place`, {
        hint: 'Plan it for the limits of this backend.',
      });
    }
    state.arena.reserve(plan.memory.peakBytes);
    this.scratchBytes = Math.max(0, ...kernels.map(({ scratchBytes }) => scratchBytes));
    state.scratch.reserve(this.scratchBytes * state.workers);
    this.inputs = new Inputs(state.memory, plan.leaves);
    this.held = { blocks: this.inputs.blocks, lists: undefined, number: undefined };
    this.dead = state.poison ? deadSlots(plan) : undefined;
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Fetches> {
    const { steps = 1 } = options;
    const { pool } = this.state;
    this.state.checkOpen();
    pool?.checkAlive();
    for (const resident of this.residents.values()) resident.checkHeld();
    checkFeeds(this.inputs.leaves, feeds, steps);
    const { chunks, number } = this.link();
    const pooled = number === undefined ? undefined : { number, chunks, sharing: this.sharing };
    const walk =
      pool === undefined || pooled === undefined ? () => this.walk(chunks) : () => pool.step(pooled);
    pool?.begin(steps);
    try {
      await runSteps(options, (step) => {
        this.state.checkOpen();
        this.inputs.feed(feeds, step);
        return walk();
      });
    } finally {
      pool?.end(chunks);
    }
    return Object.fromEntries(this.plan.outputs.map((output) => [output.name, this.fetch(output)]));
  }

  explain(): string {
    const works = this.works();
    const { phaseOf } = this.schedule();
    const lines = this.plan.steps.map(({ label }, index) => {
      const { algorithm, units, tuning, ...kernel } = this.kernels[index]!;
      const how = `${algorithm}${describeTuning(tuning)}${describeWidth(kernel)}`;
      const line = `${String(index).padStart(3)} ${label}: ${how}, ${units} units`;
      if (this.state.workers === 1) return line;
      const { pieces } = works[index]!;
      return `${line}${pieces > 1 ? ` in ${pieces} pieces` : ''}, phase ${phaseOf[index]}`;
    });
    return [...lines, ...this.describeNative()].join('\n');
  }

  /** How many steps are machine code, and which are not, where any may be. */
  private describeNative(): string[] {
    if (this.state.native === undefined) return [];
    const { level } = this.state.native;
    const others = this.plan.steps.flatMap(({ kind }, index) =>
      this.kernels[index]!.native === undefined ? [`${index} ${kind}`] : [],
    );
    const all = this.plan.steps.length;
    const which =
      others.length === 0
        ? `all ${all} steps`
        : `${all - others.length} of ${all} steps; WebAssembly: ${others.join(', ')}`;
    return [`    machine code (${level}): ${which}`];
  }

  /** The address of a slot's first element. */
  private address(slot: number): number {
    const offset = this.plan.memory.offsets[slot];
    if (offset !== undefined) return this.state.arena.address + offset;
    return this.inputs.address(slot) ?? this.residents.get(slot)!.address;
  }

  /** Makes the table, anew when the arena or the scratch area has moved. */
  private link(): Linked {
    const { arena, scratch, pool } = this.state;
    const { linked } = this;
    if (linked?.arenaAddress === arena.address && linked.scratchAddress === scratch.address) return linked;
    const { phases } = this.schedule();
    const table = this.listed({
      ...{ phases, workers: this.state.workers },
      ...{ scratchAddress: scratch.address, scratchBytes: this.scratchBytes },
    });
    const functions: Kernel['run'][] = [];
    const { kernelClock, native } = this.state;
    for (const kernel of this.kernels)
      functions[kernel.id] = kernelClock ? timed(kernel, kernelClock) : kernel.run;
    if (kernelClock !== undefined) kernelClock.kernelOfStep = this.kernels.map(({ id }) => id);
    const walk = native && kernelClock ? timed({ run: native.walk, id: -1 }, kernelClock) : native?.walk;
    const shared = phases.some(({ length }) => length > 1);
    const number = shared ? pool?.setTable(linked?.number, table, this.kernels) : undefined;
    this.held.number = number;
    this.linked = {
      chunks: bindTable(table, functions, 0, walk),
      number,
      arenaAddress: arena.address,
      scratchAddress: scratch.address,
    };
    return this.linked;
  }

  /** The table with the calls of machine code as lists. */
  private listed(table: Table): Table {
    const { memory, native, workers, kernelClock } = this.state;
    // each kernel is timed by itself, where one worker does everything
    if (native === undefined || (kernelClock !== undefined && workers === 1)) return table;
    const kernels: Kernel[] = [];
    for (const kernel of this.kernels) kernels[kernel.id] = kernel;
    const { phases, block } = writeLists(memory, table, kernels, workers);
    const { lists } = this.held;
    if (lists !== undefined) memory.release(lists.address, lists.bytes);
    this.held.lists = block;
    return { ...table, phases };
  }

  private schedule(): Schedule {
    const { poison, workers, pieceBytes } = this.state;
    const works = this.works();
    // poisoning looks at every step
    if (poison) return oneByOne(works);
    return workers === 1 ? inOrder(works) : schedule(works, pieceBytes);
  }

  private works(): Work[] {
    return this.plan.steps.map((step, index) => this.work(step, index));
  }

  private work(step: Step, index: number): Work {
    const { id, units, scratchBytes, prepares = false, repeats = false } = this.kernels[index]!;
    const { slots } = this.plan;
    const inputs = step.inputs.map(
      ({ slot, offset }) => this.address(slot) + offset * bytesOf[slots[slot]!.dtype],
    );
    const outputs = step.outputs.map(({ slot }) => this.address(slot));
    const { workers, pieceBytes } = this.state;
    const cost = stepFlops(step, slots) / flopsPerByte + stepBytes(step, slots);
    const most = Math.min(units, workers * (repeats ? repeatedPiecesPerWorker : piecesPerWorker));
    return {
      step: index,
      kernel: id,
      pointers: [...inputs, ...outputs],
      scratch: scratchBytes > 0,
      prepares,
      units,
      pieces: Math.max(1, Math.min(most, Math.floor(cost / pieceBytes))),
      cost,
      reads: step.inputs.map(({ slot }) => this.range(slot)),
      writes: step.outputs.map(({ slot }) => this.range(slot)),
    };
  }

  private range(slot: number): Range {
    const { size, dtype } = this.plan.slots[slot]!;
    const start = this.address(slot);
    return { start, end: start + size * bytesOf[dtype] };
  }

  private walk(chunks: readonly Chunk[]): undefined {
    // each kernel runs once, so nothing in the scratch area serves again
    const scratch: ScratchState = { holder: undefined, turn: 0 };
    for (let index = 0; index < chunks.length; index++) {
      // the first chunk stands for the feeds
      if (this.dead !== undefined && index > 0) this.poison(this.dead.before[index - 1]!);
      runChunk(chunks[index]!, scratch, 0);
      if (this.dead !== undefined && index > 0) this.poison(this.dead.after[index - 1]!);
    }
  }

  private poison(slots: readonly Slot[]): void {
    for (const { id, dtype, size } of slots) poison(this.state.memory.view(this.address(id), dtype, size));
  }

  private fetch({ operand, dtype }: Output): HostArray {
    const { slot } = operand;
    const whole = this.state.memory.view(this.address(slot), dtype, this.plan.slots[slot]!.size);
    return readStrided(whole, operand, dtype, sizeOf(operand.shape));
  }
}
