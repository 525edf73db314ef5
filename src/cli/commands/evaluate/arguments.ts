import type { Argv } from 'yargs';
import {
  backendOptions,
  dataOptions,
  foreignOptions,
  importOption,
  jsonOption,
  modelDescription,
  ownDataOption,
  whole,
} from '../../inputs/options.js';

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
          describe: modelDescription,
        })
        .options({
          dataset: {
            string: true,
            requiresArg: true,
            describe: 'default: the one that the model was trained on',
          },
          split: {
            requiresArg: true,
            choices: ['test', 'train', 'all'] as const,
            defaultDescription: 'test; of --data all, unless it has a part to test with',
            describe: 'which images',
          },
          limit: {
            number: true,
            requiresArg: true,
            coerce: whole('limit', 1),
            describe: 'use only the first images',
          },
          details: {
            boolean: true,
            default: false,
            describe: 'scores of every class, confusion matrix, top-k accuracy, calibration',
          },
          compare: {
            string: true,
            requiresArg: true,
            describe: "another model, measured on the same images: McNemar's test tells whether they differ",
          },
          robustness: {
            boolean: true,
            default: false,
            describe: 'measure on shifted, rotated, noisy and blurred images too',
          },
          ...backendOptions,
          ...dataOptions,
          ...ownDataOption,
          ...importOption,
          ...foreignOptions,
          ...jsonOption,
        }),
    async (options) => {
      const { runEvaluation } = await import('./run.js');
      await runEvaluation(options);
    },
  );
}
