/** A prepared plan as every worker sees it: plain data, so that it can be sent to one. */
import type { KernelRun } from '../../writers/assembler.js';

export interface TableEntry {
  /** Number of the kernel. */
  readonly kernel: number;
  /** Addresses of inputs and outputs, offsets included. */
  readonly pointers: readonly number[];
  readonly units: number;
  readonly scratch: boolean;
}

/** Steps between two barriers: one that all workers share, or several that the first does alone. */
export interface Phase {
  readonly entries: readonly TableEntry[];
  readonly alone: boolean;
}

export interface Table {
  readonly phases: readonly Phase[];
  /** Address of worker 0's scratch area, and the distance to the next worker's. */
  readonly scratchAddress: number;
  readonly scratchBytes: number;
}

/** Groups entries into phases. Small work is done by one worker, with no barrier in between. */
export function makePhases(entries: readonly (TableEntry & { readonly small: boolean })[]): Phase[] {
  const phases: { entries: TableEntry[]; alone: boolean }[] = [];
  for (const { small, ...entry } of entries) {
    const alone = small || entry.units < 2;
    const last = phases.at(-1);
    if (alone && last?.alone) last.entries.push(entry);
    else phases.push({ entries: [entry], alone });
  }
  return phases;
}

/** A phase with one worker's functions and arguments. */
export type BoundPhase = readonly { readonly run: KernelRun; readonly args: readonly number[] }[];

/**
 * The table with the functions of one worker's instances and its share of the units: contiguous, as equal as can be.
 * A phase in which the worker has nothing to do is empty.
 *
 * @param functions by number of the kernel
 */
export function bindTable(
  table: Table,
  functions: readonly (KernelRun | undefined)[],
  worker: number,
  workers: number,
): BoundPhase[] {
  const scratch = table.scratchAddress + worker * table.scratchBytes;
  return table.phases.map(({ entries, alone }) =>
    entries.flatMap(({ kernel, pointers, units, scratch: wantsScratch }) => {
      const begin = alone ? 0 : Math.floor((units * worker) / workers);
      const end = alone ? units : Math.floor((units * (worker + 1)) / workers);
      if ((alone && worker > 0) || begin === end) return [];
      return [
        { run: functions[kernel]!, args: [...pointers, ...(wantsScratch ? [scratch] : []), begin, end] },
      ];
    }),
  );
}

/** Does one worker's share of a phase. */
export function runPhase(phase: BoundPhase): void {
  for (let i = 0; i < phase.length; i++) {
    const { run, args } = phase[i]!;
    run.apply(null, args as number[]);
  }
}
