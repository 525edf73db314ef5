import type { Argv } from 'yargs';
import {
  backendOptions,
  dataOptions,
  jsonOption,
  ownDataOptions,
  positive,
  quietOption,
  whole,
} from '../../inputs/options.js';

const findRateOptions = {
  optimizer: {
    string: true,
    requiresArg: true,
    describe: 'such as sgd or adamW, with default options',
  },
  'batch-size': {
    number: true,
    requiresArg: true,
    coerce: whole('batch-size', 1),
    describe: 'images per step',
  },
  from: {
    number: true,
    requiresArg: true,
    default: 1e-7,
    coerce: positive('from'),
    describe: 'the first learning rate',
  },
  to: {
    number: true,
    requiresArg: true,
    default: 10,
    coerce: positive('to'),
    describe: 'the last, unless the loss runs away before',
  },
  steps: {
    number: true,
    requiresArg: true,
    default: 200,
    coerce: whole('steps', 20),
    describe: 'how many are tried, one step each',
  },
  seed: {
    number: true,
    requiresArg: true,
    default: 0,
    coerce: whole('seed', 0),
    describe: 'of weights, order and dropout',
  },
  limit: {
    number: true,
    requiresArg: true,
    coerce: whole('limit', 1),
    describe: 'use only the first images',
  },
  out: { string: true, requiresArg: true, describe: 'write the curve as SVG to this file' },
  ...backendOptions,
  ...dataOptions,
  ...ownDataOptions,
  ...jsonOption,
  ...quietOption,
} as const;

/** `quern find-rate <recipe>` */
export function addFindRate(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'find-rate <recipe>',
    'find a learning rate: a short training with one that grows',
    (command) =>
      command
        .positional('recipe', { type: 'string', demandOption: true, describe: 'a name or a file' })
        .options(findRateOptions)
        .example('$0 find-rate fashion-cnn --out rates.svg', '')
        .epilogue(
          'The learning rate grows by the same factor at every step (Smith 2017). The suggestion is where the loss ' +
            'falls fastest. Only training images are used, without augmentation, and nothing is kept.',
        ),
    async (options) => {
      const { runFindRate } = await import('./run.js');
      await runFindRate(options as Parameters<typeof runFindRate>[0]);
    },
  );
}
