/** The options of `fit` for a recipe, with some asked for instead. */
import { checkMembers } from '../core/check.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { parseOptimizer } from '../optimizers/parse.js';
import { checkFitOptions, defaultBatchSize, type FitOptions } from '../training/fit/options.js';
import { plainPixels } from '../training/inference/normalization.js';
import type { Recipe } from './recipe.js';

/** Settings asked for instead of the recipe's. */
export interface Asked {
  readonly seed: number;
  readonly epochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly learningRate?: number | undefined;
  /** By name, with default options. */
  readonly optimizer?: string | undefined;
  /** Fraction of the training images to hold out. */
  readonly validation?: number | undefined;
  readonly validationByWriter?: boolean | undefined;
}

/** Members of a recipe that `fit` takes as they are. */
const handedOn = [
  'augmentation',
  'mixup',
  'labelSmoothing',
  'clip',
  'weightAveraging',
  'earlyStopping',
  'plateau',
] as const satisfies readonly (keyof Recipe & keyof FitOptions)[];

type HandedOn = Pick<FitOptions, (typeof handedOn)[number]>;

/** Those that the recipe has. */
function settingsHandedOn(recipe: Recipe): HandedOn {
  const present = handedOn.filter((name) => recipe[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, recipe[name]]));
}

/** The recipe's optimizer, or the one that was asked for, with the rate that was asked for. */
function chooseOptimizer(recipe: Recipe, { optimizer: name, learningRate }: Asked): Optimizer {
  const optimizer = name === undefined ? recipe.optimizer : parseOptimizer(name);
  return learningRate === undefined ? optimizer : { ...optimizer, learningRate };
}

/**
 * Makes the options of `fit` for a recipe: `fit(engine, model, train, fitOptionsOf(recipe, { seed: 1 }))` trains what
 * `quern train` trains, to the same bytes.
 *
 * @throws UsageError for what `fit` would refuse
 */
export function fitOptionsOf(recipe: Recipe, asked: Asked) {
  checkMembers('fitOptionsOf: recipe', 'a recipe', recipe, ['name', 'optimizer']);
  checkMembers('fitOptionsOf: asked', 'an object', asked, []);
  const settings = {
    recipe: recipe.name,
    optimizer: chooseOptimizer(recipe, asked),
    schedule: recipe.schedule,
    epochs: asked.epochs ?? recipe.epochs,
    batchSize: asked.batchSize ?? recipe.batchSize ?? defaultBatchSize,
    validation: asked.validation ?? recipe.validation,
    validationBy: asked.validationByWriter ? ('writer' as const) : recipe.validationBy,
    normalization: recipe.normalization ?? plainPixels,
    seed: asked.seed,
    ...settingsHandedOn(recipe),
  } satisfies FitOptions;
  checkFitOptions(settings);
  return settings;
}
