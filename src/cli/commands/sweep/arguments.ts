import type { Argv } from 'yargs';
import { defaultEta } from '../../../sweep/halving.js';
import {
  assignments,
  dataOptions,
  imageShapeOption,
  jsonOption,
  ownDataOption,
  positive,
  quietOption,
  whole,
} from '../../inputs/options.js';
import { parseSeeds } from '../compare/arguments.js';

/** Options about trials and how they are judged. */
const searchOptions = {
  set: {
    string: true,
    requiresArg: true,
    coerce: assignments('set'),
    describe:
      'a setting and what to try: learningRate=log:1e-4..1e-1, dropout=0.1,0.3,0.5, units=int:16..256; may be given several times',
  },
  search: {
    requiresArg: true,
    choices: ['asha', 'random', 'grid'],
    default: 'asha',
    describe: 'asha trains all a little and the better ones longer; random and grid train all to the end',
  },
  trials: {
    number: true,
    requiresArg: true,
    coerce: whole('trials', 1),
    defaultDescription: '27, or all of a grid',
    describe: 'how many settings to try',
  },
  eta: {
    number: true,
    requiresArg: true,
    default: defaultEta,
    coerce: whole('eta', 2),
    describe: 'for asha: one of so many trials is trained longer',
  },
  epochs: {
    number: true,
    requiresArg: true,
    coerce: whole('epochs', 1),
    describe: 'of a whole training; schedules are those of so many whatever a trial comes to',
  },
  time: {
    number: true,
    requiresArg: true,
    coerce: positive('time'),
    describe: 'begin no trial after so many seconds; what is trained by then depends on the machines',
  },
  seed: {
    number: true,
    requiresArg: true,
    default: 0,
    coerce: whole('seed', 0),
    describe: 'of what is drawn, and of every trial; same seed, same trials, same table',
  },
  seeds: {
    string: true,
    requiresArg: true,
    default: '3',
    describe: 'of the trainings of the best: how many, or a list such as 1,7,42',
  },
  validation: {
    number: true,
    requiresArg: true,
    coerce: positive('validation', 1),
    defaultDescription: "the recipe's, or 0.1",
    describe: 'fraction of the training images that trials hold out and are judged by',
  },
  'validation-by-writer': {
    boolean: true,
    describe: 'hold out all images of some writers; for mnist and qmnist',
  },
  limit: {
    number: true,
    requiresArg: true,
    coerce: whole('limit', 1),
    describe: 'use only the first images',
  },
} as const;

/** Options about the backend, the folder and who else takes part. */
const placeOptions = {
  backend: {
    requiresArg: true,
    choices: ['wasm', 'reference'],
    default: 'wasm',
    describe: 'what computes',
  },
  jobs: {
    number: true,
    requiresArg: true,
    coerce: whole('jobs', 0),
    defaultDescription: 'the processors; with --queue none',
    describe: 'trainings at a time on this machine',
  },
  out: {
    string: true,
    requiresArg: true,
    defaultDescription: 'sweeps/<recipe>',
    describe: 'where the sweep goes; the same command goes on with it',
  },
  force: {
    boolean: true,
    default: false,
    describe: 'begin anew what was begun there with other settings',
  },
  queue: {
    string: true,
    requiresArg: true,
    describe:
      'a server that other machines take trainings from: redis://, rediss:// or postgres://; also by QUERN_QUEUE',
  },
  store: {
    string: true,
    requiresArg: true,
    describe:
      'where results and checkpoints lie: a folder, a server or s3://bucket/folder; default: the server of the queue, else a folder in --out',
  },
  threads: {
    number: true,
    requiresArg: true,
    default: 1,
    coerce: whole('threads', 1),
    describe: 'worker threads of each training',
  },
} as const;

/** `quern sweep <recipe>` */
export function addSweep(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'sweep <recipe>',
    'try settings of a recipe, and train the best with several seeds',
    (command) =>
      command
        .positional('recipe', { type: 'string', demandOption: true, describe: 'a name or a file' })
        .options({
          ...searchOptions,
          ...placeOptions,
          ...dataOptions,
          ...ownDataOption,
          ...imageShapeOption,
          ...jsonOption,
          ...quietOption,
        })
        .example('$0 sweep mnist-mlp --set learningRate=log:1e-4..1e-1 --set units=32,64,128', '')
        .example('$0 sweep fashion-cnn --set dropout=0.1,0.3,0.5 --queue redis://10.0.0.5', '')
        .epilogue(
          'All is chosen by validation; the test set is looked at once, for the best settings, at the end. Results are ' +
            'written to sweep.json and sweep.html in the folder of --out. Without --queue nothing but this machine is needed.',
        ),
    async ({ seeds, ...options }) => {
      const { runSweepCommand } = await import('./run.js');
      await runSweepCommand({ ...options, seeds: parseSeeds(seeds) });
    },
  );
}
