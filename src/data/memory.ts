/** What a file of data may become in memory: a few bytes of gzip may say that they are gigabytes. */
import { DataError } from '../core/errors.js';

/** Bytes that a file and all that is made of it take at once, at most. */
export const largestInMemory = 2 ** 31;

/** Bytes for an image beside its pixels: its label, its name, its place. */
export const bytesPerImage = 64;

/** An error that says the bound and what helps. */
export function tooLarge(file: string, limit: number, needed?: number): DataError {
  const what = needed === undefined ? '' : `: it would take ${needed}`;
  return new DataError(`${file}: too large: it unfolds to more than ${limit} bytes in memory${what}`, {
    hint: 'Keep fewer images in it, or store their pixels as whole numbers from 0 to 255, in numpy as uint8.',
  });
}

/** Throws DataError naming the file whose content takes more than may be. */
export function checkInMemory(needed: number, file: string, limit = largestInMemory): void {
  if (!(needed <= limit)) throw tooLarge(file, limit, needed);
}
