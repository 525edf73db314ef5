/** The files of a run folder, and how they are written: each is whole at any moment. */
import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError, ModelError, reasonOf } from '../core/errors.js';
import { exists } from '../data/catalog/exists.js';

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
  /** Which process is writing. */
  lock: 'lock.json',
} as const;

/** Where the model of an argument lies: in a run folder under its own name, else the path is the file's. */
export async function modelPathOf(argument: string): Promise<string> {
  const inside = join(argument, runFiles.model);
  return (await exists(inside)) ? inside : argument;
}

export const isTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST';

/** File systems without hard links say one of these. */
const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK'];

async function writeSynced(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a file that must not be there yet, whole at any moment: the text reaches the disk under another name, and a
 * hard link gives it its own in one step, which fails where the name is taken. On file systems without hard links the
 * file is made under its own name; a crash in that instant can leave it empty.
 *
 * @returns whether it was made: false where the name was taken
 * @throws ModelError naming the path when the system refuses
 */
export async function createWhole(path: string, text: string): Promise<boolean> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await writeSynced(temporary, text);
    try {
      await link(temporary, path);
    } catch (error) {
      if (!noLinks.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await writeSynced(path, text);
    }
    return true;
  } catch (cause) {
    if (isTaken(cause)) return false;
    throw new ModelError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

/**
 * Removes what a process that was killed has left half-written in a folder. Only whoever holds the lock may do that, and
 * not to locks: another process may be asking for it.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) {
    if (/^\..+\.tmp$/.test(name) && !name.includes(runFiles.lock))
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
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const what = cause instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${reasonOf(cause)}`;
    throw new DataError(`${path}: ${what}`, { cause });
  }
}

/** JSON for people and programs, ending in a line break. */
export const jsonText = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
