import { bytesOf, type HostArray } from '../../core/dtype.js';
import type { Resident } from '../../engine/backend.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { WasmMemory } from './memory.js';

/** A leaf's block of the memory, at one address for as long as the engine lives. */
export class WasmResident implements Resident {
  readonly address: number;
  private readonly bytes: number;

  constructor(
    private readonly memory: WasmMemory,
    private readonly leaf: Leaf,
    initial: HostArray,
  ) {
    this.bytes = leaf.size * bytesOf[leaf.dtype];
    this.address = memory.allocate(this.bytes);
    this.view().set(initial);
  }

  async read(): Promise<HostArray> {
    return this.view().slice();
  }

  async write(value: HostArray): Promise<void> {
    this.view().set(value);
  }

  release(): void {
    this.memory.release(this.address, this.bytes);
  }

  private view(): HostArray {
    return this.memory.view(this.address, this.leaf.dtype, this.leaf.size);
  }
}
