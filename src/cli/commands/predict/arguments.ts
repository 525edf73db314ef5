import type { Argv } from 'yargs';
import { backendOptions, importOption, jsonOption } from '../../inputs/options.js';

/** `quern predict <model> <image...>` */
export function addPredict(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'predict <model> <image...>',
    'tell what is in PNG pictures',
    (command) =>
      command
        .positional('model', {
          type: 'string',
          demandOption: true,
          describe: 'a run folder, or the model.safetensors in it',
        })
        .positional('image', { type: 'string', array: true, demandOption: true, describe: 'PNG files' })
        .options({ ...backendOptions, ...importOption, ...jsonOption }),
    async (options) => {
      const { runPrediction } = await import('./run.js');
      await runPrediction(options);
    },
  );
}
