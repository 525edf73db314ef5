/** The calls of a plan's machine code as lists in memory, one set for each worker. */
import { preparedFlag } from '../../../../kernels/toolkit/wasm/kernel.js';
import type { Block } from '../inputs.js';
import type { Kernel } from '../kernels.js';
import type { WasmMemory } from '../memory.js';
import type { Call, ChunkPlan, ListCall, Phase, Table } from '../table.js';
import { type ListedCall, listBytes, writeList } from './list.js';

interface ListPlan {
  readonly calls: readonly { readonly call: Call; readonly address: bigint }[];
  readonly at: number;
  /** Where the list with the prepared scratch area is, if it makes a difference. */
  readonly again: number;
}

interface Lists {
  readonly phases: readonly Phase[];
  readonly block: Block;
}

/**
 * Writes neighboring calls of machine code as one list each; those of WebAssembly stay what they are.
 *
 * @param kernels by number
 */
export function writeLists(
  memory: WasmMemory,
  table: Table,
  kernels: readonly (Kernel | undefined)[],
  workers: number,
): Lists {
  const plans: ListPlan[] = [];
  let size = 0;
  const place = (calls: ListPlan['calls']): number => {
    const at = size;
    size += listBytes(calls.map(({ call }) => ({ values: valuesOf(call, 0, false) })));
    return at;
  };
  const chunks = table.phases.map((phase) =>
    phase.map(({ home, calls }) => ({
      home,
      runs: runsOf(calls, kernels).map((run) => ('call' in run ? run.call : planOf(run.calls))),
    })),
  );
  function planOf(calls: ListPlan['calls']): ListPlan {
    const at = place(calls);
    const again = prepares(calls) ? place(calls) : at;
    const plan = { calls, at, again };
    plans.push(plan);
    return plan;
  }
  const step = Math.ceil(size / 64) * 64;
  const block = {
    address: memory.allocate(Math.max(64, step * workers)),
    bytes: Math.max(64, step * workers),
  };
  for (let worker = 0; worker < workers; worker++) {
    const scratch = table.scratchAddress + worker * table.scratchBytes;
    for (const { calls, at, again } of plans) {
      const listed = (prepared: boolean): ListedCall[] =>
        calls.map(({ call, address }) => ({ address, values: valuesOf(call, scratch, prepared) }));
      writeList(memory.memory, block.address + worker * step + at, listed(false));
      if (again !== at) writeList(memory.memory, block.address + worker * step + again, listed(true));
    }
  }
  const phases = chunks.map((phase) =>
    phase.map(
      ({ home, runs }): ChunkPlan => ({
        home,
        calls: runs.map((run): Call | ListCall => {
          if (!('calls' in run)) return run;
          const places = { list: block.address + run.at, again: block.address + run.again };
          const scratch = run.calls.findLast(({ call }) => call.scratch !== undefined)?.call.scratch;
          return { ...places, listStep: step, scratch };
        }),
      }),
    ),
  );
  return { phases, block };
}

const prepares = (calls: ListPlan['calls']) => calls.length === 1 && calls[0]!.call.prepares;

/** A chunk cut into lists of machine code and single other calls. What prepares its scratch area stands alone. */
function runsOf(
  chunk: ChunkPlan['calls'],
  kernels: readonly (Kernel | undefined)[],
): ({ readonly calls: ListPlan['calls'] } | { readonly call: Call })[] {
  const runs: ({ calls: { call: Call; address: bigint }[] } | { call: Call })[] = [];
  for (const call of chunk) {
    if ('list' in call) continue;
    const address = kernels[call.kernel]?.native?.address;
    const last = runs.at(-1);
    if (address === undefined) runs.push({ call });
    else if (last && 'calls' in last && !call.prepares && !prepares(last.calls))
      last.calls.push({ call, address });
    else runs.push({ calls: [{ call, address }] });
  }
  return runs;
}

function valuesOf({ pointers, scratch, begin, end }: Call, area: number, prepared: boolean): number[] {
  return [
    ...pointers,
    ...(scratch === undefined ? [] : [area]),
    prepared ? begin | preparedFlag : begin,
    end,
  ];
}
