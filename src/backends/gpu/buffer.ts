/** Where a buffer's elements are. */
interface Places {
  readonly host?: Float32Array;
  /** The argument of a kernel of this device, in a form of the device's own. */
  readonly handle?: unknown;
  /** Called when the last holder lets go of the buffer. */
  readonly free?: () => void;
}

/**
 * A value of the gpu backend: on the host, on the device, or on both. Nothing writes it until everybody who retained it
 * has released it; then the device may use its memory for the next result.
 */
export class GpuBuffer {
  host: Float32Array | undefined;
  handle: unknown;
  private users = 1;
  private readonly frees: (() => void)[] = [];

  constructor(
    readonly size: number,
    { host, handle, free }: Places,
  ) {
    this.host = host;
    this.handle = handle;
    if (free !== undefined) this.frees.push(free);
  }

  /** A value that so far is on the host alone. It takes over the array. */
  static ofHost(host: Float32Array): GpuBuffer {
    return new GpuBuffer(host.length, { host });
  }

  /** The value now has a place on the device too, which `free` gives back. */
  place(handle: unknown, free: () => void): void {
    this.handle = handle;
    this.frees.push(free);
  }

  retain(): this {
    this.users++;
    return this;
  }

  release(): void {
    if (--this.users > 0) return;
    this.handle = undefined;
    for (const free of this.frees) free();
  }
}
