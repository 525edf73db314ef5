import { sentenceOf, UsageError } from '../core/errors.js';
import { isObject } from '../core/json.js';
import type { Value } from '../core/value.js';
import { checkAugmentation } from '../data/augment/augmentation.js';
import type { Layer } from '../nn/layer.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { Callback } from '../training/callbacks/callback.js';
import type { FitOptions } from '../training/fit/options.js';
import { checkNormalization } from '../training/inference/normalization.js';

/** A published number that the recipe answers to. */
export interface Reference {
  /** Test accuracy, 0 to 1. */
  readonly accuracy: number;
  readonly source: string;
}

/** A recipe's own settings by their names. */
type Parameters = Readonly<Record<string, Value>>;

/** The images for which a recipe makes its layer. */
export interface RecipeImages<P extends Parameters = Parameters> {
  /** How many classes the images have. */
  readonly classes: number;
  /** Height, width and channels of an image. */
  readonly shape: readonly number[];
  /** The recipe's own, or what was set instead. */
  readonly parameters: P;
}

/**
 * A training script as data: what `quern train` runs, and what its options change. What is not explained here is handed
 * to `fit` as it is, with the same defaults.
 */
export interface Recipe<P extends Parameters = Parameters>
  extends Pick<
    FitOptions,
    | 'schedule'
    | 'batchSize'
    | 'validationBy'
    | 'normalization'
    | 'augmentation'
    | 'mixup'
    | 'labelSmoothing'
    | 'clip'
    | 'weightAveraging'
    | 'earlyStopping'
    | 'plateau'
  > {
  /** Names run folders: letters, digits, dots, dashes and underscores. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** Name of the dataset, as `quern datasets list` has it. */
  readonly dataset: string;
  readonly reference?: Reference | undefined;
  /**
   * The test accuracy, 0 to 1, that a whole training with the recipe's own settings must reach: `quern train` ends with
   * exit code 1 when it is missed. Default: none.
   */
  readonly target?: number | undefined;
  /**
   * Settings of the recipe's own, by names of letters and digits: its layer is given them, `--set units=64` says others
   * and `quern sweep` tries some. Default: none.
   */
  readonly parameters?: P | undefined;
  /**
   * The space of `quern sweep` unless told otherwise: settings and their values, `{ learningRate: 'log:1e-4..1e-1',
   * dropout: [0.1, 0.3] }`. Default: nothing.
   */
  readonly sweep?: Readonly<Record<string, string | readonly Value[]>> | undefined;
  /**
   * Makes the layer that is trained; it gives a number (logit) per class. With `dense(classes)` at its end the recipe
   * trains on data of one's own too.
   */
  layer(images: RecipeImages<P>): Layer;
  /** With its learning rate. */
  readonly optimizer: Optimizer;
  readonly epochs: number;
  /** The fraction of the training images to hold out. Default: none. */
  readonly validation?: number | undefined;
  /** Makes what else happens during a training: one's own callbacks. Default: nothing. */
  makeCallbacks?(): readonly Callback[];
}

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string' && value !== '';
const isCount: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
const isFraction: Test = (value) => typeof value === 'number' && value > 0 && value < 1;
const isShare: Test = (value) => typeof value === 'number' && value >= 0 && value < 1;
const isPositive: Test = (value) => typeof value === 'number' && value > 0;
const isParameter: Test = (value) => /^(number|string|boolean)$/.test(typeof value);
const isFunction: Test = (value) => typeof value === 'function';
const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
/** Makes a check that throws one that answers. */
const passes =
  <T>(check: (value: T) => void): Test =>
  (value) => {
    try {
      check(value as T);
      return true;
    } catch {
      return false;
    }
  };

/** Names that parameters cannot have: `--set` would not know which is meant. */
const reserved = new Set([
  'learningRate',
  'batchSize',
  'optimizer',
  'schedule',
  'mixup',
  'labelSmoothing',
  'weightAveraging',
  'epochs',
  'validation',
  'seed',
  'limit',
  'from',
  'data',
]);

/** Tests of the members, with the words for an error; there are no others. */
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
  target: [optional(isFraction), 'a test accuracy between 0 and 1'],
  parameters: [
    optional(
      (value) =>
        isObject(value) &&
        Object.keys(value).every((name) => /^[a-zA-Z]\w*$/.test(name) && !reserved.has(name)) &&
        Object.values(value).every(isParameter),
    ),
    'numbers, texts, true or false by names that are none of other settings',
  ],
  sweep: [
    optional(
      (value) =>
        isObject(value) &&
        Object.values(value).every(
          (space) => typeof space === 'string' || (Array.isArray(space) && space.every(isParameter)),
        ),
    ),
    "spaces such as { learningRate: 'log:1e-4..1e-1' }",
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
  validationBy: [optional((value) => value === 'image' || value === 'writer'), 'image or writer'],
  normalization: [
    optional((value) => isObject(value) && passes(checkNormalization)(value)),
    'a mean and a deviation above 0',
  ],
  augmentation: [
    optional((value) => isObject(value) && passes(checkAugmentation)(value)),
    'an augmentation such as { shift: 2, rotate: 10 }',
  ],
  mixup: [optional((value) => value === 0 || isPositive(value)), 'a number of at least 0'],
  labelSmoothing: [optional(isShare), 'at least 0 and below 1'],
  clip: [
    optional(
      (value) => isObject(value) && optional(isPositive)(value.value) && optional(isPositive)(value.norm),
    ),
    'limits above 0 such as { norm: 1 }',
  ],
  weightAveraging: [optional(isShare), 'at least 0 and below 1'],
  earlyStopping: [
    optional((value) => isObject(value) && typeof value.patience === 'number'),
    'options such as { patience: 5 }',
  ],
  plateau: [
    optional((value) => isObject(value) && isFunction(value.next)),
    'a plateau such as reduceOnPlateau()',
  ],
  makeCallbacks: [optional(isFunction), 'a function that makes a list of callbacks'],
};

/** Says which member is wrong: `mnist-mlp: augmentation.shift must be a number from 0 to 512: "far"`. */
function refuseAugmentation(value: object, where: string): void {
  try {
    checkAugmentation(value);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    const { hint } = cause;
    const sentence = sentenceOf(cause).replace(/^augmentation: /, 'augmentation.');
    throw new UsageError(`${where}: ${sentence}`, { cause, ...(hint !== undefined && { hint }) });
  }
}

/** Throws UsageError, naming `where`, for something that is no recipe. */
export function checkRecipe(value: unknown, where: string): asserts value is Recipe {
  if (!isObject(value)) {
    const found = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
    throw new UsageError(`${where}: a recipe is an object, not ${found}`);
  }
  for (const [name, [test, wanted]] of Object.entries(members)) {
    if (test(value[name])) continue;
    if (name === 'augmentation' && isObject(value[name])) refuseAugmentation(value[name], where);
    throw new UsageError(`${where}: ${name} must be ${wanted}`);
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
 *     export default defineRecipe({ name: 'mine', title: '…', dataset: 'mnist', layer: ({ classes }) => …, … });
 *
 * @throws UsageError naming the member that is wrong
 */
export function defineRecipe<P extends Parameters>(recipe: Recipe<P>): Recipe {
  checkRecipe(recipe, 'defineRecipe');
  return recipe;
}
