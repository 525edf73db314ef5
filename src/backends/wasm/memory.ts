/** One WebAssembly memory, shared out among residents, the arena of plans and the workers' scratch areas. */
import type { Dtype, HostArray } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';

const pageBytes = 65536;
/** 4 GiB, the most that a 32-bit memory can have. A shared memory must name its maximum; only address space is taken. */
const maximumPages = 65536;
export const mostBytes = maximumPages * pageBytes;
/** Blocks are cache lines, so that no two share one and every vector load is aligned. */
const alignment = 64;

interface Block {
  start: number;
  end: number;
}

function aligned(bytes: number): number {
  return Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
}

/**
 * Memory by the block: addresses and sizes are bytes, blocks begin at multiples of 64 and are given back by address and
 * size. It grows up to 4 GiB and never shrinks. Throws a BackendError where no more is to be had.
 */
export class WasmMemory {
  readonly memory: WebAssembly.Memory;
  /** Free blocks in ascending order; neighbors are merged. */
  private readonly free: Block[];
  /** Behind it nothing was ever given out, so it is zero; the system gives a page of it when it is written. */
  private untouched = 0;

  /** @param shared workers see the memory too: it is a SharedArrayBuffer */
  constructor(readonly shared: boolean) {
    const initial = 16;
    try {
      this.memory = new WebAssembly.Memory({ initial, maximum: maximumPages, shared });
    } catch (cause) {
      throw new BackendError(
        'wasm: there is no address space for a memory: 10 GB of it, which are reserved and not used, were refused',
        {
          cause,
          hint: 'Every engine takes its share: close those that are done. Below a limit (ulimit -v), node --disable-wasm-trap-handler does without.',
        },
      );
    }
    // address 0 stays unused: a pointer of 0 is a mistake
    this.free = [{ start: alignment, end: initial * pageBytes }];
  }

  /** Size of the memory in bytes. It only grows. */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** The address of a new block of zeros, 64-byte aligned. */
  allocate(bytes: number): number {
    const wanted = aligned(bytes);
    let block = this.free.find(({ start, end }) => end - start >= wanted);
    block ??= this.grow(wanted);
    const { start } = block;
    block.start += wanted;
    if (block.start === block.end) this.free.splice(this.free.indexOf(block), 1);
    const end = start + wanted;
    const used = Math.min(end, this.untouched) - start;
    if (used > 0) new Uint8Array(this.memory.buffer, start, used).fill(0);
    this.untouched = Math.max(this.untouched, end);
    return start;
  }

  /** Gives a block back. */
  release(address: number, bytes: number): void {
    const block = { start: address, end: address + aligned(bytes) };
    const at = this.free.findIndex(({ start }) => start > address);
    this.free.splice(at < 0 ? this.free.length : at, 0, block);
    for (let i = this.free.length - 1; i > 0; i--) {
      const [left, right] = [this.free[i - 1]!, this.free[i]!];
      if (left.end !== right.start) continue;
      left.end = right.end;
      this.free.splice(i, 1);
    }
  }

  /** A view of `size` elements; growth of the memory may detach it, so it is made for each use. */
  view(address: number, dtype: Dtype, size: number): HostArray {
    const { buffer } = this.memory;
    if (dtype === 'float32') return new Float32Array(buffer, address, size);
    return dtype === 'int32' ? new Int32Array(buffer, address, size) : new Uint8Array(buffer, address, size);
  }

  private grow(wanted: number): Block {
    const last = this.free.at(-1);
    const end = this.bytes;
    const present = last !== undefined && last.end === end ? end - last.start : 0;
    const pages = Math.ceil((wanted - present) / pageBytes);
    try {
      this.memory.grow(pages);
    } catch (cause) {
      const wish = Math.round((end + pages * pageBytes) / 2 ** 20);
      throw new BackendError(`wasm: out of memory: ${wish} MiB are wanted, 4096 MiB is the most`, {
        cause,
        hint: 'A smaller batch needs less.',
      });
    }
    const grown: Block = { start: end - present, end: end + pages * pageBytes };
    if (present > 0) this.free.pop();
    this.free.push(grown);
    return grown;
  }
}

/** A block that grows to the largest size that was asked for; its contents do not outlive a run. */
export class Region {
  address = 0;
  bytes = 0;

  constructor(private readonly memory: WasmMemory) {}

  /** Makes room. The address may change, also where this throws a BackendError for want of memory. */
  reserve(bytes: number): void {
    if (bytes <= this.bytes) return;
    const before = this.bytes;
    if (before > 0) this.memory.release(this.address, before);
    try {
      this.address = this.memory.allocate(bytes);
      this.bytes = bytes;
    } catch (error) {
      // others still need what there was
      if (before > 0) this.address = this.memory.allocate(before);
      throw error;
    }
  }
}
