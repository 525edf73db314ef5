/** What reading data of one's own needs of `node:zlib`. */
import { Gunzip } from 'fflate';
import { crc32 } from '../../data/images/pngChunks.js';

export const constants = { Z_SYNC_FLUSH: 2 };

/** Bytes that are unpacked at once. */
const piece = 2 ** 14;

/** What comes of pieces of gzip, as it comes: no more is held than one piece unpacks to. Throws at the end for damage. */
function* unpacked(bytes: Uint8Array): Generator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  /** Of the last member. */
  let [length, crc] = [0, 0];
  const unpacking = new Gunzip((found) => {
    pieces.push(found);
    length += found.length;
    crc = crc32(found, crc);
  });
  unpacking.onmember = () => {
    [length, crc] = [0, 0];
  };
  for (let start = 0; start < bytes.length; start += piece) {
    // never as the last: fflate then takes what ends where it should for cut off
    unpacking.push(bytes.subarray(start, start + piece), false);
    yield* pieces;
    pieces = [];
  }
  if (bytes.length < 18) throw new Error('unexpected end of file');
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8);
  if (trailer.getUint32(0, true) !== crc || trailer.getUint32(4, true) !== length % 2 ** 32)
    throw new Error('unexpected end of file, or damaged: its checksum is another');
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
