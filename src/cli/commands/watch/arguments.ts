import type { Argv } from 'yargs';
import { portOption } from '../../inputs/options.js';

/** `quern watch [folder]` */
export function addWatch(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'watch [folder]',
    'see runs while they are trained: a page on this machine, or the terminal',
    (command) =>
      command
        .positional('folder', {
          type: 'string',
          default: 'runs',
          describe: 'a run, a sweep or a folder of runs',
        })
        .options({
          terminal: { boolean: true, default: false, describe: 'in the terminal, on the whole screen' },
          ...portOption,
        })
        .example('$0 watch sweeps/mnist-mlp', '')
        .epilogue(
          'It reads run folders, so it shows what other processes train. The address of the page holds a token: without it ' +
            'nothing is shown. The confusion matrix and the worst mistakes come after the next epoch of a run that holds images out.',
        ),
    async (options) => {
      const { runWatch } = await import('./run.js');
      await runWatch({ ...options, port: options.port ?? 0 });
    },
  );
}
