import { createGunzip } from 'node:zlib';

/** The pieces of what gzip unpacks to. Throws TooLong as soon as there are more than `limit` bytes. */
async function* piecesWithin(bytes: Uint8Array, limit: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  const unpacking = createGunzip({ chunkSize: 2 ** 18 });
  unpacking.end(bytes);
  for await (const piece of unpacking as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > limit) throw new TooLong(limit);
    yield piece;
  }
}

/** Counts what gzip unpacks to and holds nothing of it: several members in a file tell only their own sizes. */
async function unzippedLength(bytes: Uint8Array, limit: number): Promise<number> {
  let length = 0;
  for await (const piece of piecesWithin(bytes, limit)) length += piece.length;
  return length;
}

/**
 * Unpacks gzip, all of it in memory once.
 *
 * @param expected how many bytes there will be, where that is known: else they are counted first
 * @throws Error for damage, and as soon as there are more than `limit` bytes
 */
export async function unzipWithin(bytes: Uint8Array, limit: number, expected?: number): Promise<Uint8Array> {
  const whole = new Uint8Array(expected ?? (await unzippedLength(bytes, limit)));
  let length = 0;
  for await (const piece of piecesWithin(bytes, Math.min(limit, whole.length))) {
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
