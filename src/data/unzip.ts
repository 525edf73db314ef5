import { createGunzip } from 'node:zlib';

/**
 * Unpacks gzip into memory that grows with what comes, up to a limit; no more than twice of what came is ever held.
 *
 * @param expected how many bytes there will be, where that is known: then they are held once
 * @throws Error for damage, and as soon as there are more than `limit` bytes
 */
export async function unzipWithin(bytes: Uint8Array, limit: number, expected?: number): Promise<Uint8Array> {
  let whole = new Uint8Array(expected ?? Math.min(limit, 4 * bytes.length));
  let length = 0;
  const unpacking = createGunzip({ chunkSize: 2 ** 18 });
  unpacking.end(bytes);
  for await (const piece of unpacking as AsyncIterable<Uint8Array>) {
    if (length + piece.length > limit) throw new TooLong(limit);
    if (length + piece.length > whole.length) {
      const longer = new Uint8Array(Math.min(limit, Math.max(2 * whole.length, length + piece.length)));
      longer.set(whole.subarray(0, length));
      whole = longer;
    }
    whole.set(piece, length);
    length += piece.length;
  }
  return whole.subarray(0, length);
}

/** There is more in it than may be. */
export class TooLong extends Error {
  constructor(limit: number) {
    super(`it unpacks to more than ${limit} bytes`);
  }
}
