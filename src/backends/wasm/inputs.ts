import { bytesOf, type HostArray } from '../../core/dtype.js';
import type { Feeds } from '../../engine/backend.js';
import type { Plan } from '../../plan/plan.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { WasmMemory } from './memory.js';

/** Up to this many elements a loop is as fast as a view of the slice, which would be garbage. */
const shortSlice = 1024;

/** A part of the memory. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** The memory that the feeds of one program are copied to, step by step. */
export class Inputs {
  readonly leaves: readonly Leaf[];
  /** By slot. */
  private readonly addresses = new Map<number, number>();
  /** Blocks of the memory, given back when the program is gone. */
  readonly blocks: readonly Block[];
  private readonly names: readonly string[];
  private views: readonly HostArray[] = [];
  private buffer: ArrayBufferLike | undefined;

  constructor(
    private readonly memory: WasmMemory,
    leaves: Plan['leaves'],
  ) {
    const inputs = leaves.filter(({ leaf }) => leaf.kind === 'input');
    this.leaves = inputs.map(({ leaf }) => leaf);
    this.names = this.leaves.map(({ name }) => name);
    this.blocks = inputs.map(({ leaf, slot }) => {
      const bytes = leaf.size * bytesOf[leaf.dtype];
      const address = memory.allocate(bytes);
      this.addresses.set(slot, address);
      return { address, bytes };
    });
  }

  /** The address of an input's value, or undefined for the slot of anything else. */
  address(slot: number): number | undefined {
    return this.addresses.get(slot);
  }

  /** Copies the feeds of one step. */
  feed(feeds: Feeds, step: number): void {
    const { buffer } = this.memory.memory;
    // growth of the memory detaches its views
    if (this.buffer !== buffer) {
      const addresses = [...this.addresses.values()];
      this.views = this.leaves.map(({ dtype, size }, i) => this.memory.view(addresses[i]!, dtype, size));
      this.buffer = buffer;
    }
    for (let i = 0; i < this.names.length; i++) copySlice(this.views[i]!, feeds[this.names[i]!]!, step);
  }
}

/** Copies the `index`-th of the pieces that `source` consists of, each as long as `target`. */
function copySlice(target: HostArray, source: HostArray, index: number): void {
  const size = target.length;
  const start = index * size;
  if (source.length === size) target.set(source);
  else if (size > shortSlice) target.set(source.subarray(start, start + size));
  else for (let i = 0; i < size; i++) target[i] = source[start + i]!;
}
