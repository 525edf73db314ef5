import type { Pass } from './feed.js';

/** Writes the images of `indices`, as they are in an epoch, one after another into `target`. */
export type Fill = (indices: Int32Array, epoch: number, target: Uint8Array) => Promise<void>;

/** A piece of a pass, filled or being filled. */
interface Block {
  readonly pass: Pass;
  readonly start: number;
  readonly end: number;
  readonly images: Uint8Array;
  /** Rejects when it could not be filled; that is looked at when its turn comes. */
  readonly ready: Promise<void>;
}

/** Memory that data workers can write to as well, where there is such. */
function allocate(bytes: number): Uint8Array {
  const Buffer = typeof SharedArrayBuffer === 'undefined' ? ArrayBuffer : SharedArrayBuffer;
  return new Uint8Array(new Buffer(bytes));
}

/** A pass cut into blocks of host memory: while one is in use, the next is being filled. */
export class Blocks {
  private readonly buffers: [Uint8Array, Uint8Array];
  private pass: Pass | undefined;
  private next: (() => Pass | undefined) | undefined;
  private current: Block | undefined;
  private ahead: Block | undefined;
  /** Resolves when a fill that was given up has ended: until then its buffer is taken. */
  private dropped: Promise<void> | undefined;

  /**
   * @param size examples of a block, a multiple of the batch size or more than there are
   * @param imageBytes bytes of one image
   */
  constructor(
    private readonly fill: Fill,
    private readonly size: number,
    private readonly imageBytes: number,
  ) {
    this.buffers = [allocate(size * imageBytes), allocate(size * imageBytes)];
  }

  begin(pass: Pass, next?: () => Pass | undefined): void {
    this.pass = pass;
    this.next = next;
    this.current = undefined;
    // what was filled ahead is kept if this is what it was filled for
    const { ahead } = this;
    if (ahead === undefined || (ahead.pass.epoch === pass.epoch && ahead.start === pass.start)) return;
    this.ahead = undefined;
    this.dropped = ahead.ready;
  }

  /** Index after the last example of the block that holds `position`. */
  end(position: number): number {
    const { start, order } = this.pass!;
    const index = Math.floor((position - start) / this.size);
    return Math.min(start + (index + 1) * this.size, order.length);
  }

  /** The images from `position` on, `count` of them, all in one block. */
  async images(position: number, count: number): Promise<Uint8Array> {
    if (this.current === undefined || position >= this.current.end) await this.advance(position);
    const { start, images } = this.current!;
    const first = position - start;
    return images.subarray(first * this.imageBytes, (first + count) * this.imageBytes);
  }

  /** Resolves when nothing is being filled any more. */
  async settle(): Promise<void> {
    for (const fill of [this.dropped, this.ahead?.ready]) await fill?.catch(() => {});
    this.current = undefined;
    this.ahead = undefined;
  }

  private async advance(position: number): Promise<void> {
    const pass = this.pass!;
    await this.dropped?.catch(() => {});
    this.dropped = undefined;
    const block = this.ahead ?? this.open(pass, position);
    this.ahead = undefined;
    await block.ready;
    this.current = block;
    const following = block.end < pass.order.length ? pass : this.next?.();
    if (following === undefined) return;
    this.ahead = this.open(following, following === pass ? block.end : following.start);
  }

  /** Starts to fill a block, in the buffer that is not in use. */
  private open(pass: Pass, start: number): Block {
    const end = Math.min(start + this.size, pass.order.length);
    const whole = this.current?.images.buffer === this.buffers[0].buffer ? this.buffers[1] : this.buffers[0];
    const images = whole.subarray(0, (end - start) * this.imageBytes);
    const ready = this.fill(pass.order.subarray(start, end), pass.epoch, images);
    ready.catch(() => {});
    return { pass, start, end, images, ready };
  }
}
