/** Recipes by name, and from files. They load when they are chosen. */
import { register } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataError, ModelError, sentenceOf, UsageError } from '../core/errors.js';
import { exists } from '../core/files.js';
import type { Dataset } from '../data/dataset.js';
import { Model } from '../nn/model.js';
import { checkRecipe, type Recipe } from './recipe.js';
import { type SettingValues, withSettings } from './settings.js';
import { recipeNames, recipes } from './table.js';

export { recipeNames };

/** A recipe and where it comes from: its name, or the path of its file as it was given. */
export interface LoadedRecipe {
  readonly recipe: Recipe;
  readonly source: string;
}

/** The recipe with other settings: `withSettings` of what was loaded. */
export function setRecipe({ recipe, source }: LoadedRecipe, values: SettingValues | undefined): LoadedRecipe {
  return { recipe: values === undefined ? recipe : withSettings(recipe, values), source };
}

let hooked = false;

async function importFile(path: string): Promise<Recipe> {
  if (!hooked) register('./resolveHook.js', import.meta.url);
  hooked = true;
  let loaded: { default?: unknown };
  try {
    loaded = await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    throw new DataError(`${path}: the recipe cannot be loaded: ${sentenceOf(cause)}`, { cause });
  }
  try {
    checkRecipe(loaded.default, path);
  } catch (cause) {
    throw new DataError(sentenceOf(cause), {
      cause,
      hint: 'A recipe file says: export default defineRecipe({ … });',
    });
  }
  return loaded.default;
}

/**
 * Loads a recipe by name, or from a JavaScript file whose default export it is.
 *
 * @throws UsageError for what is neither; DataError, naming the file, when it throws or exports something else
 */
export async function loadRecipe(source: string): Promise<LoadedRecipe> {
  if (Object.hasOwn(recipes, source)) return { recipe: (await recipes[source]!()).default, source };
  if (extname(source) === '' || !(await exists(source))) {
    const known = recipeNames.join(', ');
    throw new UsageError(`unknown recipe '${source}': it is neither one of ${known} nor a file`);
  }
  return { recipe: await importFile(source), source };
}

/**
 * The model of a recipe.
 *
 * @param images what it shall take: the shape of one, and the names of their classes
 * @throws ModelError, naming the recipe, when its layers cannot be made or do not fit images or each other
 */
export function recipeModel(
  { recipe, source }: LoadedRecipe,
  { shape, classes }: Pick<Dataset, 'shape' | 'classes'>,
  seed: number,
): Model {
  try {
    const { parameters = {} } = recipe;
    return new Model(recipe.layer({ classes: classes.length, shape, parameters }), shape, seed);
  } catch (cause) {
    throw new ModelError(`${source}: its model cannot be made: ${sentenceOf(cause)}`, { cause });
  }
}
