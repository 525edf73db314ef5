import type { Argv } from 'yargs';
import { jsonOption } from '../../inputs/options.js';

async function run(source: string, json: boolean): Promise<void> {
  const { loadRecipe, recipeModel } = await import('../../../recipes/index.js');
  const { findEntry, readManifest } = await import('../../../data/catalog/manifest.js');
  const { summarize, summaryTable } = await import('../../../nn/summary.js');
  const loaded = await loadRecipe(source);
  const { image: shape, classes } = findEntry(readManifest(), loaded.recipe.dataset);
  const summary = summarize(recipeModel(loaded, { shape, classes }, 0));
  console.log(json ? JSON.stringify(summary) : `${loaded.recipe.title}\n\n${summaryTable(summary)}`);
}

/** `quern summary <recipe>` */
export function addSummary(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'summary <recipe>',
    'show the layers of a recipe, their parameters and multiply-adds',
    (command) =>
      command
        .positional('recipe', { type: 'string', demandOption: true, describe: 'a name or a file' })
        .options(jsonOption),
    ({ recipe, json }) => run(recipe, json),
  );
}
