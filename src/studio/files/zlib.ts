/** What reading data of one's own needs of `node:zlib`. */
import { Gunzip } from 'fflate';

export const constants = { Z_SYNC_FLUSH: 2 };

/** What comes of pieces of gzip, as it comes: no more is held than one piece unpacks to. */
function* unpacked(bytes: Uint8Array): Generator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let ended = false;
  const unpacking = new Gunzip((piece, last) => {
    pieces.push(piece);
    ended ||= last;
  });
  const size = 2 ** 14;
  for (let start = 0; start < bytes.length; start += size) {
    unpacking.push(bytes.subarray(start, start + size), start + size >= bytes.length);
    yield* pieces;
    pieces = [];
  }
  if (!ended) throw new Error('unexpected end of file');
}

/** The beginning of what is packed: bytes that end too early are read as far as they go. */
export function gunzipSync(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  try {
    for (const piece of unpacked(bytes)) pieces.push(piece);
  } catch (error) {
    if (pieces.length === 0) throw error;
  }
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}

/** As far as `for await` goes through it. */
export function createGunzip() {
  let given = new Uint8Array(0);
  return {
    end(bytes: Uint8Array<ArrayBuffer>) {
      given = bytes;
    },
    [Symbol.asyncIterator]: async function* () {
      yield* unpacked(given);
    },
  };
}
