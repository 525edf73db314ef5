import { findEntry, readManifest } from '../../../data/catalog/manifest.js';
import { summarize, summaryTable } from '../../../nn/summary.js';
import { loadRecipe, recipeModel, recipeNames } from '../../../recipes/index.js';
import { modelPathOf } from '../../../runs/files.js';
import { type ImportArguments, readModel } from '../../inputs/ownRecipe.js';
import { print } from '../../terminal/output.js';

export interface SummaryArguments extends ImportArguments {
  readonly recipe: string;
  readonly json: boolean;
}

/** Opens the model of a recipe, or one that was saved. */
async function modelOf({ recipe: source, ...options }: SummaryArguments) {
  const path = recipeNames.includes(source) ? undefined : await modelPathOf(source);
  if (path?.endsWith('.safetensors')) {
    const { model, details } = await readModel(source, options);
    return { model, title: `${details.recipe ?? 'a model'} on ${details.dataset}` };
  }
  const loaded = await loadRecipe(source);
  const { image: shape, classes } = findEntry(readManifest(), loaded.recipe.dataset);
  return { model: recipeModel(loaded, { shape, classes }, 0), title: loaded.recipe.title };
}

/** Shows the layers of a recipe or of a saved model. */
export async function runSummary(options: SummaryArguments): Promise<void> {
  const { model, title } = await modelOf(options);
  const summary = summarize(model);
  print(options.json ? JSON.stringify(summary) : `${title}\n\n${summaryTable(summary)}`);
}
