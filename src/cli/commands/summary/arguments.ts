import type { Argv } from 'yargs';
import { importOption, jsonOption } from '../../inputs/options.js';

/** `quern summary <recipe>` */
export function addSummary(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'summary <recipe>',
    'show the layers of a recipe or of a saved model, their parameters and multiply-adds',
    (command) =>
      command
        .positional('recipe', {
          type: 'string',
          demandOption: true,
          describe: 'a name or a file; or a run folder, or the model.safetensors in it',
        })
        .options({ ...importOption, ...jsonOption }),
    async (options) => {
      const { runSummary } = await import('./run.js');
      await runSummary(options);
    },
  );
}
