import type { Argv } from 'yargs';
import { jsonOption } from '../../inputs/options.js';

const listOptions = {
  sort: {
    requiresArg: true,
    choices: ['begun', 'test', 'validation', 'time', 'recipe', 'seed'] as const,
    default: 'begun' as const,
    describe: 'the best accuracies and the shortest times first',
  },
  recipe: { string: true, requiresArg: true, describe: 'only runs of this recipe' },
  state: {
    requiresArg: true,
    choices: ['finished', 'interrupted', 'running', 'failed'] as const,
    describe: 'only runs in this state',
  },
} as const;

/** `quern runs [folder]` and `quern runs compare <run...>` */
export function addRuns(program: Argv<{ verbose: boolean }>): void {
  const work = () => import('./run.js');
  program.command(
    'runs [folder]',
    'list runs, or compare some of them',
    (runs) =>
      runs
        .positional('folder', { type: 'string', default: 'runs', describe: 'where they are' })
        .options({ ...listOptions, ...jsonOption })
        .command(
          'compare <run...>',
          'show how runs differ: settings, results and curves',
          (command) =>
            command
              .positional('run', {
                type: 'string',
                array: true,
                demandOption: true,
                describe: 'the folders of two runs or more',
              })
              .options({
                ...jsonOption,
                page: { string: true, describe: 'write a page with their curves: something.html' },
              }),
          async (options) => (await work()).compareRuns(options),
        )
        .command(
          'remove <path...>',
          'remove runs, folders of runs or sweeps, after asking',
          (command) =>
            command
              .positional('path', {
                type: 'string',
                array: true,
                demandOption: true,
                describe: 'a run, a folder of runs, or a sweep',
              })
              .options({
                'keep-best': {
                  boolean: true,
                  default: false,
                  describe:
                    'leave the run with the best test accuracy of each recipe; of a sweep its table and its page',
                },
                yes: { boolean: true, default: false, describe: 'do not ask' },
              }),
          async (options) => (await import('./remove.js')).removeRuns(options),
        )
        .example('$0 runs', '')
        .example('$0 runs --sort test --recipe mnist-cnn', '')
        .example('$0 runs compare runs/first runs/second', ''),
    async (options) => (await work()).listRuns(options),
  );
}
