import type { Argv } from 'yargs';
import {
  backendOptions,
  foreignOptions,
  importOption,
  jsonOption,
  modelDescription,
  preparationOptions,
  quietOption,
  whole,
} from '../../inputs/options.js';

/** `quern predict <model> <image...>` */
export function addPredict(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'predict <model> <image...>',
    'tell the classes of pictures: files, folders, a CSV, npz or idx file',
    (command) =>
      command
        .positional('model', {
          type: 'string',
          demandOption: true,
          describe: modelDescription,
        })
        .positional('image', {
          type: 'string',
          array: true,
          demandOption: true,
          default: undefined,
          describe: 'PNG, JPEG, WebP or BMP pictures, folders of them, CSV, npz, npy or idx files',
        })
        .options({
          out: {
            string: true,
            requiresArg: true,
            describe: 'write a CSV file: a line per image with its name, class and probability',
          },
          columns: {
            string: true,
            requiresArg: true,
            describe: 'names of the columns of that file, such as ImageId,Label: image and class alone',
          },
          top: {
            number: true,
            requiresArg: true,
            coerce: whole('top', 1),
            describe: 'tell this many of the most probable classes',
          },
          ...preparationOptions,
          ...backendOptions,
          ...importOption,
          ...foreignOptions,
          ...jsonOption,
          ...quietOption,
        })
        .example('$0 predict runs/mine digit.png', '')
        .example('$0 predict runs/mine test.csv --out submission.csv --columns ImageId,Label', '')
        .epilogue(
          'Images of CSV, npz and idx files are numbered from 1, unless a column numbers them. Pictures that cannot be ' +
            'read are named when all others are done, and nothing is written; --skip-bad leaves them out.',
        ),
    async (options) => {
      const { runPrediction } = await import('./run.js');
      await runPrediction(options);
    },
  );
}
