import type { Argv } from 'yargs';
import { backendOptions, dataOptions, jsonOption, positive, whole } from './options.js';

/** `quern train <recipe>` */
export function addTrain(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'train <recipe>',
    'train a model; the recipe is a name or a file',
    (command) =>
      command
        .positional('recipe', {
          type: 'string',
          demandOption: true,
          describe: 'mnist-mlp, fashion-cnn, or a file such as ./my-recipe.js',
        })
        .options({
          epochs: {
            number: true,
            requiresArg: true,
            coerce: whole('epochs', 1),
            describe: 'how often every image is seen',
          },
          'batch-size': {
            number: true,
            requiresArg: true,
            coerce: whole('batch-size', 1),
            describe: 'images per step',
          },
          'learning-rate': {
            number: true,
            requiresArg: true,
            coerce: positive('learning-rate'),
            describe: "the rate that the recipe's schedule starts from",
          },
          optimizer: { string: true, requiresArg: true, describe: 'sgd or adam, with default options' },
          seed: {
            number: true,
            requiresArg: true,
            default: 0,
            coerce: whole('seed', 0),
            describe: 'same seed, same weights',
          },
          validation: {
            number: true,
            requiresArg: true,
            coerce: positive('validation', 1),
            describe: 'fraction of the training images to hold out and report on',
          },
          limit: {
            number: true,
            requiresArg: true,
            coerce: whole('limit', 1),
            describe: 'use only the first images',
          },
          from: { string: true, requiresArg: true, describe: 'start from the weights of this model' },
          out: { string: true, requiresArg: true, describe: 'run folder; default: runs/<recipe>-<time>' },
          force: { boolean: true, default: false, describe: 'replace the run in that folder' },
          ...backendOptions,
          ...dataOptions,
          ...jsonOption,
          quiet: { boolean: true, default: false, describe: 'no progress' },
        })
        .example('$0 train mnist-mlp --epochs 1', '')
        .epilogue(
          'The test set is used once, at the end. The train accuracy is measured then too: of the final weights, ' +
            'without dropout, on the images that were trained on.\n\n' +
            'Ctrl-C ends the training after the step that is running, saves the model so far and exits with 130; ' +
            'a second one ends at once.',
        ),
    async (options) => {
      const { runTraining } = await import('./runTraining.js');
      await runTraining({ ...options, seed: options.seed ?? 0 });
    },
  );
}
