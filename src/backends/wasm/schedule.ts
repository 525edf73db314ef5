/**
 * Finds the steps of a plan that may run at the same time. A step begins when those are finished that write what it
 * reads, or use what it writes; what counts is where the bytes lie, since slots whose lives do not meet share memory.
 * Everything else is free: the updates of all parameters, say, or the two gradients of a layer.
 */
import { mostChunks } from './claims.js';
import type { Call, ChunkPlan } from './table.js';

/** Bytes of memory, from an address to before another. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A step of a plan as it is scheduled. */
export interface Work {
  /** Its place in the plan. */
  readonly step: number;
  readonly kernel: number;
  readonly pointers: readonly number[];
  /** The kernel takes a scratch area; that is prepared once for several ranges (WasmCode). */
  readonly scratch: boolean;
  readonly prepares: boolean;
  readonly units: number;
  /** Pieces that the units are cut into: contiguous, as equal as can be. */
  readonly pieces: number;
  /** How much there is to do, in bytes that could be moved meanwhile. */
  readonly cost: number;
  readonly reads: readonly Range[];
  readonly writes: readonly Range[];
}

/** A work in several pieces, or several in a row by one worker. */
interface Task {
  readonly works: Work[];
  cost: number;
}

export interface Schedule {
  readonly phases: readonly (readonly ChunkPlan<Call>[])[];
  /** The phase of each work. */
  readonly phaseOf: readonly number[];
}

const meets = (a: readonly Range[], b: readonly Range[]) =>
  a.some((one) => b.some((other) => one.start < other.end && other.start < one.end));

/** Tells whether two works must keep their order. */
function conflict(a: Work, b: Work): boolean {
  return meets(a.writes, b.writes) || meets(a.writes, b.reads) || meets(a.reads, b.writes);
}

/** All works one after another, in one chunk: for one worker. */
export function inOrder(works: readonly Work[]): Schedule {
  return {
    phases: works.length === 0 ? [] : [[{ home: 0, calls: works.map(whole) }]],
    phaseOf: works.map(() => 0),
  };
}

/** A chunk and a phase for each work. */
export function oneByOne(works: readonly Work[]): Schedule {
  return {
    phases: works.map((work) => [{ home: 0, calls: [whole(work)] }]),
    phaseOf: works.map((_, index) => index),
  };
}

/**
 * Puts every work into the first phase behind all that it must wait for. A work that is not worth sharing follows those
 * it waits for in their own chunk, where that is one.
 *
 * @param leastCost chunks are put together as long as they cost less than this
 */
export function schedule(works: readonly Work[], leastCost: number): Schedule {
  const phases: Task[][] = [];
  const taskOf: Task[] = [];
  const phaseOf: number[] = [];
  for (const [index, work] of works.entries()) {
    const awaited = works.slice(0, index).flatMap((earlier, i) => (conflict(earlier, work) ? [i] : []));
    const last = Math.max(-1, ...awaited.map((i) => phaseOf[i]!));
    const tasks = new Set(awaited.filter((i) => phaseOf[i] === last).map((i) => taskOf[i]!));
    const [chain] = tasks;
    const follows =
      chain !== undefined && tasks.size === 1 && work.pieces === 1 && chain.works[0]!.pieces === 1;
    if (follows) {
      chain.works.push(work);
      chain.cost += work.cost;
    }
    const task = follows ? chain : { works: [work], cost: work.cost };
    const phase = follows ? last : last + 1;
    if (phase === phases.length) phases.push([]);
    if (!follows) phases[phase]!.push(task);
    taskOf.push(task);
    phaseOf.push(phase);
  }
  return { phases: phases.map((tasks) => chunksOf(tasks, leastCost)), phaseOf };
}

interface Costly {
  readonly home: number;
  readonly calls: Call[];
  cost: number;
}

/** Multiples of it, without what is before the point, lie evenly however many they are (Weyl's sequence). */
const goldenRatio = 0.618;

/** The chunks of a phase: the longest first, so that all workers are done at about the same time. */
function chunksOf(tasks: readonly Task[], leastCost: number): ChunkPlan<Call>[] {
  const chunks: Costly[] = [];
  let small: Costly | undefined;
  let alone = 0;
  for (const { works, cost } of tasks) {
    const { pieces } = works[0]!;
    if (pieces > 1) {
      for (let piece = 0; piece < pieces; piece++) {
        chunks.push({ home: piece / pieces, calls: [pieceOf(works[0]!, piece)], cost: cost / pieces });
      }
      continue;
    }
    if (small === undefined || small.cost + cost > leastCost) {
      small = { home: (alone++ * goldenRatio) % 1, calls: [], cost: 0 };
      chunks.push(small);
    }
    small.calls.push(...works.map(whole));
    small.cost += cost;
  }
  const sorted = chunks.sort((a, b) => b.cost - a.cost);
  for (const { calls } of sorted.splice(mostChunks)) sorted[sorted.length - 1]!.calls.push(...calls);
  return sorted.map(({ home, calls }) => ({ home, calls }));
}

function pieceOf({ step, kernel, pointers, scratch, prepares, units, pieces }: Work, piece: number): Call {
  const at = (index: number) => Math.floor((units * index) / pieces);
  const call = { kernel, pointers, prepares, begin: at(piece), end: at(piece + 1) };
  return scratch ? { ...call, scratch: step } : call;
}

function whole(work: Work): Call {
  return pieceOf({ ...work, pieces: 1 }, 0);
}
