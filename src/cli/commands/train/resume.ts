import { DataError, UsageError } from '../../../core/errors.js';
import { loadRecipe, setRecipe } from '../../../recipes/index.js';
import { checkSettingValues } from '../../../recipes/settings.js';
import { type RunConfig, readConfig } from '../../../runs/config.js';
import { RunFolder } from '../../../runs/folder.js';
import { isFinal, readResult } from '../../../runs/result.js';
import { Progress } from '../../terminal/progress.js';
import { perform, printResult, readFrom } from './run.js';
import { describeFile, type TrainArguments } from './settings.js';
import type { Job } from './training.js';

/** What a resume may say itself: nothing of it changes a result. */
type Own =
  | 'threads'
  | 'data'
  | 'dataDir'
  | 'offline'
  | 'revectorize'
  | 'tune'
  | 'timeLimit'
  | 'log'
  | 'logWeights'
  | 'pauseAfter'
  | 'checkpointEvery';

export type ResumeArguments = { readonly [name in Own]?: TrainArguments[name] | undefined } & {
  readonly json: boolean;
  readonly quiet: boolean;
};

/** What the run was begun with, on the backend that it got then, and what is said now. */
function mergeArguments(config: RunConfig, options: ResumeArguments): TrainArguments {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    ...(config.arguments as unknown as TrainArguments),
    backend: config.backend as TrainArguments['backend'],
    ...Object.fromEntries(given),
  };
}

/** The model that the run started from, which is needed where it begins anew. */
async function readSameFrom(folder: string, { settings: { from } }: RunConfig): Promise<Job['from']> {
  if (from === undefined) return undefined;
  const read = await readFrom(from.path);
  if (read.described.sha256 === from.sha256) return read;
  throw new DataError(
    `${from.path}: not the model that ${folder} started from: its SHA-256 was ${from.sha256} and is ${read.described.sha256}`,
  );
}

async function loadRecipeAsIs({ recipeFile, settings }: RunConfig, progress: Progress) {
  if (recipeFile === undefined) return loadRecipe(settings.recipe);
  const loaded = await loadRecipe(recipeFile.path);
  const { sha256 } = await describeFile(recipeFile.path);
  if (sha256 !== recipeFile.sha256) {
    progress.note(`${recipeFile.path} has changed since the run was begun; what it says is compared`);
  }
  return loaded;
}

/** With the settings that the run was begun with. */
async function loadSameRecipe(config: RunConfig, progress: Progress) {
  const { set } = config.arguments;
  const values = set === undefined ? undefined : checkSettingValues(set, 'the run');
  return setRecipe(await loadRecipeAsIs(config, progress), values);
}

/**
 * Goes on with a run, to the bytes of one that was never interrupted. Before its first checkpoint it begins anew; of a
 * run that is finished the result is printed.
 */
export async function runResume(path: string, options: ResumeArguments): Promise<void> {
  const config = await readConfig(path);
  if (config === undefined) {
    throw new UsageError(`${path}: it holds no run: there is no config.json`, {
      hint: 'If it was killed before it began, nothing is lost: give the first command again.',
    });
  }
  const result = await readResult(path);
  if (result !== undefined && isFinal(result)) {
    printResult(result, options.json);
    return;
  }
  const progress = await Progress.open(options.quiet);
  const loaded = await loadSameRecipe(config, progress);
  const folder = await RunFolder.reopen(path);
  let checkpoint: Awaited<ReturnType<typeof folder.checkpoints.load>>;
  let from: Job['from'];
  try {
    checkpoint = await folder.checkpoints.load();
    if (checkpoint === undefined) from = await readSameFrom(path, config);
  } catch (error) {
    await folder.close();
    throw error;
  }
  if (checkpoint?.damage !== undefined)
    console.error(`quern: ${checkpoint.damage}; ${checkpoint.path} is whole`);
  progress.note(
    checkpoint === undefined
      ? `${path}: no checkpoint yet: it begins anew`
      : `${path}: goes on after ${checkpoint.checkpoint.step} steps`,
  );
  const job = { options: mergeArguments(config, options), loaded, folder, from };
  await perform({ ...job, resumed: { config, loaded: checkpoint } }, progress);
}
