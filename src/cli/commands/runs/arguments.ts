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
  tag: {
    string: true,
    requiresArg: true,
    describe: 'only runs with this tag; given several times, with all of them',
  },
} as const;

const several = (describe: string) =>
  ({ type: 'string', array: true, demandOption: true, default: undefined, describe }) as const;

const removeOptions = {
  'keep-best': {
    boolean: true,
    default: false,
    describe:
      'leave the run with the best test accuracy of each recipe; of a sweep its table, its page and the trainings of its best settings',
  },
  yes: { boolean: true, default: false, describe: 'do not ask' },
} as const;

const tagOptions = {
  add: { string: true, requiresArg: true, describe: 'a tag to put on; may be given several times' },
  remove: { string: true, requiresArg: true, describe: 'a tag to take off; may be given several times' },
  ...jsonOption,
} as const;

const compareOptions = {
  ...jsonOption,
  page: { string: true, describe: 'write a page with their curves: something.html' },
} as const;

/** `quern runs [folder]`, `quern runs compare <run...>`, `tag` and `remove` */
export function addRuns(program: Argv<{ verbose: boolean }>): void {
  const work = () => import('./run.js');
  program.command('runs', 'list runs, compare, tag or remove some of them', (runs) =>
    runs
      .command(
        ['list [folder]', '$0'],
        'list runs',
        (command) =>
          command
            .positional('folder', { type: 'string', default: 'runs', describe: 'where they are' })
            .options({ ...listOptions, ...jsonOption }),
        async (options) => (await work()).listRuns(options),
      )
      .command(
        'compare <run...>',
        'show how runs differ: settings, results and curves',
        (command) =>
          command.positional('run', several('the folders of two runs or more')).options(compareOptions),
        async (options) => (await work()).compareRuns(options),
      )
      .command(
        'tag <run...>',
        'put tags on runs, take them off, or show them',
        (command) => command.positional('run', several('the folders of runs')).options(tagOptions),
        async (options) => (await work()).tagRuns(options),
      )
      .command(
        'remove <path...>',
        'remove runs, folders of runs or sweeps, after asking',
        (command) =>
          command.positional('path', several('a run, a folder of runs, or a sweep')).options(removeOptions),
        async (options) => (await import('./remove.js')).removeRuns(options),
      )
      .example('$0 runs', '')
      .example('$0 runs --sort test --recipe mnist-cnn', '')
      .example('$0 runs tag runs/first --add baseline', '')
      .example('$0 runs --tag baseline', '')
      .example('$0 runs compare runs/first runs/second', ''),
  );
}
