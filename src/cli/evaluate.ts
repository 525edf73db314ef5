import type { Argv } from 'yargs';
import { backendOptions, dataOptions, jsonOption, whole } from './options.js';

/** `quern evaluate <model>` */
export function addEvaluate(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'evaluate <model>',
    'measure a saved model on a dataset',
    (command) =>
      command
        .positional('model', {
          type: 'string',
          demandOption: true,
          describe: 'a run folder, or the model.safetensors in it',
        })
        .options({
          dataset: {
            string: true,
            requiresArg: true,
            describe: 'default: the one that the model was trained on',
          },
          split: {
            requiresArg: true,
            choices: ['test', 'train'] as const,
            default: 'test' as const,
            describe: 'which images',
          },
          limit: {
            number: true,
            requiresArg: true,
            coerce: whole('limit', 1),
            describe: 'use only the first images',
          },
          ...backendOptions,
          ...dataOptions,
          ...jsonOption,
        }),
    async (options) => {
      const { runEvaluation } = await import('./runEvaluation.js');
      await runEvaluation(options);
    },
  );
}
