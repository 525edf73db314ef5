import type { Argv } from 'yargs';
import { importOption, whole } from '../../inputs/options.js';

/** `quern view <recipe>` */
export function addView(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'view <recipe>',
    'write a page that shows a training step inside: ops, gradients, kernels, memory, WebAssembly',
    (command) =>
      command
        .positional('recipe', {
          type: 'string',
          demandOption: true,
          describe: 'a name or a file; or a run folder, or the model.safetensors in it',
        })
        .options({
          ...importOption,
          out: {
            string: true,
            requiresArg: true,
            describe: 'the page; default: view.html in the run folder, or <recipe>-view.html',
          },
          'batch-size': {
            number: true,
            requiresArg: true,
            coerce: whole('batch-size', 1),
            describe: "images of the step; default: the recipe's",
          },
        })
        .example('$0 view fashion-resnet', '')
        .epilogue('A few steps are run on one thread of this machine, to measure what every kernel takes.'),
    async (options) => {
      const { runView } = await import('./run.js');
      await runView(options);
    },
  );
}
