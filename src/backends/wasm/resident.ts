import { bytesOf, type HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import type { Resident } from '../../engine/backend.js';
import { checkValue, factsOf, type LeafFacts } from '../../engine/feeds.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { WasmState } from './wasm.js';

/** A leaf's block of the memory, at one address for as long as the engine lives. */
export class WasmResident implements Resident {
  private readonly leaf: LeafFacts;
  private block: number | undefined;
  private readonly bytes: number;

  constructor(
    private readonly state: WasmState,
    leaf: Leaf,
    initial: HostArray,
  ) {
    this.leaf = factsOf(leaf);
    this.check(initial);
    this.bytes = leaf.size * bytesOf[leaf.dtype];
    this.block = state.memory.allocate(this.bytes);
    this.view().set(initial);
  }

  /** The address of the value. Throws a BackendError after release or close. */
  get address(): number {
    this.checkHeld();
    return this.block!;
  }

  /** Throws a BackendError after release or close. */
  checkHeld(): void {
    this.state.checkOpen();
    if (this.block === undefined) throw new BackendError(`wasm: ${this.leaf.text} was released`);
  }

  async read(): Promise<HostArray> {
    return this.view().slice();
  }

  async write(value: HostArray): Promise<void> {
    this.check(value);
    this.view().set(value);
  }

  release(): void {
    // once only: the block may be another's by then
    if (this.block !== undefined) this.state.memory.release(this.block, this.bytes);
    this.block = undefined;
  }

  private check(value: HostArray): void {
    checkValue(this.leaf.name, value, this.leaf.dtype, this.leaf.shape);
  }

  private view(): HostArray {
    return this.state.memory.view(this.address, this.leaf.dtype, this.leaf.size);
  }
}
