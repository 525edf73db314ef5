/** `quern runs remove`: what is no longer needed of runs and sweeps. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { UsageError } from '../../../core/errors.js';
import { exists } from '../../../core/files.js';
import { at } from '../../../core/lists.js';
import { storeNames } from '../../../queue/job.js';
import { holderOf, removeDeadShares, sharersOf } from '../../../runs/lock.js';
import { findRuns, type RunRecord } from '../../../runs/records.js';
import { readSweep, sweepFile, sweepPage } from '../../../sweep/record.js';
import { megabytes } from '../../terminal/format.js';
import { print } from '../../terminal/output.js';

export interface RemoveArguments {
  readonly path: readonly string[];
  /** Leaves the run of each recipe that has the best test accuracy. */
  readonly keepBest: boolean;
  readonly yes: boolean;
}

/** Of a folder and all that is in it; what is linked to is not in it. */
async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path);
  if (!found.isDirectory()) return found.size;
  const names = await readdir(path);
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Of every recipe and dataset the run whose test accuracy is best; those without one are none. */
function bestOf(runs: readonly RunRecord[]): Set<string> {
  const best = new Map<string, RunRecord>();
  for (const run of runs) {
    const { recipe, dataset } = run.config.settings;
    const key = `${recipe} ${dataset}`;
    const accuracy = run.result?.testAccuracy ?? Number.NEGATIVE_INFINITY;
    const other = best.get(key)?.result?.testAccuracy ?? Number.NEGATIVE_INFINITY;
    if (accuracy > other) best.set(key, run);
  }
  return new Set([...best.values()].map(({ path }) => path));
}

/** What a sweep's trials were trained to; the trainings of the best are not among them. */
async function trialsOf(path: string): Promise<string[]> {
  const trials = join(path, 'trials');
  const names = await readdir(trials).catch((): string[] => []);
  const gone = names.filter((name) => !name.startsWith('winner-'));
  if (gone.length === names.length && names.length > 0) return [trials];
  return gone.sort().map((name) => join(trials, name));
}

/** Finds the files below a path that are to go. Throws UsageError where there is neither a run nor a sweep. */
async function removable(path: string, keepBest: boolean): Promise<string[]> {
  const sweep = await readSweep(path);
  if (sweep !== undefined) {
    const names = new Set(await readdir(path));
    const parts = keepBest ? ['store'] : [sweepFile, sweepPage, 'trials', 'models', 'store'];
    const found = parts.filter((part) => names.has(part)).map((part) => join(path, part));
    return keepBest ? [...(await trialsOf(path)), ...found] : found;
  }
  const { runs } = await findRuns(path);
  if (runs.length === 0) throw new UsageError(`runs remove: ${path}: it holds neither a run nor a sweep`);
  const kept = keepBest ? bestOf(runs) : new Set<string>();
  // of a comparison, whose results would stand for runs that are gone
  const store = (await exists(join(path, 'store', storeNames.mark))) ? [join(path, 'store')] : [];
  return [...runs.map((run) => run.path).filter((each) => !kept.has(each)), ...store];
}

/** A folder, those on the way to one in it, and that one. */
function foldersTo(path: string, inside: string): string[] {
  const parts = relative(path, inside).split(sep);
  return [path, ...parts.map((_, i) => join(path, ...parts.slice(0, i + 1)))];
}

/** Throws UsageError for what is being trained: a run, or the sweep or the comparison that it is of. */
async function checkIdle(path: string): Promise<void> {
  const { runs } = await findRuns(path);
  const folders = new Set([path, ...runs.flatMap((run) => foldersTo(path, run.path))]);
  for (const folder of folders) {
    const holder = (await holderOf(folder)) ?? (await sharersOf(folder))[0];
    if (holder === undefined) continue;
    throw new UsageError(
      `runs remove: ${folder}: it is being trained: process ${holder.pid} on ${holder.host}`,
    );
  }
}

async function ask(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UsageError('runs remove: there is no terminal to ask at', {
      hint: '--yes removes without asking.',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(question);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Removes runs and sweeps, after it has said what and has asked. */
export async function removeRuns({ path: paths, keepBest, yes }: RemoveArguments): Promise<void> {
  for (const path of paths) await checkIdle(path);
  const parts = (await Promise.all(paths.map((path) => removable(path, keepBest)))).flat();
  if (parts.length === 0) {
    print('nothing to remove');
    return;
  }
  const sizes = await Promise.all(parts.map(sizeOf));
  for (const [i, part] of parts.entries()) print(`${part}  ${megabytes(at(sizes, i))}`);
  const all = megabytes(sizes.reduce((sum, size) => sum + size, 0));
  if (!yes && !(await ask(`remove ${parts.length === 1 ? 'it' : `these ${parts.length}`}, ${all}? [y/N] `))) {
    print('nothing was removed');
    return;
  }
  // somebody may have begun while it was asked
  for (const path of paths) await checkIdle(path);
  for (const part of parts) await rm(part, { recursive: true });
  for (const path of paths) await removeEmpty(path);
  print(`removed ${all}`);
}

/** Removes folders that held nothing else. */
async function removeEmpty(path: string): Promise<void> {
  await removeDeadShares(path);
  const names = await readdir(path).catch(() => undefined);
  if (names?.length === 0) await rm(path, { recursive: true });
}
