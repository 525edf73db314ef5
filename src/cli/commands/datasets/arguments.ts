import type { Argv } from 'yargs';
import { dataOptions, jsonOption } from '../../inputs/options.js';

const namesArgument = {
  type: 'string',
  array: true,
  demandOption: true,
  default: undefined,
  describe: 'such as mnist',
} as const;

/** `quern datasets list|get|verify` */
export function addDatasets(program: Argv<{ verbose: boolean }>): void {
  const work = () => import('./run.js');
  program.command('datasets', 'list, download or verify datasets', (datasets) =>
    datasets
      .command(
        'list',
        'what there is, where it lies, its license and citation',
        (command) => command.options({ 'data-dir': dataOptions['data-dir'], ...jsonOption }),
        async (options) => (await work()).listDatasets(options),
      )
      .command(
        'get <name...>',
        'bring into the cache what is not there, or is damaged: from the web, or from an archive',
        (command) =>
          command.positional('name', namesArgument).options({
            'data-dir': {
              string: true,
              requiresArg: true,
              describe: 'a folder with the archive of EMNIST, gzip.zip, so that it is not downloaded',
            },
            offline: dataOptions.offline,
            ...jsonOption,
          }),
        async (options) => (await work()).getDatasets(options),
      )
      .command(
        'verify <name...>',
        'compare every file, and an archive, with its known hash',
        (command) =>
          command
            .positional('name', namesArgument)
            .options({ 'data-dir': dataOptions['data-dir'], ...jsonOption }),
        async (options) => (await work()).verifyDatasets(options),
      )
      .demandCommand(1, 'datasets: what to do is missing: list, get or verify'),
  );
}
