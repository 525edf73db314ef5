/** Recipes by name, and from files. They load when they are chosen. */
import { register } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { didYouMean } from '../core/closest.js';
import { DataError, ModelError, sentenceOf, UsageError } from '../core/errors.js';
import { exists } from '../core/files.js';
import type { Dataset } from '../data/dataset.js';
import { Model } from '../nn/model.js';
import { loadingHint, sentenceWithPlace } from './place.js';
import { checkRecipe, type Recipe } from './recipe.js';
import { type SettingValues, withSettings } from './settings.js';
import { recipeNames, recipes } from './table.js';
import { type Way, wayParameter } from './ways.js';

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

let hooked: Promise<void> | undefined;

async function addHooks(): Promise<void> {
  // what recipes import: Node.js 20 resolves all that is loaded after the hooks in a thread of theirs, slowly
  await import(new URL('../index.js', import.meta.url).href);
  register('./moduleHooks.js', import.meta.url);
}

/** Explains a file that Node.js cannot read of its own accord. */
function unreadable(path: string): DataError | undefined {
  const typescript = /\.[cm]?tsx?$/.test(path);
  const strips = 'typescript' in process.features && process.features.typescript;
  if (!typescript || strips) return undefined;
  return new DataError(
    `${path}: the recipe cannot be loaded: TypeScript needs Node.js 22.18 or newer, this is ${process.versions.node}`,
    { hint: `Compile it first (npx tsc ${path}) and give the .js file.` },
  );
}

async function importModule(path: string, way: Way): Promise<unknown> {
  const refused = unreadable(path);
  if (refused !== undefined) throw refused;
  hooked ??= addHooks();
  await hooked;
  const url = pathToFileURL(resolve(path));
  url.searchParams.set(wayParameter, way);
  try {
    return ((await import(url.href)) as { default?: unknown }).default;
  } catch (cause) {
    throw new DataError(`${path}: the recipe cannot be loaded: ${sentenceWithPlace(cause, path)}`, {
      cause,
      ...loadingHint(cause, path),
    });
  }
}

/** Files that were imported, by their paths: one whose layers are known must not make them known again. */
const imported = new Map<string, Promise<unknown>>();

async function importFile(path: string, way: Way): Promise<Recipe> {
  const key = resolve(path);
  const module = imported.get(key) ?? importModule(path, way);
  imported.set(key, module);
  // what was not to run, or threw, is tried again the next time
  module.catch(() => imported.delete(key));
  const recipe = await module;
  try {
    checkRecipe(recipe, path);
  } catch (cause) {
    throw new DataError(sentenceOf(cause), {
      cause,
      hint: 'A recipe file says: export default defineRecipe({ … });',
    });
  }
  return recipe;
}

/**
 * Loads a recipe by name, or from a file whose default export it is: JavaScript, or TypeScript where Node.js can.
 *
 * @param way how a file comes to be run; default: it was named
 * @throws UsageError for what is neither; DataError, naming the file, when it throws, exports something else or is not
 * to run
 */
export async function loadRecipe(source: string, way: Way = 'named'): Promise<LoadedRecipe> {
  if (Object.hasOwn(recipes, source)) return { recipe: (await recipes[source]!()).default, source };
  if (extname(source) === '' || !(await exists(source))) {
    const known = recipeNames.join(', ');
    throw new UsageError(`unknown recipe '${source}': it is neither one of ${known} nor a file`, {
      hint: '`quern recipes` lists those that come with Quern.',
      ...didYouMean(source, recipeNames),
    });
  }
  return { recipe: await importFile(source, way), source };
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
    throw new ModelError(`${source}: its model cannot be made: ${sentenceWithPlace(cause, source)}`, {
      cause,
    });
  }
}
