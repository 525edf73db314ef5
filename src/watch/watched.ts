/** Finds what to watch in a folder: a run, a sweep or a folder of runs. */
import { basename, join, relative } from 'node:path';
import { at } from '../core/lists.js';
import { type Live, type LiveValidation, readLive, readLiveValidation, sayWatched } from '../runs/live.js';
import { findRuns, type RunRecord, type RunState } from '../runs/records.js';
import { readSweep, type SweepRecord } from '../sweep/record.js';
import type { EpochRecord } from '../training/fit/options.js';

export interface WatchedRun {
  readonly name: string;
  readonly recipe: string;
  readonly dataset: string;
  readonly seed: number;
  readonly state: RunState;
  readonly epochs: number;
  readonly history: readonly EpochRecord[];
  readonly testAccuracy: number | null;
  readonly live: Live | null;
}

export interface Watched {
  readonly title: string;
  /** Those that run first, then the latest. */
  readonly runs: readonly WatchedRun[];
  /** Of the first run that told of it. */
  readonly validation: (LiveValidation & { readonly run: string }) | null;
  readonly sweep:
    | (Pick<SweepRecord, 'description' | 'state' | 'winner'> & {
        readonly trials: number;
        readonly done: number;
      })
    | null;
}

/** More are not shown: a chart of hundreds tells nothing. */
const mostRuns = 40;

async function watchRun(
  folder: string,
  { path, config, history, state, result }: RunRecord,
): Promise<WatchedRun> {
  const { recipe, dataset, seed, epochs } = config.settings;
  const live = state === 'running' ? ((await readLive(path)) ?? null) : null;
  if (state === 'running') await sayWatched(path);
  const name = relative(folder, path) || basename(path);
  const testAccuracy = result?.testAccuracy ?? null;
  return { name, recipe, dataset, seed, state, epochs, history, testAccuracy, live };
}

/** Reads what there is to see now. */
export async function readWatched(folder: string): Promise<Watched> {
  const { runs: all } = await findRuns(folder);
  const order = (run: RunRecord) => (run.state === 'running' ? 0 : 1);
  const shown = [...all]
    .reverse()
    .sort((a, b) => order(a) - order(b))
    .slice(0, mostRuns);
  const runs = await Promise.all(shown.map((run) => watchRun(folder, run)));
  let validation: Watched['validation'] = null;
  for (const [i, { path }] of shown.entries()) {
    const found = await readLiveValidation(path);
    if (found === undefined) continue;
    validation = { ...found, run: at(runs, i).name };
    break;
  }
  const record = await readSweep(folder).catch(() => undefined);
  const sweep = record && {
    description: record.description,
    state: record.state,
    winner: record.winner,
    trials: record.trials.length,
    done: record.trials.filter(({ state }) => state !== 'waiting').length,
  };
  return { title: join(folder), runs, validation, sweep: sweep ?? null };
}
