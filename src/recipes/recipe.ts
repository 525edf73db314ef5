import { UsageError } from '../core/errors.js';
import { isObject } from '../core/isObject.js';
import type { Layer } from '../nn/layer.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { Schedule } from '../optimizers/schedules.js';
import { checkNormalisation, type Normalisation } from '../training/normalisation.js';

/** A published number that the recipe answers to. */
export interface Reference {
  /** Test accuracy, 0 to 1. */
  readonly accuracy: number;
  readonly source: string;
}

/** A training script as data: what `quern train` runs, and what its options change. */
export interface Recipe {
  /** Names run folders: letters, digits, dots, dashes and underscores. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** Name of the dataset, as `quern datasets list` has it. */
  readonly dataset: string;
  readonly reference?: Reference | undefined;
  /** Makes the layer that is trained; it gives a number (logit) per class. */
  layer(): Layer;
  /** With its learning rate. */
  readonly optimizer: Optimizer;
  /** Default: the learning rate stays. */
  readonly schedule?: Schedule | undefined;
  readonly epochs: number;
  /** Default 128. */
  readonly batchSize?: number | undefined;
  /** The fraction of the training images to hold out. Default: none. */
  readonly validation?: number | undefined;
  /** Default: pixels from 0 to 1. */
  readonly normalisation?: Normalisation | undefined;
}

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string' && value !== '';
const isCount: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
const isFraction: Test = (value) => typeof value === 'number' && value > 0 && value < 1;
const isFunction: Test = (value) => typeof value === 'function';
const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);

/** What each member must be; a member that is not named here does not exist. */
const members: Readonly<Record<keyof Recipe, readonly [Test, string]>> = {
  name: [
    (value) => typeof value === 'string' && /^[\w-][\w.-]*$/.test(value),
    'a name of letters, digits, dots, dashes and underscores',
  ],
  title: [isText, 'a text'],
  dataset: [isText, 'the name of a dataset'],
  reference: [
    optional((value) => isObject(value) && isFraction(value.accuracy) && isText(value.source)),
    'an accuracy between 0 and 1 and its source',
  ],
  layer: [isFunction, 'a function that makes a layer'],
  optimizer: [
    (value) => isObject(value) && isFunction(value.build) && Number.isFinite(value.learningRate),
    'an optimizer such as adam()',
  ],
  schedule: [
    optional((value) => isObject(value) && isFunction(value.factor)),
    'a schedule such as cosineDecay()',
  ],
  epochs: [isCount, 'a whole number of at least 1'],
  batchSize: [optional(isCount), 'a whole number of at least 1'],
  validation: [optional(isFraction), 'a fraction between 0 and 1'],
  normalisation: [
    optional((value) => isObject(value) && isNormalisation(value as unknown as Normalisation)),
    'a mean and a deviation above 0',
  ],
};

function isNormalisation(value: Normalisation): boolean {
  try {
    checkNormalisation(value);
    return true;
  } catch {
    return false;
  }
}

/** Throws UsageError, naming `where`, for something that is no recipe. */
export function checkRecipe(value: unknown, where: string): asserts value is Recipe {
  if (!isObject(value)) {
    const found = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
    throw new UsageError(`${where}: a recipe is an object, not ${found}`);
  }
  for (const [name, [test, wanted]] of Object.entries(members)) {
    if (!test(value[name])) throw new UsageError(`${where}: ${name} must be ${wanted}`);
  }
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(members, name));
  if (unknown !== undefined) {
    throw new UsageError(
      `${where}: a recipe has no member '${unknown}': it has ${Object.keys(members).join(', ')}`,
    );
  }
}

/**
 * Defines a recipe, in a file of your own that `quern train ./my-recipe.js` runs:
 *
 *     export default defineRecipe({ name: 'mine', title: '…', dataset: 'mnist', layer: () => …, … });
 *
 * @throws UsageError naming the member that is wrong
 */
export function defineRecipe(recipe: Recipe): Recipe {
  checkRecipe(recipe, 'defineRecipe');
  return recipe;
}
