/** Runs as they lie in their folders: read, found, told apart. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { QuernError, sentenceOf, UsageError } from '../core/errors.js';
import { exists } from '../core/files.js';
import { object, text } from '../core/schema.js';
import type { EpochRecord } from '../training/fit/options.js';
import { type RunConfig, readConfig } from './config.js';
import { type CurvePoint, readCurve } from './curve.js';
import { readJson, readText, runFiles } from './files.js';
import { parseHistory } from './history.js';
import { holderOf } from './lock.js';
import { isFinal, readResult, type TrainingResult } from './result.js';
import { readTags } from './tags.js';

/** Interrupted: by a signal, a time limit or a crash; it can be resumed, as can one that failed. */
export type RunState = 'finished' | 'interrupted' | 'running' | 'failed';

/** Everything known of a run. */
export interface RunRecord {
  readonly path: string;
  readonly state: RunState;
  readonly config: RunConfig;
  readonly history: readonly EpochRecord[];
  /** The loss within epochs; absent from runs that have not kept it. */
  readonly curve?: readonly CurvePoint[] | undefined;
  readonly result: TrainingResult | undefined;
  readonly tags: readonly string[];
  /** The first line of what went wrong. */
  readonly failure?: string | undefined;
}

async function readHistory(folder: string): Promise<EpochRecord[]> {
  const path = join(folder, runFiles.history);
  return parseHistory((await readText(path)) ?? '', path);
}

const checkFailure = object<{ message: string }>({ message: text(/^.{1,65536}$/s) }, {}, 'keep');

async function readFailure(folder: string): Promise<string | undefined> {
  const path = join(folder, runFiles.failure);
  const failure = await readJson(path);
  return failure === undefined ? undefined : sentenceOf(checkFailure(failure, path).message);
}

/**
 * Reads a run.
 *
 * @throws UsageError for a folder that holds none; DataError or ModelError naming the file that is wrong
 */
export async function readRun(path: string): Promise<RunRecord> {
  const config = await readConfig(path);
  if (config === undefined) throw new UsageError(`${path}: it holds no run: there is no config.json`);
  const [history, curve, result, failure, tags, holder] = await Promise.all([
    readHistory(path),
    readCurve(path),
    readResult(path),
    readFailure(path),
    readTags(path),
    holderOf(path),
  ]);
  const record = { path, config, history, curve, result, tags };
  if (result !== undefined && isFinal(result)) return { ...record, state: 'finished' };
  if (holder !== undefined) return { ...record, state: 'running' };
  return failure === undefined
    ? { ...record, state: 'interrupted' }
    : { ...record, state: 'failed', failure };
}

/** Folders of folders of runs are looked into this deep: a comparison has one per recipe, and in it one per seed. */
const deepest = 3;

async function findFolders(folder: string, depth: number): Promise<string[]> {
  if (await exists(join(folder, runFiles.config))) return [folder];
  if (depth === deepest) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const inside = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(({ name }) => join(folder, name));
  return (await Promise.all(inside.map((path) => findFolders(path, depth + 1)))).flat();
}

/** A run that cannot be read: one of its files is damaged. */
interface DamagedRun {
  readonly path: string;
  readonly state: 'damaged';
  /** The fault. */
  readonly failure: string;
}

/** The runs in a folder and below, in the order in which they were begun, and those that could not be read. */
export async function findRuns(folder: string): Promise<{ runs: RunRecord[]; damaged: DamagedRun[] }> {
  const runs: RunRecord[] = [];
  const damaged: DamagedRun[] = [];
  for (const path of await findFolders(folder, 0)) {
    try {
      runs.push(await readRun(path));
    } catch (error) {
      if (!(error instanceof QuernError)) throw error;
      damaged.push({ path, state: 'damaged', failure: sentenceOf(error) });
    }
  }
  runs.sort((a, b) => a.config.started.localeCompare(b.config.started));
  return { runs, damaged };
}

/** The line of a run in a list. Accuracies are shares from 0 to 1. */
export interface RunOverview {
  readonly path: string;
  readonly recipe: string;
  readonly dataset: string;
  readonly seed: number;
  readonly state: RunState;
  /** Whole epochs that are done, and that there shall be. */
  readonly epochs: number;
  readonly plannedEpochs: number;
  readonly testAccuracy: number | null;
  readonly validationAccuracy: number | null;
  /** Of the result where there is one, else of the whole epochs. */
  readonly trainSeconds: number;
  readonly started: string;
  readonly failure: string | null;
  /** Words of the user's own, in order. */
  readonly tags: readonly string[];
}

export function overviewOf({ path, state, config, history, result, failure, tags }: RunRecord): RunOverview {
  const { recipe, dataset, seed, epochs } = config.settings;
  return {
    path,
    recipe,
    dataset,
    seed,
    state,
    epochs: history.length,
    plannedEpochs: epochs,
    testAccuracy: result?.testAccuracy ?? null,
    validationAccuracy: history.at(-1)?.validationAccuracy ?? null,
    trainSeconds: result?.trainSeconds ?? history.reduce((sum, { seconds }) => sum + seconds, 0),
    started: config.started,
    failure: failure ?? null,
    tags,
  };
}
