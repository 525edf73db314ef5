/**
 * Measured tuning: for a kernel call, the fastest of several ways to compute the same bits. Each call is measured once
 * per machine; what was found is kept in a file, if there is one.
 */
import type { KernelCall } from '../../../kernels/contract.js';
import type { KernelKind } from '../../../kernels/kinds.js';
import { type Tuning, type WasmOptions, waysOf } from '../../../kernels/wasm.js';
import { bytesOf } from '../../core/dtype.js';
import { exactJson } from '../../core/json.js';
import { sizeOf } from '../../core/shape.js';
import type { Kernel } from './kernels.js';
import { extentOf, fill } from './madeUp.js';
import type { WasmMemory } from './memory.js';
import { writeTunings } from './tuningFile.js';

/** Another way is taken only if it is so many times as fast as the fixed rule: less is noise. */
const worthIt = 1.03;
/** Rounds in which the ways take turns; how long each is tried at a time, and before the first round, in milliseconds. */
const rounds = 7;
const sampleTime = 2;
const warmUpTime = 15;

/** Compiles a call in one of its ways. */
type Compile = (tuning: Tuning) => Promise<Kernel>;

/** Chooses how to compute calls. One at a time is measured; asking again gives the same answer. */
export class Tuner {
  private queue: Promise<unknown> = Promise.resolve();
  /** How many calls were measured by this tuner. */
  measured = 0;

  /**
   * @param known what was measured on this machine before
   * @param file where to keep what is found; default: nowhere
   */
  constructor(
    private readonly memory: WasmMemory,
    private readonly options: WasmOptions,
    private readonly known: Map<string, Tuning>,
    private readonly file: string | undefined,
  ) {}

  /** The kernel for the call, in the way that was fastest here. */
  choose(kind: KernelKind, call: KernelCall<unknown>, compile: Compile): Promise<Kernel> {
    const ways = waysOf(kind, this.options);
    if (ways.length === 1) return compile({});
    const next = this.queue.then(() => this.find(exactJson([kind, call, this.options]), ways, call, compile));
    // one that fails does not keep the others from being chosen
    this.queue = next.catch(() => {});
    return next;
  }

  private async find(
    key: string,
    ways: readonly Tuning[],
    call: KernelCall<unknown>,
    compile: Compile,
  ): Promise<Kernel> {
    const kept = this.known.get(key);
    // a file is not to be trusted: only what is a way of this call
    const way = ways.find((one) => kept !== undefined && exactJson(one) === exactJson(kept));
    if (way !== undefined) return { ...(await compile(way)), tuning: way };
    const kernels = new Map<string, { way: Tuning; kernel: Kernel }>();
    for (const one of ways) {
      const kernel = await compile(one);
      // many ways are the same for a call: they come to the same code
      const code = `${kernel.algorithm} ${kernel.units} ${kernel.scratchBytes} ${kernel.codeBytes}`;
      if (!kernels.has(code)) kernels.set(code, { way: one, kernel });
    }
    const candidates = [...kernels.values()];
    const times = this.measure(
      candidates.map(({ kernel }) => kernel),
      call,
    );
    this.measured++;
    let best = 0;
    for (let i = 1; i < times.length; i++) if (times[i]! < times[best]!) best = i;
    if (times[0]! < times[best]! * worthIt) best = 0;
    const chosen = candidates[best]!;
    this.known.set(key, chosen.way);
    await writeTunings(this.file, this.known);
    return { ...chosen.kernel, tuning: chosen.way };
  }

  /** Milliseconds that each kernel takes, on one thread, over operands of its own: the least of all rounds. */
  private measure(kernels: readonly Kernel[], call: KernelCall<unknown>): number[] {
    const blocks: { address: number; bytes: number }[] = [];
    const allocate = (bytes: number) => {
      blocks.push({ address: this.memory.allocate(bytes), bytes });
      return blocks.at(-1)!.address;
    };
    try {
      const inputs = call.inputs.map((layout) => {
        const size = extentOf(layout);
        const address = allocate(size * bytesOf[layout.dtype]);
        fill(this.memory.view(address, layout.dtype, size));
        return address;
      });
      const outputs = call.outputs.map(({ dtype, shape }) => allocate(sizeOf(shape) * bytesOf[dtype]));
      const scratch = allocate(Math.max(...kernels.map(({ scratchBytes }) => scratchBytes)));
      const runs = kernels.map(({ run, units, scratchBytes }) => {
        const args = [...inputs, ...outputs, ...(scratchBytes > 0 ? [scratch] : []), 0, units];
        return () => run(...args);
      });
      for (const run of runs) timeOf(run, warmUpTime);
      const best = runs.map(() => Number.POSITIVE_INFINITY);
      for (let round = 0; round < rounds; round++) {
        for (const [i, run] of runs.entries()) best[i] = Math.min(best[i]!, timeOf(run, sampleTime));
      }
      return best;
    } finally {
      for (const { address, bytes } of blocks) this.memory.release(address, bytes);
    }
  }
}

/** The mean time of a run, over at least so many milliseconds. */
function timeOf(run: () => void, milliseconds: number): number {
  const began = performance.now();
  for (let count = 1; ; count++) {
    run();
    const taken = performance.now() - began;
    if (taken >= milliseconds) return taken / count;
  }
}
