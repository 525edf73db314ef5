import type { Argv } from 'yargs';
import {
  backendOptions,
  dataOptions,
  importOption,
  jsonOption,
  ownDataOption,
  whole,
} from '../../inputs/options.js';

/** `quern report <run>` */
export function addReport(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'report <run>',
    'make a page about a run: curves, confusion matrix, mistakes, calibration, published results',
    (command) =>
      command
        .positional('run', { type: 'string', demandOption: true, describe: 'a run folder' })
        .options({
          out: {
            string: true,
            requiresArg: true,
            describe:
              'the page, its pictures in a folder of that name; default: report.html in the run folder',
          },
          terminal: { boolean: true, default: false, describe: 'print a short report, write nothing' },
          robustness: {
            boolean: true,
            default: false,
            describe: 'measure on shifted, rotated, noisy and blurred images too',
          },
          dataset: {
            string: true,
            requiresArg: true,
            describe: 'look at other images than those of the dataset that the model was trained on',
          },
          limit: {
            number: true,
            requiresArg: true,
            coerce: whole('limit', 1),
            describe: 'use only the first images',
          },
          ...backendOptions,
          ...dataOptions,
          ...ownDataOption,
          ...importOption,
          ...jsonOption,
        })
        .example('$0 report runs/mine', '')
        .epilogue(
          'The page is one file without scripts that loads nothing from elsewhere. Without the dataset it shows what ' +
            'can be shown, and says what is missing.',
        ),
    async (options) => {
      const { runReport } = await import('./run.js');
      await runReport(options);
    },
  );
}
