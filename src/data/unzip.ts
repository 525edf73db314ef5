import { createGunzip } from 'node:zlib';

/** zlib takes no smaller ones. */
const leastPiece = 64;

/**
 * The pieces of what gzip unpacks to, of `chunkSize` bytes, by default 2^18. Throws TooLong as soon as there are more than
 * `limit` bytes.
 */
async function* piecesWithin(
  bytes: Uint8Array,
  limit: number,
  chunkSize = 2 ** 18,
): AsyncGenerator<Uint8Array> {
  let length = 0;
  const unpacking = createGunzip({ chunkSize });
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
  if (expected !== undefined) return unzipInto(bytes, Math.min(limit, expected));
  const whole = new Uint8Array(await unzippedLength(bytes, limit));
  let length = 0;
  for await (const piece of piecesWithin(bytes, whole.length)) {
    whole.set(piece, length);
    length += piece.length;
  }
  return whole.subarray(0, length);
}

/** Has zlib unpack at most so many bytes into one piece, which is neither copied nor joined. */
async function unzipInto(bytes: Uint8Array, most: number): Promise<Uint8Array> {
  // room for one byte too many
  const chunkSize = Math.max(leastPiece, most + 1);
  const pieces: Uint8Array[] = [];
  for await (const piece of piecesWithin(bytes, most, chunkSize)) pieces.push(piece);
  const [first] = pieces;
  // small pieces share memory with strangers; the zlib of browsers gives many
  if (pieces.length === 1 && first !== undefined && first.buffer.byteLength <= chunkSize) {
    return new Uint8Array(first.buffer, first.byteOffset, first.length);
  }
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let length = 0;
  for (const piece of pieces) {
    whole.set(piece, length);
    length += piece.length;
  }
  return whole;
}

/** There is more in it than may be. */
export class TooLong extends Error {
  constructor(limit: number) {
    super(`it unpacks to more than ${limit} bytes`);
  }
}
