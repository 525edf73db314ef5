import type { Argv } from 'yargs';
import { UsageError } from '../../../core/errors.js';
import { dataOptions, jsonOption, quietOption, whole } from '../../inputs/options.js';

const mostSeeds = 1000;

/** `5` → 0, 1, 2, 3, 4; `1,7` → 1, 7 */
export function parseSeeds(text: string): number[] {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= mostSeeds) {
    return Array.from({ length: Number(text) }, (_, i) => i);
  }
  const seeds = text.split(',').filter((part) => part !== '');
  const numbers = [...new Set(seeds.map(Number))];
  if (/^\d+(,\d*)+$/.test(text) && numbers.every(Number.isSafeInteger)) return numbers;
  throw new UsageError(`--seeds must be how many (1 to ${mostSeeds}), or a list such as 1,7,42`);
}

const compareOptions = {
  seeds: {
    string: true,
    requiresArg: true,
    default: '5',
    describe: 'how many, or a list such as 1,7,42',
  },
  out: {
    string: true,
    requiresArg: true,
    default: 'compare',
    describe: 'where runs and results go; what is finished there is not trained again',
  },
  jobs: {
    number: true,
    requiresArg: true,
    coerce: whole('jobs', 0),
    defaultDescription: '1; with --queue none',
    describe: 'trainings at a time on this machine',
  },
  threads: {
    number: true,
    requiresArg: true,
    coerce: whole('threads', 1),
    describe: 'worker threads of each; default: the processors, shared among the jobs',
  },
  epochs: {
    number: true,
    requiresArg: true,
    coerce: whole('epochs', 1),
    describe: 'for trying out: then targets are not judged',
  },
  limit: {
    number: true,
    requiresArg: true,
    coerce: whole('limit', 1),
    describe: 'for trying out: use only the first images; then targets are not judged',
  },
  force: { boolean: true, default: false, describe: 'train again where a recipe has changed' },
  queue: {
    string: true,
    requiresArg: true,
    describe:
      'hand the trainings out to `quern worker` on other machines: redis://, rediss:// or postgres://; also by QUERN_QUEUE',
  },
  store: {
    string: true,
    requiresArg: true,
    describe: 'where results and models lie; default: the server of the queue',
  },
  ...dataOptions,
  ...jsonOption,
  ...quietOption,
} as const;

/** `quern compare [recipes...]` */
export function addCompare(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'compare [recipes..]',
    'train recipes with several seeds and compare them with published numbers',
    (command) =>
      command
        .positional('recipes', {
          type: 'string',
          array: true,
          default: [],
          defaultDescription: 'all that come with Quern',
          describe: 'names or files',
        })
        .options(compareOptions)
        .example('$0 compare fashion-cnn fashion-cnn-bn --seeds 5', '')
        .epilogue(
          'The same command goes on with a comparison that was interrupted. Results are written to comparison.md and ' +
            'comparison.json in the folder of --out. Exit code 1 when a target is missed or a training failed.',
        ),
    async (options) => {
      // here, since a coercion that gives a list would look like an option given twice
      const seeds = parseSeeds(options.seeds);
      const { runCompare } = await import('./run.js');
      await runCompare({ ...options, seeds });
    },
  );
}
