/** Optimizers and schedules by name: for the command line, and for runs and checkpoints that hold them as data. */
import { checkText } from '../core/check.js';
import { UsageError } from '../core/errors.js';
import { isObject } from '../core/json.js';
import { parseGroups } from './groups.js';
import { oneCycle } from './oneCycle.js';
import type { Optimizer } from './optimizer.js';
import {
  constantRate,
  cosineDecay,
  exponentialDecay,
  linearDecay,
  polynomialDecay,
  type Schedule,
  stepDecay,
  warmUp,
} from './schedules.js';
import { checkOptions, find, type GivenOptions, makeOptimizer, optimizers } from './table.js';

const schedules: Readonly<Record<string, (options: GivenOptions) => Schedule>> = {
  constantRate,
  stepDecay,
  linearDecay,
  polynomialDecay,
  exponentialDecay,
  cosineDecay,
  oneCycle,
};

/** The optimizers that `parseOptimizer` makes by name alone: all but `parameterGroups`. */
export const optimizerNames: readonly string[] = Object.keys(optimizers);
/** The schedules that `parseSchedule` makes by name alone: all but `warmUp`. */
export const scheduleNames: readonly string[] = Object.keys(schedules);

/**
 * The optimizer of that name, in any case of letters: `parseOptimizer('adam', { learningRate: 0.01 })`.
 * `parseOptimizer(o.name, { learningRate: o.learningRate, ...o.options })` is o again.
 *
 * @throws UsageError for an unknown name or option, or a value out of range
 */
export function parseOptimizer(name: string, options: GivenOptions = {}): Optimizer {
  checkText('parseOptimizer: name', name);
  return name === 'parameterGroups' ? parseGroups(options) : makeOptimizer(name, options);
}

/**
 * The schedule of that name, in any case of letters: `parseSchedule('cosineDecay', { warmup: 0.1 })`.
 * `parseSchedule(s.name, s.options)` is s again.
 *
 * @throws UsageError for an unknown name or option, or a value out of range
 */
export function parseSchedule(name: string, options: GivenOptions = {}): Schedule {
  checkText('parseSchedule: name', name);
  if (name === 'warmUp') return parseWarmUp(options);
  const make = find('schedule', schedules, name);
  const defaults = make({});
  checkOptions(defaults.name, options, defaults.options);
  return make(options);
}

function parseWarmUp({ schedule, ...options }: GivenOptions): Schedule {
  if (!isObject(schedule) || typeof schedule.name !== 'string') {
    throw new UsageError('warmUp: schedule must be the name and options of a schedule');
  }
  const inner = parseSchedule(schedule.name, isObject(schedule.options) ? schedule.options : {});
  const { schedule: _, ...defaults } = warmUp(inner).options;
  checkOptions('warmUp', options, defaults);
  return warmUp(inner, options);
}
