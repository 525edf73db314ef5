/** A prepared plan as every worker sees it: plain data, so that it can be sent to one. */
import { preparedFlag } from '../../../kernels/toolkit/wasm/kernel.js';
import type { KernelRun } from '../../writers/wasm/assembler.js';

/** A range of a kernel's units. */
export interface Call {
  /** Number of the kernel. */
  readonly kernel: number;
  /** Addresses of inputs and outputs, offsets included. */
  readonly pointers: readonly number[];
  /** The step of the plan that this is a part of, where it takes a scratch area. */
  readonly scratch?: number | undefined;
  /** What a range leaves in the scratch area serves the next range of the same step. */
  readonly prepares: boolean;
  readonly begin: number;
  readonly end: number;
}

/** Calls of machine code, as a list in memory of which each worker has its own. */
export interface ListCall {
  /** Worker 0's list, and the one where the scratch area is prepared. */
  readonly list: number;
  readonly again: number;
  /** From one worker's list to the next one's, in bytes. */
  readonly listStep: number;
  /** The step of the plan that leaves something in the scratch area. */
  readonly scratch?: number | undefined;
}

/** The work that one worker does at a time: calls one after another. */
export interface ChunkPlan<C = Call | ListCall> {
  /**
   * Whose it is if nobody is late: a share of the workers, from 0 to below 1. The same piece of a step is the same
   * worker's each time, and so are the pieces of other steps at the same place, so that what they share lies in its cache.
   */
  readonly home: number;
  readonly calls: readonly C[];
}

/** Chunks that any workers may do in any order, or at once, when all phases before are finished. */
export type Phase = readonly ChunkPlan[];

/** Calls a list in memory (native/list.ts). */
export type Walk = (address: number) => void;

export interface Table {
  readonly phases: readonly Phase[];
  readonly workers: number;
  /** Address of worker 0's scratch area, and the distance to the next worker's. */
  readonly scratchAddress: number;
  readonly scratchBytes: number;
}

/** A chunk with the functions of one worker. */
export interface Chunk {
  /** Where its phase starts and ends, counted in chunks from the beginning of the step. */
  readonly phaseStart: number;
  readonly phaseEnd: number;
  /** Places in the phase in the order in which this worker wants them: its own, then those of others from their end. */
  readonly order: readonly number[];
  readonly calls: readonly BoundCall[];
}

interface BoundCall {
  readonly run: KernelRun;
  readonly args: readonly number[];
  /** The arguments where the scratch area is prepared; as `args` where it makes no difference. */
  readonly again?: readonly number[];
  readonly scratch?: number | undefined;
}

/** The content of a worker's scratch area: prepared for a step of the plan, in a turn of the plan. */
export interface ScratchState {
  holder: number | undefined;
  turn: number;
}

function orderOf(phase: Phase, worker: number, workers: number): number[] {
  const own: number[] = [];
  const others: number[] = [];
  for (const [place, { home }] of phase.entries())
    (Math.floor(home * workers) === worker ? own : others).push(place);
  return [...own, ...others.reverse()];
}

/**
 * The chunks of a step with the functions of one worker's instances. The first is empty: it stands for the feeds, which
 * worker 0 writes.
 *
 * @param functions by number of the kernel
 * @param walk calls lists, where there are any
 */
export function bindTable(
  { phases, workers, scratchAddress, scratchBytes }: Table,
  functions: readonly (KernelRun | undefined)[],
  worker: number,
  walk?: Walk,
): Chunk[] {
  const scratch = scratchAddress + worker * scratchBytes;
  const chunks: Chunk[] = [{ phaseStart: 0, phaseEnd: 1, order: [0], calls: [] }];
  for (const phase of phases) {
    const phaseStart = chunks.length;
    const order = orderOf(phase, worker, workers);
    for (const plan of phase) {
      const calls = plan.calls.map((call): BoundCall => {
        if ('list' in call) {
          const further = worker * call.listStep;
          const args = [call.list + further];
          return { run: walk!, args, again: [call.again + further], scratch: call.scratch };
        }
        const { kernel, pointers, scratch: holder, prepares, begin, end } = call;
        const addresses = holder === undefined ? pointers : [...pointers, scratch];
        const args = [...addresses, begin, end];
        const again = prepares ? [...addresses, begin | preparedFlag, end] : args;
        return { run: functions[kernel]!, args, again, scratch: holder };
      });
      chunks.push({ phaseStart, phaseEnd: phaseStart + phase.length, order, calls });
    }
  }
  return chunks;
}

/** @param turn of the plan, a number that no other recent run of a chunk had unless it was in the same turn */
export function runChunk({ calls }: Chunk, state: ScratchState, turn: number): void {
  for (let i = 0; i < calls.length; i++) {
    const { run, args, again, scratch } = calls[i]!;
    if (scratch === undefined) {
      run.apply(null, args as number[]);
      continue;
    }
    const prepared = state.holder === scratch && state.turn === turn;
    run.apply(null, (prepared ? again : args) as number[]);
    state.holder = scratch;
    state.turn = turn;
  }
}
