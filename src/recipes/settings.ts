/** A recipe with other settings, by their names. */
import { checkMembers } from '../core/check.js';
import { didYouMean } from '../core/closest.js';
import { QuernError, sentenceOf, UsageError } from '../core/errors.js';
import { isObject } from '../core/json.js';
import type { Value } from '../core/value.js';
import { parseOptimizer, parseSchedule } from '../optimizers/parse.js';
import { reduceOnPlateau } from '../optimizers/plateau.js';
import { checkRecipe, type Recipe } from './recipe.js';

export type SettingValues = Readonly<Record<string, Value>>;

/** Members that hold one number, and what they are where the recipe does not say. */
const plain = { batchSize: 128, mixup: 0, labelSmoothing: 0, weightAveraging: 0 } as const;

/** Members that hold options, which have names such as `augmentation.shift`. */
const grouped = ['augmentation', 'clip', 'earlyStopping'] as const;

type Group = (typeof grouped)[number];

/**
 * Lists what can be set, with its value now: the recipe's own parameters, learningRate, batchSize, mixup,
 * labelSmoothing, weightAveraging, optimizer and schedule by name, and options by names such as `optimizer.beta1`,
 * `schedule.warmup`, `plateau.patience`, `augmentation.shift`, `clip.norm`.
 */
export function settingsOf(recipe: Recipe): Readonly<Record<string, unknown>> {
  checkMembers('settingsOf: recipe', 'a recipe', recipe, ['name', 'optimizer']);
  const { optimizer, schedule, plateau } = recipe;
  const dotted = (prefix: string, options: object = {}) =>
    Object.entries(options).map(([name, value]) => [`${prefix}.${name}`, value]);
  return Object.fromEntries([
    ...Object.entries(recipe.parameters ?? {}),
    ['learningRate', optimizer.learningRate],
    ...Object.entries(plain).map(([name, value]) => [name, recipe[name as keyof typeof plain] ?? value]),
    ['optimizer', optimizer.name],
    ...dotted('optimizer', optimizer.options),
    ['schedule', schedule?.name ?? 'constantRate'],
    ...dotted('schedule', schedule?.options),
    ...dotted('plateau', plateau?.options),
    ...grouped.flatMap((name) => dotted(name, recipe[name])),
  ]);
}

/** `validation` and `epochs` have options of their own on every command line. */
const elsewhere = ['epochs', 'validation', 'seed', 'limit', 'from', 'data'];

function unknown(recipe: Recipe, name: string): never {
  if (elsewhere.includes(name)) {
    throw new UsageError(`${recipe.name}: ${name} is no setting of the recipe: it has an option of its own`, {
      hint: `Give --${name}.`,
    });
  }
  const names = Object.keys(settingsOf(recipe));
  const { hint = '' } = didYouMean(name, names);
  throw new UsageError(`${recipe.name}: there is no setting '${name}'`, {
    hint: `${hint && `${hint} `}There are ${names.join(', ')}, and options such as augmentation.shift or clip.norm.`,
  });
}

function withGroup(recipe: Recipe, group: Group, option: string, value: Value): Recipe {
  return { ...recipe, [group]: { ...recipe[group], [option]: value } };
}

function withOption(recipe: Recipe, name: string, value: Value): Recipe {
  const [group, option] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)];
  const { optimizer, schedule, plateau } = recipe;
  if (group === 'optimizer') {
    const { learningRate, options } = optimizer;
    return {
      ...recipe,
      optimizer: parseOptimizer(optimizer.name, { learningRate, ...options, [option]: value }),
    };
  }
  if (group === 'schedule' && schedule !== undefined)
    return { ...recipe, schedule: parseSchedule(schedule.name, { ...schedule.options, [option]: value }) };
  if (group === 'plateau' && plateau !== undefined && Object.hasOwn(plateau.options, option))
    return { ...recipe, plateau: reduceOnPlateau({ ...plateau.options, [option]: value }) };
  const known = grouped.find((each) => each === group);
  return known === undefined ? unknown(recipe, name) : withGroup(recipe, known, option, value);
}

/** Another optimizer keeps nothing of the one before but its rate where one is set; another schedule nothing. */
function withSetting(recipe: Recipe, name: string, value: Value): Recipe {
  const { parameters, optimizer } = recipe;
  const own = parameters?.[name];
  if (own !== undefined) {
    if (typeof own !== typeof value)
      throw new UsageError(`${recipe.name}: ${name} is a ${typeof own}, not ${JSON.stringify(value)}`);
    return { ...recipe, parameters: { ...parameters, [name]: value } };
  }
  if (name === 'optimizer') return { ...recipe, optimizer: parseOptimizer(String(value)) };
  if (name === 'schedule') return { ...recipe, schedule: parseSchedule(String(value)) };
  if (name === 'learningRate' && !(typeof value === 'number' && value > 0))
    throw new UsageError(
      `${recipe.name}: learningRate must be a number above 0, not ${JSON.stringify(value)}`,
    );
  if (name === 'learningRate') return { ...recipe, optimizer: { ...optimizer, learningRate: Number(value) } };
  if (Object.hasOwn(plain, name)) return { ...recipe, [name]: value };
  return name.includes('.') ? withOption(recipe, name, value) : unknown(recipe, name);
}

/**
 * The recipe with other settings. Optimizer and schedule are set before their options, whatever the order of the names.
 *
 * @throws UsageError naming the recipe and the setting that it does not have, or that is out of range
 */
export function withSettings(recipe: Recipe, values: SettingValues): Recipe {
  checkMembers('withSettings: recipe', 'a recipe', recipe, ['name', 'optimizer']);
  checkMembers('withSettings: values', 'an object', values, []);
  const first = (name: string) => (name === 'optimizer' || name === 'schedule' ? 0 : 1);
  const ordered = Object.entries(values).sort(([a], [b]) => first(a) - first(b));
  try {
    const set = ordered.reduce((made, [name, value]) => withSetting(made, name, value), recipe);
    checkRecipe(set, recipe.name);
    return set;
  } catch (cause) {
    if (!(cause instanceof QuernError) || cause.message.startsWith(recipe.name)) throw cause;
    const { hint } = cause;
    throw new UsageError(`${recipe.name}: ${sentenceOf(cause)}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

const isParameter = (value: unknown): value is Value =>
  typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';

/** Settings that came as data. Throws UsageError for what are none. */
export function checkSettingValues(value: unknown, where: string): SettingValues {
  if (isObject(value) && Object.values(value).every(isParameter)) return value as SettingValues;
  throw new UsageError(`${where}: settings must be numbers, texts, true or false, by their names`);
}
