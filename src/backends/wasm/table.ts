/** A prepared plan as every worker sees it: plain data, so that it can be sent to one. */
import type { KernelRun } from '../../writers/assembler.js';

export interface TableEntry {
  /** Number of the kernel. */
  readonly kernel: number;
  /** Addresses of inputs and outputs, offsets included. */
  readonly pointers: readonly number[];
  readonly units: number;
  readonly scratch: boolean;
  /** Pieces that the units are cut into: contiguous, as equal as can be. */
  readonly pieces: number;
}

/** Steps that begin when all before are finished: one in several pieces, or several in a row by one worker. */
export type Phase = readonly TableEntry[];

export interface Table {
  readonly phases: readonly Phase[];
  /** Address of worker 0's scratch area, and the distance to the next worker's. */
  readonly scratchAddress: number;
  readonly scratchBytes: number;
}

/** Groups entries into phases: neighbours that are not worth sharing are done in one go. */
export function makePhases(entries: readonly TableEntry[]): Phase[] {
  const phases: TableEntry[][] = [];
  for (const entry of entries) {
    const last = phases.at(-1);
    if (last !== undefined && entry.pieces === 1 && last[0]!.pieces === 1) last.push(entry);
    else phases.push([entry]);
  }
  return phases;
}

/** What one worker does at a time. */
export interface Chunk {
  /** Where its phase starts and ends, counted in chunks from the beginning of the step. */
  readonly phaseStart: number;
  readonly phaseEnd: number;
  readonly calls: readonly { readonly run: KernelRun; readonly args: readonly number[] }[];
}

/**
 * The chunks of a step with the functions of one worker's instances. The first is empty: it stands for the feeds, which
 * worker 0 writes.
 *
 * @param functions by number of the kernel
 */
export function bindTable(
  { phases, scratchAddress, scratchBytes }: Table,
  functions: readonly (KernelRun | undefined)[],
  worker: number,
): Chunk[] {
  const scratch = scratchAddress + worker * scratchBytes;
  const chunks: Chunk[] = [{ phaseStart: 0, phaseEnd: 1, calls: [] }];
  for (const phase of phases) {
    const phaseStart = chunks.length;
    const { pieces } = phase[0]!;
    for (let piece = 0; piece < pieces; piece++) {
      const calls = phase.map(({ kernel, pointers, units, scratch: wantsScratch }) => {
        const begin = Math.floor((units * piece) / pieces);
        const end = Math.floor((units * (piece + 1)) / pieces);
        return {
          run: functions[kernel]!,
          args: [...pointers, ...(wantsScratch ? [scratch] : []), begin, end],
        };
      });
      chunks.push({ phaseStart, phaseEnd: phaseStart + pieces, calls });
    }
  }
  return chunks;
}

export function runChunk({ calls }: Chunk): void {
  for (let i = 0; i < calls.length; i++) {
    const { run, args } = calls[i]!;
    run.apply(null, args as number[]);
  }
}
