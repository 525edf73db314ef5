import type { Argv } from 'yargs';
import { UsageError } from '../../../core/errors.js';
import { parseValue } from '../../../core/value.js';
import type { SettingValues } from '../../../recipes/settings.js';
import { recipeNames } from '../../../recipes/table.js';
import {
  assignments,
  backendOptions,
  dataOptions,
  foreignOptions,
  grouped,
  importOption,
  jsonOption,
  ownDataOptions,
  positive,
  quietOption,
  whole,
} from '../../inputs/options.js';
import type { ResumeArguments } from './resume.js';

/** Options that a resumed run takes from its folder: said anew, it would end in other bytes. */
const decided = [
  'recipe',
  'epochs',
  'batchSize',
  'learningRate',
  'optimizer',
  'seed',
  'validation',
  'validationByWriter',
  'limit',
  'set',
  'from',
  'pixels',
  'checkpoint',
  'imageShape',
  'storedShape',
  'label',
  'pixelRange',
  'invert',
  'centerDigits',
  'skipBad',
  'out',
  'force',
  'backend',
  'gpuMode',
] as const;

const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function checkResume(options: Readonly<Record<string, unknown>>): void {
  const given = decided.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  const what = given === 'recipe' ? 'a recipe' : `--${dashed(given)}`;
  throw new UsageError(`--resume goes on as the run was begun: ${what} cannot be given with it`, {
    hint: `For other options begin a new training with its weights: --from ${options.resume} in place of --resume.`,
  });
}

const trainOptions = {
  ...grouped('The training', {
    epochs: {
      number: true,
      requiresArg: true,
      coerce: whole('epochs', 1),
      describe: 'how often every image is seen',
    },
    'batch-size': {
      number: true,
      requiresArg: true,
      coerce: whole('batch-size', 1),
      describe: 'images per step',
    },
    'learning-rate': {
      number: true,
      requiresArg: true,
      coerce: positive('learning-rate'),
      describe: "the rate that the recipe's schedule starts from",
    },
    optimizer: {
      string: true,
      requiresArg: true,
      describe: 'such as sgd or adam, with default options',
    },
    seed: {
      number: true,
      requiresArg: true,
      coerce: whole('seed', 0),
      defaultDescription: '0',
      describe: 'same seed, same weights',
    },
    validation: {
      number: true,
      requiresArg: true,
      coerce: positive('validation', 1),
      describe: 'fraction of the training images to hold out and report on',
    },
    'validation-by-writer': {
      boolean: true,
      describe: 'hold out all images of some writers; for mnist and qmnist',
    },
    set: {
      string: true,
      requiresArg: true,
      coerce: (given?: string | readonly string[]) => settingValues(assignments('set')(given)),
      describe:
        'another setting of the recipe, such as units=64, optimizer.beta1=0.8 or augmentation.shift=2; may be given several times',
    },
    limit: {
      number: true,
      requiresArg: true,
      coerce: whole('limit', 1),
      describe: 'use only the first images, or the first of every class if they are sorted',
    },
    from: {
      string: true,
      requiresArg: true,
      describe: 'start from the weights of this model; of an imported one the layers are trained too',
    },
  } as const),
  ...grouped('The run folder, and going on', {
    out: { string: true, requiresArg: true, describe: 'run folder; default: runs/<recipe>-<time>' },
    force: { boolean: true, describe: 'replace the run in that folder' },
    resume: { string: true, requiresArg: true, describe: 'go on with the run in this folder' },
    checkpoint: {
      string: true,
      requiresArg: true,
      describe: 'go on from this checkpoint of the same training, in a run folder of its own',
    },
    'time-limit': {
      number: true,
      requiresArg: true,
      coerce: positive('time-limit'),
      describe: 'end after so many seconds; --resume goes on later',
    },
    'pause-after': {
      number: true,
      requiresArg: true,
      coerce: whole('pause-after', 1),
      describe: 'end after this epoch and leave the test set alone; --resume goes on later',
    },
    'checkpoint-every': {
      number: true,
      requiresArg: true,
      coerce: positive('checkpoint-every'),
      defaultDescription: '30',
      describe: 'seconds between two checkpoints',
    },
    'train-accuracy': {
      boolean: true,
      defaultDescription: 'true',
      describe:
        'measure the images that were trained on too; --no-train-accuracy measures the test set alone',
    },
  } as const),
  ...backendOptions,
  // without defaults, so that it can be told whether they were given
  backend: { ...backendOptions.backend, default: undefined, defaultDescription: '"auto"' },
  ...dataOptions,
  ...ownDataOptions,
  ...importOption,
  pixels: foreignOptions.pixels,
  ...grouped('Telling others', {
    log: {
      string: true,
      requiresArg: true,
      describe:
        'tell others of every epoch: tensorboard (files in the run folder) or mlflow=http://127.0.0.1:5000; may be given several times',
    },
    'log-weights': {
      boolean: true,
      describe:
        'with --log tensorboard: how weights are spread, and a picture of the first layer, with every epoch',
    },
  } as const),
  ...jsonOption,
  ...quietOption,
} as const;

