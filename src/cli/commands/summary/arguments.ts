import type { Argv } from 'yargs';
import { importOption, jsonOption } from '../../inputs/options.js';

interface SummaryArguments {
  readonly recipe: string;
  readonly import?: string | undefined;
  readonly json: boolean;
}

/** What is summarized: the model of a recipe, or one that was saved. */
async function modelOf({ recipe: source, ...options }: SummaryArguments) {
  const { loadRecipe, recipeModel, recipeNames } = await import('../../../recipes/index.js');
  const { modelPathOf } = await import('../../../runs/files.js');
  const path = await modelPathOf(source);
  if (!recipeNames.includes(source) && path.endsWith('.safetensors')) {
    const { readModel } = await import('../../inputs/ownRecipe.js');
    const { model, details } = await readModel(source, options);
    return { model, title: `${details.recipe ?? 'a model'} on ${details.dataset}` };
  }
  const { findEntry, readManifest } = await import('../../../data/catalog/manifest.js');
  const loaded = await loadRecipe(source);
  const { image: shape, classes } = findEntry(readManifest(), loaded.recipe.dataset);
  return { model: recipeModel(loaded, { shape, classes }, 0), title: loaded.recipe.title };
}

async function run(options: SummaryArguments): Promise<void> {
  const { summarize, summaryTable } = await import('../../../nn/summary.js');
  const { model, title } = await modelOf(options);
  const summary = summarize(model);
  console.log(options.json ? JSON.stringify(summary) : `${title}\n\n${summaryTable(summary)}`);
}

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
    (options) => run(options),
  );
}
