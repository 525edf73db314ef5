/** One training of a comparison: a process of its own, which goes on where an earlier one has ended. */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { differences } from '../../../core/differences.js';
import { UsageError } from '../../../core/errors.js';
import { findEntry, readManifest } from '../../../data/catalog/manifest.js';
import { type LoadedRecipe, recipeModel } from '../../../recipes/index.js';
import { type RunRecord, readRun } from '../../../runs/records.js';
import { isFinal, readResult, type TrainingResult } from '../../../runs/result.js';
import { chooseSettings, describeSettings } from './settings.js';

export interface SeedTraining {
  readonly loaded: LoadedRecipe;
  readonly seed: number;
  readonly folder: string;
}

export interface SeedOptions {
  readonly threads: number | undefined;
  readonly epochs?: number | undefined;
  readonly limit?: number | undefined;
  readonly dataDir?: string | undefined;
  readonly offline: boolean;
  /** Train again where the recipe has changed. */
  readonly force: boolean;
}

type OnEpoch = (epoch: number, epochs: number, text: string) => void;

const main = fileURLToPath(new URL('../../main.js', import.meta.url));

/** The run in a folder; undefined where there is none. */
async function existingRun(folder: string): Promise<RunRecord | undefined> {
  return readRun(folder).catch((error) => {
    if (error instanceof UsageError) return undefined;
    throw error;
  });
}

/** The run in a folder, once no other process trains it. */
async function whenFree(folder: string, signal: AbortSignal): Promise<RunRecord | undefined> {
  for (;;) {
    const run = await existingRun(folder);
    if (run?.state !== 'running' || signal.aborted) return run;
    await setTimeout(1000, undefined, { signal }).catch(() => {});
  }
}

/** The first setting in which a run differs from what its recipe says now. */
function changedSetting({ config }: RunRecord, { loaded, seed }: SeedTraining, options: SeedOptions) {
  const { epochs, limit } = options;
  const { dataset } = loaded.recipe;
  const settings = chooseSettings(loaded.recipe, { epochs, limit, seed });
  const { image: shape, classes } = findEntry(readManifest(), dataset);
  const model = recipeModel(loaded, { shape, classes }, seed);
  const now = describeSettings(loaded, settings, model, { dataset, limit });
  const [changed] = differences(config.settings, now);
  return changed?.path;
}

/** Options as words: `{ dataDir: 'a' }` → `--data-dir a`. */
function wordsOf(options: Readonly<Record<string, number | string | undefined>>): string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
}

function trainWords({ loaded, seed, folder }: SeedTraining, options: SeedOptions, resume: boolean): string[] {
  const { threads, dataDir, offline, epochs, limit } = options;
  const common = [...wordsOf({ threads, 'data-dir': dataDir }), ...(offline ? ['--offline'] : []), '--json'];
  const named = extname(loaded.source) === '' ? [] : ['--import', loaded.source];
  if (resume) return ['train', '--resume', folder, ...named, ...common];
  return ['train', loaded.source, ...wordsOf({ seed, epochs, limit, out: folder }), ...common];
}

/** Epochs, as a training without a terminal tells them. */
const epochForm = /^epoch (\d+)\/(\d+) \| (.*)$/;

/** Runs a training. Gives the last thing that it complained of. */
function runProcess(words: readonly string[], signal: AbortSignal, onEpoch: OnEpoch): Promise<string> {
  return new Promise((resolve, reject) => {
    // A group of its own: Ctrl-C reaches this process alone, which hands it on once.
    const child = spawn(process.execPath, [main, ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let complaint = '';
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const [, epoch, epochs, facts] = epochForm.exec(line) ?? [];
        if (epoch !== undefined) onEpoch(Number(epoch), Number(epochs), facts!);
        else if (line.startsWith('quern: ')) complaint = line.slice('quern: '.length);
      }
    });
    const stop = () => child.kill('SIGINT');
    // When this process ends at once, so does the training.
    const end = () => child.kill('SIGKILL');
    signal.addEventListener('abort', stop);
    process.once('exit', end);
    const done = () => {
      signal.removeEventListener('abort', stop);
      process.off('exit', end);
    };
    child.on('error', (error) => {
      done();
      reject(error);
    });
    child.on('close', (code) => {
      done();
      resolve(complaint || `it ended with exit code ${code}`);
    });
  });
}

/**
 * Sees that what is there of a training was begun with the settings that its recipe has now.
 *
 * @throws UsageError naming what has changed, unless `force`, which removes the run
 */
export async function checkUnchanged(training: SeedTraining, options: SeedOptions): Promise<void> {
  const { folder } = training;
  const run = await existingRun(folder);
  const changed = run && changedSetting(run, training, options);
  if (changed === undefined) return;
  if (!options.force) {
    throw new UsageError(
      `${folder}: it was trained with other settings than the recipe has now: ${changed}`,
      {
        hint: '--force trains it again, --out takes another folder.',
      },
    );
  }
  await rm(folder, { recursive: true });
}

/**
 * Trains a recipe with a seed, unless that is done already. A training of it that another process is at is waited for.
 *
 * @returns the result, or why there is none
 */
export async function trainSeed(
  training: SeedTraining,
  options: SeedOptions,
  signal: AbortSignal,
  onEpoch: OnEpoch,
): Promise<TrainingResult | string> {
  const { folder } = training;
  for (;;) {
    const run = await whenFree(folder, signal);
    if (run?.state === 'finished') return run.result!;
    const complaint = await runProcess(trainWords(training, options, run !== undefined), signal, onEpoch);
    const result = await readResult(folder);
    if (result !== undefined && isFinal(result)) return result;
    // Another comparison may have begun it in the same moment: its training is as good.
    const taken = (await existingRun(folder))?.state === 'running';
    if (!taken || signal.aborted) return complaint;
  }
}
