import type { HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import { contiguousView } from '../../core/view.js';
import type { Resident } from '../../engine/backend.js';
import { checkValue, factsOf, type LeafFacts } from '../../engine/feeds.js';
import type { Leaf } from '../../tensor/tensor.js';
import { GpuBuffer } from './buffer.js';
import type { GpuDevice } from './device.js';
import { toBuffer, toHost } from './values.js';

/** A leaf's value: the buffer that the last update, or the host, bound to it. */
export class GpuResident implements Resident {
  private readonly leaf: LeafFacts;
  private value: GpuBuffer | undefined;

  constructor(
    private readonly device: GpuDevice,
    leaf: Leaf,
    initial: HostArray,
  ) {
    this.leaf = factsOf(leaf);
    this.value = this.checked(initial);
  }

  /** Buffers are not written while they are retained, so a program may bind one that another leaf or slot has too. */
  get buffer(): GpuBuffer {
    this.device.checkOpen();
    if (this.value === undefined) throw new BackendError(`gpu: ${this.leaf.text} was released`);
    return this.value;
  }

  set buffer(buffer: GpuBuffer) {
    const before = this.value;
    this.value = buffer.retain();
    before?.release();
  }

  async read(): Promise<HostArray> {
    const elements = await this.device.read(this.buffer);
    return toHost(elements, this.leaf.dtype, contiguousView(this.leaf.shape));
  }

  async write(elements: HostArray): Promise<void> {
    const before = this.buffer;
    this.value = this.checked(elements);
    before.release();
  }

  release(): void {
    this.value?.release();
    this.value = undefined;
  }

  private checked(elements: HostArray): GpuBuffer {
    const { name, dtype, shape } = this.leaf;
    checkValue(name, elements, dtype, shape);
    return GpuBuffer.ofHost(toBuffer(name, elements));
  }
}
