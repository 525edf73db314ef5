/** Settings made into what `fit` takes. */
import {
  type Dataset,
  datasets,
  describeLayer,
  exportFormats,
  type Model,
  modelOfDescription,
  Model as QuernModel,
  type Recipe,
  recipes,
  summarize,
  UsageError,
} from '../../browser.js';
import type { Catalog, Described } from '../shared/messages.js';
import type { Settings } from '../shared/settings.js';
import { describePacked, packedNames } from './packed.js';

/** What is known of a dataset before it is there. */
export type Form = Pick<Dataset, 'shape' | 'classes'>;

/** Where a dataset is not packed with the site, the layers of a recipe are shown for digits. */
const digits: Form = { shape: [28, 28, 1], classes: Array.from({ length: 10 }, (_, i) => String(i)) };

export async function recipeOf({ recipe: name, set = {} }: Settings): Promise<Recipe> {
  const load = Object.hasOwn(recipes.table, name) ? recipes.table[name] : undefined;
  if (load === undefined)
    throw new UsageError(`there is no recipe '${name}': ${Object.keys(recipes.table).join(', ')}`);
  return recipes.withSettings((await load()).default, set);
}

/** The options of `fit`: as `quern train` has them. */
export const fitOptionsOf = (recipe: Recipe, settings: Settings) => recipes.fitOptionsOf(recipe, settings);

/** The model of the recipe, or of layers in their place. */
export function modelOf(recipe: Recipe, { layers, seed }: Settings, { shape, classes }: Form): Model {
  if (layers !== undefined) {
    const model = modelOfDescription(layers, shape, { seed });
    if (model.outputShape.length !== 1 || model.outputShape[0] !== classes.length)
      throw new UsageError(
        `the last layer gives [${model.outputShape.join(', ')}], the data has ${classes.length} classes`,
      );
    // without the inspector, as a recipe's is made
    return new QuernModel(model.layer, shape, seed);
  }
  const { parameters = {} } = recipe;
  return new QuernModel(recipe.layer({ classes: classes.length, shape, parameters }), shape, seed);
}

export const limited = (dataset: Dataset, { limit }: Settings): Dataset =>
  limit === undefined || dataset.count <= limit ? dataset : datasets.limit(dataset, limit);

/** The form of the images: those of a dataset that is not there are taken for digits. */
export async function formOf({ dataset }: Settings, own: Form | undefined): Promise<Form> {
  const form = dataset === 'own' ? own : await describePacked(dataset).catch(() => undefined);
  return form ?? digits;
}

/** How a recipe stands with settings. A model that cannot be made is a problem that is told, not thrown. */
export async function describe(settings: Settings, own: Form | undefined): Promise<Described> {
  const recipe = await recipeOf(settings);
  const options = fitOptionsOf(recipe, settings);
  const { parameters = {}, title } = recipe;
  const { shape, classes } = await formOf(settings, own);
  const described = {
    title,
    dataset: recipe.dataset,
    epochs: options.epochs,
    batchSize: options.batchSize,
    learningRate: options.optimizer.learningRate,
    optimizer: options.optimizer.name,
    settings: recipes.settingsOf(recipe),
    layers: settings.layers ?? describeLayer(recipe.layer({ classes: classes.length, shape, parameters })),
  };
  try {
    const model = modelOf(recipe, settings, { shape, classes });
    // with all options, where a link names a few
    return { ...described, layers: describeLayer(model.layer), summary: summarize(model) };
  } catch (error) {
    return { ...described, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** What can be chosen. */
export async function catalog(): Promise<Catalog> {
  return { recipes: Object.keys(recipes.table), formats: exportFormats, datasets: await packedNames() };
}
