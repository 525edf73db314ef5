/** The scratch area of a worker, in named parts. */
import { type FunctionBuilder, type I32, i32 } from '../../../src/writers/wasm/assembler.js';

const cacheLine = 64;

/** Bytes in whole cache lines. */
export function wholeLines(bytes: number): number {
  return Math.ceil(bytes / cacheLine) * cacheLine;
}

/** Bytes in an odd number of cache lines: matrices that are a power of two apart would compete for the same sets. */
export function oddLines(bytes: number): number {
  return wholeLines(bytes) | cacheLine;
}

/** Parts of a scratch area, one behind the other, each at the start of a cache line. */
export class Scratch<N extends string> {
  /** Of all parts; never 0, so that a kernel with one always gets its pointer. */
  readonly bytes: number;

  /** @param sizes in bytes; a part of 0 bytes has an address too, which nobody may use */
  constructor(private readonly sizes: Readonly<Record<N, number>>) {
    const all = Object.values<number>(sizes).reduce((sum, size) => sum + wholeLines(size), 0);
    this.bytes = Math.max(cacheLine, all);
  }

  /** The addresses of the parts in the area at `pointer`. */
  open(f: FunctionBuilder, pointer: I32): Record<N, I32> {
    let at = 0;
    const entries = Object.entries<number>(this.sizes).map(([name, size]) => {
      const address = at === 0 ? pointer : f.let(i32.add(pointer, at));
      at += wholeLines(size);
      return [name, address];
    });
    return Object.fromEntries(entries) as Record<N, I32>;
  }
}
