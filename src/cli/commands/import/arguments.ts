import type { Argv } from 'yargs';
import { foreignOptions, jsonOption } from '../../inputs/options.js';

/** `quern import <file> --out <run>` */
export function addImport(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'import <file>',
    'read a model of ONNX, Keras, PyTorch or tfjs; it is a model like any other then',
    (command) =>
      command
        .positional('file', {
          type: 'string',
          demandOption: true,
          describe: '.onnx, .keras, .h5, .weights.h5, .pt, .pth, .safetensors, model.json of tfjs or .npz',
        })
        .options({
          out: {
            string: true,
            requiresArg: true,
            demandOption: true,
            describe: 'the folder that it is written to',
          },
          force: { boolean: true, default: false, describe: 'replace the model in that folder' },
          dataset: {
            string: true,
            requiresArg: true,
            describe: 'what it was trained on: names its classes, and what evaluate measures it on',
          },
          ...foreignOptions,
          'image-shape': {
            string: true,
            requiresArg: true,
            describe: 'of an image such as 28x28x1, where the file has numbers in a row',
          },
          classes: {
            string: true,
            requiresArg: true,
            describe: 'names of the classes, with commas between them',
          },
          ...jsonOption,
        }),
    async (options) => {
      const { runImport } = await import('./run.js');
      await runImport(options);
    },
  );
}
