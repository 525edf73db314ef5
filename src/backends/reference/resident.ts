import type { Storage } from '../../../kernels/reference.js';
import type { HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import type { Resident } from '../../engine/backend.js';
import { checkValue, factsOf, type LeafFacts } from '../../engine/feeds.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { ReferenceState } from './reference.js';
import { allocateStorage, copyToHost } from './storage.js';

/** A leaf's value in storage of its own. */
export class ReferenceResident implements Resident {
  private readonly leaf: LeafFacts;
  private storage: Storage | undefined;

  constructor(
    private readonly state: ReferenceState,
    leaf: Leaf,
    initial: HostArray,
  ) {
    this.leaf = factsOf(leaf);
    this.storage = allocateStorage(leaf.dtype, leaf.size, state.precision);
    this.set(initial);
  }

  /** The elements themselves, for programs. Throws a BackendError after release or close. */
  get elements(): Storage {
    this.state.checkOpen();
    if (this.storage === undefined) throw new BackendError(`reference: ${this.leaf.text} was released`);
    return this.storage;
  }

  async read(): Promise<HostArray> {
    return copyToHost(this.elements, this.leaf.dtype);
  }

  async write(value: HostArray): Promise<void> {
    this.set(value);
  }

  release(): void {
    this.storage = undefined;
  }

  private set(value: HostArray): void {
    checkValue(this.leaf.name, value, this.leaf.dtype, this.leaf.shape);
    this.elements.set(value);
  }
}
