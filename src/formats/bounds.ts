/** What a file of a stranger may take: a file within these bounds is read in less than 500 MB. */
import { DataError } from '../core/errors.js';

/** Bytes of a file, and of what a zip archive unfolds to. */
export const largestFile = 96 * 2 ** 20;

/** Numbers of all tensors of a file. */
export const mostNumbers = largestFile / 4;

/** Bytes of JSON, which takes many times its size in memory. */
const largestJson = 8 * 2 ** 20;

/** Throws DataError, naming `what`, for JSON that is longer than any architecture. */
export function checkJsonSize(bytes: number, what: string): void {
  if (bytes > largestJson) throw new DataError(`${what}: ${bytes} bytes of JSON are over ${largestJson}`);
}

/** Tells whether a file that a model names lies beside the model, and nowhere else. */
export const isBeside = (name: string): boolean => /^[\w][\w .-]*$/.test(name);
