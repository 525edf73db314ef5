import { extname } from 'node:path';
import { loadRecipe, setRecipe } from '../../../recipes/index.js';
import { RunFolder } from '../../../runs/folder.js';
import type { TrainingResult } from '../../../runs/result.js';
import { loadCheckpoint } from '../../../training/files/checkpointFile.js';
import type { EpochRecord } from '../../../training/fit/options.js';
import type { ForeignArguments } from '../../inputs/options.js';
import { type ImportArguments, readModel, whyNotTrusted } from '../../inputs/ownRecipe.js';
import { Interrupt } from '../../terminal/interrupt.js';
import { complain, print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { resultText } from '../../terminal/results.js';
import { terminalReport } from '../../terminal/terminalReport.js';
import type { EarlyData } from './early.js';
import { checkLogs } from './logs.js';
import { chooseSettings, describeFile, type TrainArguments } from './settings.js';
import { type Job, TrainingCommand } from './training.js';

export interface NewTrainingArguments extends TrainArguments, ImportArguments {
  readonly recipe: string;
  readonly out?: string | undefined;
  readonly force: boolean;
}

/** How to go on with a run that has not come to its end. */
const resumeHint = (folder: string): string => `\`quern train --resume ${folder}\` goes on`;

/** The curves of a training, for people who watch: there are none of a single epoch. */
function curvesText(history: readonly EpochRecord[], { json, quiet }: TrainArguments): string | undefined {
  const watched = process.stdout.isTTY && !json && !quiet;
  return watched && history.length > 1 ? terminalReport(history) : undefined;
}

/** Prints what came out; exit code 1 when the recipe's target is missed. */
export function printResult(result: TrainingResult, json: boolean, curves?: string): void {
  if (curves !== undefined) print(`${curves}\n`);
  print(json ? JSON.stringify(result) : resultText(result));
  if (result.targetMet === false) process.exitCode = 1;
}

/** Says how a training that has not done everything goes on. */
function sayUnfinished(result: TrainingResult, { folder, options }: Job, interrupt: Interrupt): void {
  const { steps, ended, model, epochs } = result;
  if (interrupt.signal.aborted) {
    const what = result.interrupted
      ? `interrupted after ${steps} steps`
      : `interrupted after all ${epochs} epochs`;
    complain(`quern: ${what}; the model so far is in ${model}; ${resumeHint(folder.path)}`);
    process.exitCode = interrupt.exitCode;
  } else if (options.pauseAfter !== undefined && !options.quiet) {
    complain(`paused after epoch ${epochs}, the test set untouched; ${resumeHint(folder.path)}`);
  } else if (ended === 'time limit' && !options.quiet) {
    complain(`ended by the time limit after ${steps} steps; ${resumeHint(folder.path)}`);
  }
}

/** Names the commands that usually follow a training. */
function sayNext({ testAccuracy, ended }: TrainingResult, { folder, options: { json, quiet } }: Job): void {
  if (testAccuracy === null || ended === 'time limit' || json || quiet) return;
  complain(
    `next: \`quern report ${folder.path}\` makes a page, \`quern predict ${folder.path} FILE\` tells what is in a picture`,
  );
}

/** Trains, and leaves the folder in order whatever happens. */
export async function perform(job: Job, progress: Progress): Promise<void> {
  const { folder, options } = job;
  const interrupt = new Interrupt(() => progress.note('ending after this step; again to end at once'));
  try {
    const result = await new TrainingCommand(job, progress, interrupt).run();
    progress.clear();
    printResult(result, options.json, curvesText(folder.epochs, options));
    sayUnfinished(result, job, interrupt);
    sayNext(result, job);
  } catch (error) {
    if (!interrupt.caused(error)) throw error;
    complain('quern: interrupted before the training began');
    process.exitCode = interrupt.exitCode;
  } finally {
    progress.clear();
    interrupt.end();
    await folder.close();
  }
}

/** Reads the model that a training starts from. */
export async function readFrom(
  argument: string,
  options: ImportArguments & ForeignArguments = {},
): Promise<NonNullable<Job['from']>> {
  const file = await readModel(argument, options);
  return { file, described: await describeFile(file.path) };
}

/** Trains a recipe, saves the model, and measures it once on the test set. */
export async function runTraining(
  { recipe, out, force, import: named, ...options }: NewTrainingArguments,
  early?: EarlyData,
): Promise<void> {
  const loaded = setRecipe(await loadRecipe(recipe, 'trained'), options.set);
  // What is wrong with the options is said before anything is made.
  checkLogs(options);
  chooseSettings(loaded.recipe, options);
  const from =
    options.from === undefined
      ? undefined
      : await readFrom(options.from, { import: named, recipe, pixels: options.pixels });
  const folder = await RunFolder.open(out, loaded.recipe.name, force);
  const { checkpoint: path } = options;
  const checkpoint = path === undefined ? undefined : await loadCheckpoint(path);
  const resumed = checkpoint && { loaded: { path: path!, checkpoint } };
  const progress = await Progress.open(options.quiet);
  const { source } = loaded;
  const why = extname(source) === '' ? undefined : await whyNotTrusted(source);
  if (why !== undefined) progress.note(`--resume and evaluate will want --import ${source}: ${why}`);
  await perform({ options, loaded, folder, from, resumed, early }, progress);
}
