/** Optimizers and schedules by name: for the command line, and for runs and checkpoints that hold them as data. */
import { UsageError } from '../core/errors.js';
import { type AdamOptions, adam } from './adam.js';
import type { Optimizer } from './optimizer.js';
import {
  constantRate,
  cosineDecay,
  exponentialDecay,
  oneCycle,
  type Schedule,
  stepDecay,
} from './schedules.js';
import { type SgdOptions, sgd } from './sgd.js';

type Options = Readonly<Record<string, unknown>>;

const optimizers: Readonly<Record<string, (options: Options) => Optimizer>> = {
  sgd: (options) => sgd(options as SgdOptions),
  adam: (options) => adam(options as AdamOptions),
};

const schedules: Readonly<Record<string, (options: Options) => Schedule>> = {
  constantRate,
  stepDecay,
  exponentialDecay,
  cosineDecay,
  oneCycle,
};

export const optimizerNames: readonly string[] = Object.keys(optimizers);
export const scheduleNames: readonly string[] = Object.keys(schedules);

function find<T>(what: string, table: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(table, name)) return table[name]!;
  throw new UsageError(`${what}: there is no '${name}': ${Object.keys(table).join(', ')}`);
}

function checkOptions(what: string, given: Options, known: Options): void {
  for (const [option, value] of Object.entries(given)) {
    if (known[option] === undefined) {
      throw new UsageError(
        `${what}: has no option '${option}': ${Object.keys(known).join(', ') || 'it has none'}`,
      );
    }
    if (typeof value !== typeof known[option]) {
      throw new UsageError(`${what}: ${option} must be a ${typeof known[option]}, not a ${typeof value}`);
    }
  }
}

/**
 * The optimizer of that name: `parseOptimizer('adam', { learningRate: 0.01 })`. `parseOptimizer(o.name,
 * { learningRate: o.learningRate, ...o.options })` is o again.
 *
 * @throws UsageError for an unknown name or option, or a value out of range
 */
export function parseOptimizer(name: string, options: Options = {}): Optimizer {
  const make = find('optimizer', optimizers, name);
  const defaults = make({});
  checkOptions(name, options, { learningRate: defaults.learningRate, ...defaults.options });
  return make(options);
}

/**
 * The schedule of that name: `parseSchedule('cosineDecay', { warmup: 0.1 })`. `parseSchedule(s.name, s.options)` is s
 * again.
 *
 * @throws UsageError for an unknown name or option, or a value out of range
 */
export function parseSchedule(name: string, options: Options = {}): Schedule {
  const make = find('schedule', schedules, name);
  checkOptions(name, options, make({}).options);
  return make(options);
}
