/** The files of a run folder, and how they are written: each is whole at any moment. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, reasonOf } from '../core/errors.js';
import { codeOf, exists, temporaryForm } from '../core/files.js';

/** Paths inside a run folder. */
export const runFiles = {
  /** What was asked for and what it ran on; makes a folder a run. */
  config: 'config.json',
  /** One epoch per line. */
  history: 'history.jsonl',
  /** The same as a table. */
  historyTable: 'history.csv',
  /** A folder: `last`, `previous` and `best.safetensors`. */
  checkpoints: 'checkpoints',
  /** The trained model, or the model so far. */
  model: 'model.safetensors',
  /** What `quern train --json` prints. */
  result: 'result.json',
  /** Why a training could not go on. */
  failure: 'failure.json',
  /** A folder: the state before a step whose numbers were not finite, and the batch of that step. */
  nonFinite: 'non-finite',
  /** What a training tells while it runs. */
  live: 'live.json',
  /** What it says of the images that are held out, while somebody watches. */
  validation: 'validation.json',
  /** Says by its time that somebody watches. */
  watched: '.watched',
  /** Which process is writing. */
  lock: 'lock.json',
} as const;

/** Where the model of an argument lies: in a run folder under its own name, else the path is the file's. */
export async function modelPathOf(argument: string): Promise<string> {
  const inside = join(argument, runFiles.model);
  return (await exists(inside)) ? inside : argument;
}

/**
 * Removes what a process that was killed has left half-written in a folder. Only whoever holds the lock may do that, and
 * not to locks: another process may be asking for it.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) {
    if (temporaryForm.test(name) && !name.includes(runFiles.lock))
      await rm(join(folder, name), { force: true });
  }
}

/**
 * The JSON of a file; undefined where there is none.
 *
 * @throws DataError naming the path when it cannot be read or is no JSON
 */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const what = cause instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${reasonOf(cause)}`;
    throw new DataError(`${path}: ${what}`, { cause });
  }
}
