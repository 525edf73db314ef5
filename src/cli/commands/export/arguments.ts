import type { Argv } from 'yargs';
import { backendOptions, dataOptions, jsonOption, ownDataOption, whole } from '../../inputs/options.js';
import { formatNames } from './names.js';

/** `quern export <model> <file>` */
export function addExport(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'export <model> <file>',
    'write a model as ONNX, Keras, PyTorch, tfjs, npz, a Hugging Face folder or a page to draw on',
    (command) =>
      command
        .positional('model', {
          type: 'string',
          demandOption: true,
          describe: 'a run folder, or the model.safetensors in it',
        })
        .positional('file', {
          type: 'string',
          demandOption: true,
          describe:
            'its ending says which format: .onnx, .keras, .weights.h5, .safetensors, .json, .npz, .html',
        })
        .options({
          to: {
            requiresArg: true,
            choices: Object.keys(formatNames),
            describe: 'the format, whatever the ending; hugging-face makes a folder',
          },
          force: {
            boolean: true,
            default: false,
            describe: 'replace files that quern export has not written',
          },
          check: {
            boolean: true,
            default: false,
            describe: 'run the ONNX file in ONNX Runtime over the test images; exit code 1 where they differ',
          },
          dataset: {
            string: true,
            requiresArg: true,
            describe: 'for --check; default: the one that the model was trained on',
          },
          limit: {
            number: true,
            requiresArg: true,
            coerce: whole('limit', 1),
            describe: 'check the first images alone',
          },
          ...backendOptions,
          ...dataOptions,
          ...ownDataOption,
          ...jsonOption,
        }),
    async (options) => {
      const { runExport } = await import('./run.js');
      await runExport(options);
    },
  );
}