const epilogue =
  'The test set is used once, at the end. The train accuracy is measured then too, unless --no-train-accuracy ' +
  'says not to: of the final weights, without dropout, on the images that were trained on.\n\n' +
  'Ctrl-C ends the training after the step that is running, saves the model so far and exits with 130; ' +
  'a second one ends at once. --resume goes on, to the same weights as if nothing had happened: also after ' +
  'a crash. With it only --threads, --native, --revectorize, --tune, --data, --data-dir, --offline, --time-limit, ' +
  '--pause-after, --log, --log-weights, --checkpoint-every, --train-accuracy, --import, --json and --quiet can be given.\n\n' +
  'Exit codes: 0 done, 1 a fault or a missed target, 2 wrong usage, 130 Ctrl-C, 143 terminated.';

/** `quern train [recipe]` */
export function addTrain(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'train [recipe]',
    'train a model; the recipe is a name or a file',
    (command) =>
      command
        .positional('recipe', {
          type: 'string',
          describe: `a file such as ./my-recipe.js, or one of ${recipeNames.join(', ')}`,
        })
        .options(trainOptions)
        .example('$0 train mnist-mlp --epochs 1', '')
        .example('$0 train fashion-cnn --data ./my-photos', '')
        .example('$0 train --resume runs/mnist-mlp-2025-01-31T12-00-00', '')
        .epilogue(epilogue),
    async ({ recipe, resume, out, force, seed, backend, ...options }) => {
      if (resume !== undefined) {
        checkResume({ resume, recipe, out, force, seed, backend, ...options });
        const { runResume } = await import('./resume.js');
        await runResume(resume, resumeArguments({ ...options, log: logList(options.log) }));
        return;
      }
      if (recipe === undefined) {
        throw new UsageError(
          'train: what to train is missing: a recipe, or --resume and the folder of a run',
          { hint: '`quern recipes` lists those that come with Quern.' },
        );
      }
      const chosen = { seed: seed ?? 0, backend: backend ?? 'auto', force: force ?? false } as const;
      const asked = { ...trainArguments(options), ...chosen, log: logList(options.log), recipe, out };
      // files are unpacked while the other modules are loaded
      const { readEarly } = await import('./early.js');
      const early = await readEarly(asked);
      const { runTraining } = await import('./run.js');
      await runTraining(asked, early);
    },
  );
}

/** Given once, it is a text. */
const logList = (log: string | readonly string[] | undefined): readonly string[] =>
  log === undefined ? [] : typeof log === 'string' ? [log] : log;

/** `{ units: '64' }` → `{ units: 64 }` */
function settingValues(texts: Readonly<Record<string, string>> | undefined): SettingValues | undefined {
  if (texts === undefined) return undefined;
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, parseValue(text)]));
}

/** Picks the arguments that a resumed run follows; flags that are not set leave what it was begun with. */
function resumeArguments(options: ResumeArguments): ResumeArguments {
  const { offline, revectorize, tune, import: imported, ...others } = options;
  const { threads, native, data, dataDir, timeLimit, pauseAfter } = others;
  const { checkpointEvery, trainAccuracy, log, logWeights, json, quiet } = others;
  return {
    ...{ threads, native, data, dataDir, timeLimit, pauseAfter },
    ...{ checkpointEvery, trainAccuracy, log, logWeights, json, quiet },
    import: imported,
    ...(offline && { offline }),
    ...(revectorize && { revectorize }),
    ...(tune && { tune }),
  };
}

/** The arguments without yargs' own, and without the second spellings that it adds. */
function trainArguments<T extends object>(options: T): T {
  const kept = Object.entries(options).filter(([name]) => !/[-_$]|^verbose$/.test(name));
  return Object.fromEntries(kept) as T;
}
