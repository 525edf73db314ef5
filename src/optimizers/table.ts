/** The optimizers that are known by name, and the checks of options that come as data. */
import { didYouMean } from '../core/closest.js';
import { UsageError } from '../core/errors.js';
import { adadelta } from './adadelta.js';
import { adagrad } from './adagrad.js';
import { adam, adamW } from './adam.js';
import { muon } from './muon.js';
import type { Optimizer } from './optimizer.js';
import { rmsprop } from './rmsprop.js';
import { sgd } from './sgd.js';

/** Options as they come from files and command lines. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** By name; options are checked before these are called. */
export const optimizers: Readonly<Record<string, (options: GivenOptions) => Optimizer>> = {
  sgd,
  adam,
  adamW,
  rmsprop,
  adagrad,
  adadelta,
  muon,
};

/** The entry of that name, whatever the case of its letters. Throws a UsageError that lists the names. */
export function find<T>(what: string, table: Readonly<Record<string, T>>, name: string): T {
  const known = Object.keys(table).find((each) => each.toLowerCase() === name.toLowerCase());
  if (known !== undefined) return table[known]!;
  const names = Object.keys(table);
  throw new UsageError(`${what}: there is no '${name}': ${names.join(', ')}`, didYouMean(name, names));
}

/** Throws a UsageError for an option that is not among the defaults, or of another type than its default. */
export function checkOptions(what: string, given: GivenOptions, defaults: GivenOptions): void {
  for (const [option, value] of Object.entries(given)) {
    if (defaults[option] === undefined) {
      throw new UsageError(
        `${what}: has no option '${option}': ${Object.keys(defaults).join(', ') || 'it has none'}`,
        didYouMean(option, Object.keys(defaults)),
      );
    }
    if (typeof value !== typeof defaults[option]) {
      throw new UsageError(`${what}: ${option} must be a ${typeof defaults[option]}, not a ${typeof value}`);
    }
  }
}

/** The optimizer of that name. Throws a UsageError for an unknown name or option, or a value out of range. */
export function makeOptimizer(name: string, options: GivenOptions): Optimizer {
  const make = find('optimizer', optimizers, name);
  const defaults = make({});
  checkOptions(defaults.name, options, { learningRate: defaults.learningRate, ...defaults.options });
  return make(options);
}
