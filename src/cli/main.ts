#!/usr/bin/env node
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { UsageError } from '../core/errors.js';
import { addBench } from './commands/bench/arguments.js';
import { addCompare } from './commands/compare/arguments.js';
import { addDatasets } from './commands/datasets/arguments.js';
import { addDoctor } from './commands/doctor/arguments.js';
import { addEvaluate } from './commands/evaluate/arguments.js';
import { addExport } from './commands/export/arguments.js';
import { addFindRate } from './commands/findRate/arguments.js';
import { addImport } from './commands/import/arguments.js';
import { addPredict } from './commands/predict/arguments.js';
import { addRecipes } from './commands/recipes/arguments.js';
import { addReport } from './commands/report/arguments.js';
import { addRuns } from './commands/runs/arguments.js';
import { addStudio } from './commands/studio/arguments.js';
import { addSummary } from './commands/summary/arguments.js';
import { addSweep } from './commands/sweep/arguments.js';
import { addTrain } from './commands/train/arguments.js';
import { addView } from './commands/view/arguments.js';
import { addWatch } from './commands/watch/arguments.js';
import { addWorker } from './commands/worker/arguments.js';
import { keepYoungObjectsFew, loadForFewFiles } from './loading.js';
import { guardStreams } from './terminal/output.js';
import { reportError } from './terminal/reportError.js';
import { usageError } from './usage.js';

// Nothing heavy is imported here: every command loads what it needs when it runs.
const commands = [
  addTrain,
  addRecipes,
  addFindRate,
  addEvaluate,
  addPredict,
  addExport,
  addImport,
  addDatasets,
  addSummary,
  addDoctor,
  addBench,
  addRuns,
  addCompare,
  addSweep,
  addWorker,
  addWatch,
  addStudio,
  addView,
  addReport,
];

/** Only the variadic positionals may be given several times. */
function refuseRepetition(options: Readonly<Record<string, unknown>>): void {
  const lists = ['_', 'image', 'name', 'run', 'recipes', 'recipe', 'log', 'path', 'tag', 'add', 'remove'];
  for (const [option, value] of Object.entries(options)) {
    if (Array.isArray(value) && !lists.includes(option)) {
      throw new UsageError(`--${option} is given more than once`);
    }
  }
}

/** Below it explanations would stand in columns of a few letters. */
const narrowestHelp = 60;

/** Where an argument names a run. */
const runArguments = ['model', 'run', 'resume', 'from', 'compare', 'path', 'folder'];

/** Wherever a run is named, `last` is the one that was begun last. */
async function nameLast(options: Record<string, unknown>): Promise<void> {
  const names = [options._].flat()[0] === 'summary' ? ['recipe'] : runArguments;
  const isLast = (value: unknown) => value === 'last';
  const used = names.filter((name) => [options[name]].flat().some(isLast));
  if (used.length === 0) return;
  const { lastRun } = await import('./inputs/lastRun.js');
  const path = await lastRun();
  for (const name of used) {
    const value = options[name];
    options[name] = Array.isArray(value) ? value.map((each) => (isLast(each) ? path : each)) : path;
  }
}

/**
 * yargs lays out the help of a command behind its first step, in case that it fails and its help is to be shown: with train's
 * options that takes a twentieth of a second, and ours is not shown then.
 */
function leaveHelpOut(program: Argv): void {
  const { getInternalMethods } = program as unknown as {
    getInternalMethods(): { getUsageInstance(): { cacheHelpMessage(): void } };
  };
  getInternalMethods.call(program).getUsageInstance().cacheHelpMessage = () => {};
}

async function main(words: readonly string[]): Promise<void> {
  const program: Argv<{ verbose: boolean }> = yargs([...words])
    .scriptName('quern')
    .usage('$0 <command>: trains image classifiers on the MNIST family')
    .option('verbose', {
      boolean: true,
      default: false,
      global: true,
      describe: 'show where an error came from',
    })
    .strict()
    .middleware(refuseRepetition)
    .middleware(nameLast)
    .middleware(loadForFewFiles)
    .demandCommand(1, 'a command is missing: quern --help lists them')
    .wrap(process.stdout.isTTY ? Math.max(narrowestHelp, process.stdout.columns || 80) : null)
    .updateStrings({
      'Invalid values:': 'wrong value',
      'Argument: %s, Given: %s, Choices: %s': 'of --%s: %s is none of %s',
    })
    .fail((message, error) => {
      throw usageError(message, error, words, program) ?? error;
    });
  leaveHelpOut(program);
  for (const add of commands) add(program);
  await program.parseAsync();
}

/** Ends this process with the worker that has started it, and tells that worker what it took. */
function followParent(): () => void {
  const { channel } = process;
  if (channel === undefined) return () => {};
  process.once('disconnect', () => process.exit(1));
  channel.unref();
  return () => {
    const { user, system } = process.cpuUsage();
    process.removeAllListeners('disconnect');
    process.send?.({ processorSeconds: (user + system) / 1e6 }, () => process.disconnect());
  };
}

// before modules are loaded, which make many objects
if (process.argv[2] === 'train') keepYoungObjectsFew();
const tellParent = followParent();
guardStreams();
try {
  await main(hideBin(process.argv));
} catch (error) {
  process.exitCode = reportError(error, process.argv.includes('--verbose'));
} finally {
  tellParent();
}
