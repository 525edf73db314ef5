import type { Argv } from 'yargs';
import { backendOptions, jsonOption } from '../../inputs/options.js';

/** `quern bench [name…]` */
export function addBench(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'bench [name..]',
    'measure kernels and training steps on this machine',
    (command) =>
      command
        .positional('name', {
          type: 'string',
          array: true,
          default: [],
          defaultDescription: 'all',
          describe: 'which',
        })
        .options({
          list: { boolean: true, default: false, describe: 'show the benches and their questions' },
          quick: { boolean: true, default: false, describe: 'seconds instead of minutes' },
          ...backendOptions,
          backend: {
            ...backendOptions.backend,
            choices: [...backendOptions.backend.choices, 'all'] as const,
            describe: 'what computes; all: every one side by side, for matmul and convolution',
          },
          threads: { ...backendOptions.threads, describe: 'the most threads; default: all processors' },
          out: {
            string: true,
            requiresArg: true,
            describe: 'write results into this folder, as JSON and SVG',
          },
          ...jsonOption,
        })
        .example('$0 bench step --quick', '')
        .example('$0 bench matmul --backend all', ''),
    async ({ name, ...options }) => {
      const { runBenches } = await import('../../../../bench/main.js');
      await runBenches({ ...options, names: name });
    },
  );
}
