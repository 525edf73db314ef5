import { DataError, ModelError, UsageError } from '../../../core/errors.js';
import { oneOf } from '../../../core/schema.js';
import { backendNames } from '../../../engine/choose.js';
import { type LoadedRecipe, loadRecipe, recipeNames } from '../../../recipes/index.js';
import { type RunConfig, readConfig } from '../../../runs/config.js';
import { RunFolder } from '../../../runs/folder.js';
import { isFinal, readResult } from '../../../runs/result.js';
import { type ImportArguments, whyNotTrusted, withSettingsOf } from '../../inputs/ownRecipe.js';
import { complain } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { checkLogs } from './logs.js';
import { perform, printResult, readFrom } from './run.js';
import { checkArguments, describeRecipeFile, type TrainArguments } from './settings.js';
import type { Job } from './training.js';

/** Options that a resume may say anew: none changes a result. */
type Own =
  | 'threads'
  | 'data'
  | 'dataDir'
  | 'offline'
  | 'native'
  | 'revectorize'
  | 'tune'
  | 'timeLimit'
  | 'log'
  | 'logWeights'
  | 'pauseAfter'
  | 'checkpointEvery'
  | 'trainAccuracy';

export type ResumeArguments = {
  readonly [name in Own]?: TrainArguments[name] | undefined;
} & ImportArguments & {
    readonly json: boolean;
    readonly quiet: boolean;
  };

/** Joins the options with which the run was begun, on the backend that it got then, and those said now. */
function mergeArguments(folder: string, config: RunConfig, options: ResumeArguments): TrainArguments {
  const { import: _import, ...own } = options;
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return {
    ...(checkArguments(config.arguments, `${folder}: config.json: arguments`) as TrainArguments),
    backend: oneOf(...backendNames)(config.backend, `${folder}: config.json: backend`),
    ...Object.fromEntries(given),
  };
}

/** The model that the run started from, which is needed where it begins anew. */
async function readSameFrom(
  folder: string,
  { settings: { from, recipe }, recipeFile, arguments: { pixels } }: RunConfig,
  options: ImportArguments,
): Promise<Job['from']> {
  if (from === undefined) return undefined;
  const read = await readFrom(from.path, {
    ...options,
    recipe: recipeFile?.path ?? recipe,
    ...(typeof pixels === 'string' ? { pixels } : {}),
  });
  if (read.described.sha256 === from.sha256) return read;
  throw new DataError(
    `${from.path}: not the model that ${folder} started from: its SHA-256 was ${from.sha256} and is ${read.described.sha256}`,
  );
}

/**
 * The recipe that a run was begun with. Its file is run if its user has trained with it or names it: what the folder
 * says is no reason.
 */
async function loadRecipeOf(
  folder: string,
  { recipeFile, settings }: RunConfig,
  { import: named }: ImportArguments,
): Promise<LoadedRecipe> {
  if (named !== undefined) return loadRecipe(named, 'trained');
  if (recipeFile === undefined) {
    if (recipeNames.includes(settings.recipe)) return loadRecipe(settings.recipe);
    throw new ModelError(`${folder}: its recipe is none of those that come with Quern: ${settings.recipe}`);
  }
  const { path } = recipeFile;
  const why = await whyNotTrusted(path);
  if (why === undefined) return loadRecipe(path, 'listed');
  throw new UsageError(`${folder}: its recipe ${path} is not run: ${why}`, {
    hint: `Look into it first: --import ${path} runs it, and --import FILE one that lies elsewhere now.`,
  });
}

/** With the settings that the run was begun with. */
async function loadSameRecipe(
  folder: string,
  config: RunConfig,
  options: ImportArguments,
  progress: Progress,
) {
  const loaded = await loadRecipeOf(folder, config, options);
  const { sha256 } = config.recipeFile ?? {};
  const { recipeFile } = await describeRecipeFile(loaded);
  if (sha256 !== undefined && recipeFile?.sha256 !== sha256) {
    progress.note(`${loaded.source} has changed since the run was begun; what it says is compared`);
  }
  return withSettingsOf(loaded, config);
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
  checkLogs(options);
  const merged = mergeArguments(path, config, options);
  const progress = await Progress.open(options.quiet);
  const loaded = await loadSameRecipe(path, config, options, progress);
  const folder = await RunFolder.reopen(path);
  let checkpoint: Awaited<ReturnType<typeof folder.checkpoints.load>>;
  let from: Job['from'];
  try {
    checkpoint = await folder.checkpoints.load();
    if (checkpoint === undefined) from = await readSameFrom(path, config, options);
  } catch (error) {
    await folder.close();
    throw error;
  }
  if (checkpoint?.damage !== undefined) complain(`quern: ${checkpoint.damage}; ${checkpoint.path} is whole`);
  progress.note(
    checkpoint === undefined
      ? `${path}: no checkpoint yet: it begins anew`
      : `${path}: goes on after ${checkpoint.checkpoint.step} steps`,
  );
  const job = { options: merged, loaded, folder, from };
  await perform({ ...job, resumed: { config, loaded: checkpoint } }, progress);
}
