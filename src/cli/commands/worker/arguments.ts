import type { Argv } from 'yargs';
import { dataOptions, dataPathOption, positive, whole } from '../../inputs/options.js';

/** Options about the queue, the number of jobs at a time and the end. */
const queueOptions = {
  queue: {
    string: true,
    requiresArg: true,
    describe:
      'the server that holds the queue: redis://, rediss:// or postgres://; also by QUERN_QUEUE, where no list of processes shows it',
  },
  store: {
    string: true,
    requiresArg: true,
    describe:
      'as given to the sweep: a folder, a server or s3://bucket/folder; default: the server of the queue',
  },
  jobs: {
    number: true,
    requiresArg: true,
    coerce: whole('jobs', 1),
    defaultDescription: 'the processors',
    describe: 'trainings at a time',
  },
  threads: {
    number: true,
    requiresArg: true,
    default: 1,
    coerce: whole('threads', 1),
    describe: 'worker threads of each training',
  },
  'exit-when-idle': {
    number: true,
    requiresArg: true,
    coerce: positive('exit-when-idle'),
    describe: 'end after so many seconds without a training',
  },
} as const;

/** Options about the jobs that are taken, and their limits. */
const jobOptions = {
  recipe: {
    string: true,
    requiresArg: true,
    describe: 'a recipe file that may be run here, as it is now; may be given several times',
  },
  backend: {
    requiresArg: true,
    choices: ['wasm', 'reference'],
    default: 'wasm',
    describe: 'what computes; only jobs of the same are taken',
  },
  memory: {
    number: true,
    requiresArg: true,
    default: 8192,
    coerce: whole('memory', 64),
    describe: 'megabytes that a training may take; above them it is ended',
  },
  'training-time': {
    number: true,
    requiresArg: true,
    default: 86_400,
    coerce: positive('training-time'),
    describe: 'seconds that a training may take between two pauses',
  },
  lock: {
    number: true,
    requiresArg: true,
    default: 60,
    coerce: whole('lock', 5),
    describe: 'seconds after which the training of a worker that is gone goes on elsewhere; the same for all',
  },
} as const;

/** `quern worker` */
export function addWorker(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'worker',
    'take trainings that a sweep or a comparison hands out, on any machine',
    (command) =>
      command
        .options({
          ...queueOptions,
          ...jobOptions,
          ...dataOptions,
          ...dataPathOption,
        })
        .example('$0 worker --queue redis://10.0.0.5', '')
        .epilogue(
          'A job names a recipe that comes with Quern, or a file by its hash: what runs is a file that was named here. ' +
            'Ctrl-C saves the trainings at their next step and gives them back.',
        ),
    async ({ recipe, ...options }) => {
      const { runWorker } = await import('./run.js');
      const files = (recipe === undefined ? [] : [recipe].flat()) as string[];
      await runWorker({ ...options, recipes: files });
    },
  );
}
