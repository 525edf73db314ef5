/** Checkpoints as files. Apart from checkpoint.ts, which has its place in browsers too. */

import { readFile } from 'node:fs/promises';
import { checkText } from '../../core/check.js';
import { DataError, reasonOf } from '../../core/errors.js';
import { writeWhole } from '../../core/files.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';

/**
 * Saves a checkpoint: a safetensors file that is whole at any moment.
 *
 * @throws ModelError naming the path when it cannot be written
 */
export async function saveCheckpoint(checkpoint: Checkpoint, path: string): Promise<void> {
  checkText('saveCheckpoint: path', path);
  await writeWhole(path, await encodeCheckpoint(checkpoint));
}

/**
 * Loads what `saveCheckpoint` has saved, for fit's option `resume`.
 *
 * @throws DataError or ModelError naming the file and what is wrong with it
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  checkText('loadCheckpoint: path', path);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  return decodeCheckpoint(bytes, path);
}
