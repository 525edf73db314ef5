import type { Argv } from 'yargs';
import { UsageError } from '../../../core/errors.js';
import { dataOptions, portOption } from '../../inputs/options.js';

function namesOf(list: string): readonly string[] {
  const names = list.split(',').filter((name) => name !== '');
  if (names.length > 0) return names;
  throw new UsageError('--datasets must be names with commas between them, such as mnist,fashion-mnist');
}

/** `quern studio` */
export function addStudio(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'studio',
    'train, draw and look inside in a page: served on this machine, or written as a site',
    (command) =>
      command
        .options({
          out: {
            string: true,
            requiresArg: true,
            describe: 'write the site into this folder, for any host that serves files',
          },
          datasets: {
            string: true,
            requiresArg: true,
            default: 'mnist,fashion-mnist',
            describe: 'with --out, the datasets that become part of the site, with commas between them',
          },
          force: { boolean: true, default: false, describe: 'replace the site in that folder' },
          ...portOption,
          ...dataOptions,
        })
        .example('$0 studio', '')
        .example('$0 studio --out site --datasets mnist', '')
        .epilogue(
          'The page trains in the browser, to the same bytes as `quern train` with the same settings. A dataset is fetched by the ' +
            'page when it is wanted. A site works on any host; where that sets no headers, its service worker isolates the page ' +
            'for threads and keeps it for times without a network.',
        ),
    async (options) => {
      const { runStudio } = await import('./run.js');
      await runStudio({ ...options, datasets: namesOf(options.datasets), port: options.port ?? 0 });
    },
  );
}
