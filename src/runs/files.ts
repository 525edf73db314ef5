/** The files of a run folder, and how they are written: each is whole at any moment. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError, ModelError, reasonOf } from '../core/errors.js';
import { codeOf, exists } from '../core/files.js';
import { isObject } from '../core/json.js';
import { parseBounded } from '../core/schema.js';
import { readFileWithin } from '../data/readFile.js';

/** Paths inside a run folder. */
export const runFiles = {
  /** Settings and machine; makes a folder a run. */
  config: 'config.json',
  /** One epoch per line. */
  history: 'history.jsonl',
  /** The same as a table. */
  historyTable: 'history.csv',
  /** The loss within epochs. */
  curve: 'curve.json',
  /** A folder: `last`, `previous` and `best.safetensors`. */
  checkpoints: 'checkpoints',
  /** The trained model, or the model so far. */
  model: 'model.safetensors',
  /** The output of `quern train --json`. */
  result: 'result.json',
  /** Why a training could not go on. */
  failure: 'failure.json',
  /** Words of the user's own. */
  tags: 'tags.json',
  /** A folder: the state before a step whose numbers were not finite, and the batch of that step. */
  nonFinite: 'non-finite',
  /** News of a running training. */
  live: 'live.json',
  /** Its predictions of the images that are held out, while somebody watches. */
  validation: 'validation.json',
  /** Says by its time that somebody watches. */
  watched: '.watched',
  /** The process that is writing. */
  lock: 'lock.json',
} as const;

/**
 * Where the model of an argument lies: in a run folder under its own name, else the path is the file's.
 *
 * @throws ModelError for a run that has no model yet, and for another folder
 */
export async function modelPathOf(argument: string): Promise<string> {
  const inside = join(argument, runFiles.model);
  if (await exists(inside)) return inside;
  if (await exists(join(argument, runFiles.config))) {
    throw new ModelError(`${argument}: the run has no model yet: there is no ${runFiles.model}`, {
      hint: `It is written when the training ends; \`quern train --resume ${argument}\` goes on with one that was interrupted.`,
    });
  }
  const found = await stat(argument).catch(() => undefined);
  if (found?.isDirectory())
    throw new ModelError(`${argument}: a folder without a run or a model: there is no ${runFiles.model}`, {
      hint: '`quern runs` lists runs.',
    });
  return argument;
}

/** Far above what a training of many thousand epochs writes. */
const largestText = 2 ** 26;

/**
 * The text of a file of a run; undefined where there is none.
 *
 * @throws DataError naming the path when it cannot be read, or is longer than any that a run writes
 */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readFileWithin(path, largestText));
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * The JSON of a file; undefined where there is none.
 *
 * @throws DataError naming the path when it cannot be read or is no JSON
 */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    return parseBounded(text);
  } catch (cause) {
    throw new DataError(`${path}: is not JSON`, { cause });
  }
}

/** Tells whether a path is, or would be, a file of a run. */
export async function isOfRun(path: string): Promise<boolean> {
  const own: ReadonlySet<string> = new Set(Object.values(runFiles));
  const whole = resolve(path);
  // the run's own, or in one of its folders
  for (const inside of [whole, dirname(whole)]) {
    if (!own.has(basename(inside))) continue;
    const config = await readJson(join(dirname(inside), runFiles.config)).catch(() => undefined);
    // other frameworks have files of this name too
    if (isObject(config) && isObject(config.settings)) return true;
  }
  return false;
}
