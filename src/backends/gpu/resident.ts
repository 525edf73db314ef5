import type { HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import { contiguousView } from '../../core/view.js';
import type { Resident } from '../../engine/backend.js';
import { checkValue } from '../../engine/feeds.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { GpuDevice } from './device.js';
import { toBuffer, toHost } from './values.js';

/** A leaf's value: the buffer that the last update, or the host, bound to it. */
export class GpuResident implements Resident {
  private value: Float32Array | undefined;

  constructor(
    private readonly device: GpuDevice,
    private readonly leaf: Leaf,
    initial: HostArray,
  ) {
    this.value = this.checked(initial);
  }

  /** Buffers are never written, so a program may bind one that another leaf or slot has too. */
  get buffer(): Float32Array {
    return this.held();
  }

  set buffer(buffer: Float32Array) {
    this.value = buffer;
  }

  async read(): Promise<HostArray> {
    return toHost(this.buffer, this.leaf.dtype, contiguousView(this.leaf.shape));
  }

  async write(elements: HostArray): Promise<void> {
    this.held();
    this.value = this.checked(elements);
  }

  release(): void {
    this.value = undefined;
  }

  private held(): Float32Array {
    this.device.checkOpen();
    if (this.value === undefined) throw new BackendError(`gpu: ${this.leaf} was released`);
    return this.value;
  }

  private checked(elements: HostArray): Float32Array {
    const { name, dtype, shape } = this.leaf;
    checkValue(name, elements, dtype, shape);
    return toBuffer(name, elements);
  }
}
