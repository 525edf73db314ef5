/**
 * How the learning rate moves over a training: a factor for each step, in exact arithmetic, so that a resumed run and
 * another JavaScript engine get the same bits.
 */
import { checkOptionNames, checkPositive, checkRange, wrongKind } from '../core/check.js';
import { UsageError } from '../core/errors.js';
import { exactCos, exactPower } from '../core/math.js';
import type { PlainOption } from './optimizer.js';

/** Options as plain data, as runs and checkpoints hold them. */
type ScheduleOptions = Readonly<Record<string, PlainOption>>;

export interface Schedule {
  /** By which `parseSchedule` finds it again. */
  readonly name: string;
  /** The arguments of its function, defaults included. */
  readonly options: ScheduleOptions;
  /**
   * Returns the factor of the optimizer's learning rate.
   *
   * @param step number of steps that are done: 0 at the first
   * @param totalSteps steps of the whole training; a step beyond it counts as the last
   */
  factor(step: number, totalSteps: number): number;
}

/** Makes a schedule whose arguments are checked; `factor` is never asked beyond the last step. */
export function makeSchedule(name: string, options: ScheduleOptions, factor: Schedule['factor']): Schedule {
  return {
    name,
    options,
    factor(step, totalSteps) {
      if (!Number.isSafeInteger(step) || step < 0 || !Number.isSafeInteger(totalSteps) || totalSteps < 1) {
        throw new UsageError(
          `${name}: step must be an integer ≥ 0 and totalSteps ≥ 1: ${step} of ${totalSteps}`,
        );
      }
      return factor(Math.min(step, totalSteps), totalSteps);
    },
  };
}

/** From `from` to `to` along half a cosine, `share` in [0, 1] of the way. */
export function cosineBetween(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + exactCos(Math.PI * share))) / 2;
}

/** The same rate all the time. */
export function constantRate(): Schedule {
  return makeSchedule('constantRate', {}, () => 1);
}

/**
 * The rate times `factor` at each milestone, a fraction of the training (He et al. 2016 divide by 10 at 1/2 and 3/4).
 *
 * @param options.factor default 0.1
 * @param options.milestones fractions between 0 and 1; default [0.5, 0.75]
 */
export function stepDecay(
  options: { readonly factor?: number; readonly milestones?: readonly number[] } = {},
): Schedule {
  checkOptionNames('stepDecay', options, { factor: true, milestones: true });
  const { factor = 0.1, milestones = [0.5, 0.75] } = options;
  checkRange('stepDecay: factor', factor, 0);
  if (!Array.isArray(milestones)) throw new UsageError('stepDecay: milestones must be a list of fractions');
  for (const milestone of milestones) checkRange('stepDecay: a milestone', milestone, 0, 1);
  return makeSchedule('stepDecay', { factor, milestones }, (step, totalSteps) =>
    milestones.reduce((rate, milestone) => (step >= milestone * totalSteps ? rate * factor : rate), 1),
  );
}

/**
 * 1 + (final − 1) · step / totalSteps: down to `final` along a line.
 *
 * @param options.final at least 0; default 0
 */
export function linearDecay(options: { readonly final?: number } = {}): Schedule {
  checkOptionNames('linearDecay', options, { final: true });
  const { final = 0 } = options;
  checkRange('linearDecay: final', final, 0);
  return makeSchedule('linearDecay', { final }, (step, totalSteps) => 1 + ((final - 1) * step) / totalSteps);
}

/**
 * final + (1 − final) · (1 − step / totalSteps) ^ power, as Keras and, for a `final` of 0, PyTorch have it.
 *
 * @param options.power above 0; default 2
 * @param options.final at least 0; default 0
 */
export function polynomialDecay(
  options: { readonly power?: number; readonly final?: number } = {},
): Schedule {
  checkOptionNames('polynomialDecay', options, { power: true, final: true });
  const { power = 2, final = 0 } = options;
  checkPositive('polynomialDecay: power', power);
  checkRange('polynomialDecay: final', final, 0);
  return makeSchedule(
    'polynomialDecay',
    { power, final },
    (step, totalSteps) => final + (1 - final) * exactPower(1 - step / totalSteps, power),
  );
}

/**
 * final ^ (step / totalSteps): the same proportion at every step, down to `final` at the end.
 *
 * @param options.final above 0; default 0.01
 */
export function exponentialDecay(options: { readonly final?: number } = {}): Schedule {
  checkOptionNames('exponentialDecay', options, { final: true });
  const { final = 0.01 } = options;
  checkPositive('exponentialDecay: final', final);
  return makeSchedule('exponentialDecay', { final }, (step, totalSteps) =>
    exactPower(final, step / totalSteps),
  );
}

/**
 * A linear warm-up to the full rate (Goyal et al. 2017), then half a cosine down to `final` (Loshchilov and Hutter,
 * ICLR 2017, without restarts).
 *
 *     (step + 1) / w                                          for the first w = round(warmup · totalSteps) steps
 *     final + (1 − final)·(1 + cos(π·(step − w)/(total − w)))/2    after them
 *
 * @param options.warmup fraction of the training; default 0
 * @param options.final at least 0; default 0
 */
export function cosineDecay(options: { readonly warmup?: number; readonly final?: number } = {}): Schedule {
  checkOptionNames('cosineDecay', options, { warmup: true, final: true });
  const { warmup = 0, final = 0 } = options;
  checkRange('cosineDecay: warmup', warmup, 0, 1);
  checkRange('cosineDecay: final', final, 0);
  return makeSchedule('cosineDecay', { warmup, final }, (step, totalSteps) => {
    const rising = Math.round(warmup * totalSteps);
    if (step < rising) return (step + 1) / rising;
    return cosineBetween(1, final, (step - rising) / Math.max(1, totalSteps - rising));
  });
}

/**
 * A linear warm-up (Goyal et al. 2017) before any schedule, which then takes the steps that are left.
 *
 *     start + (1 − start)·(step + 1) / w       for the first w = round(warmup · totalSteps) steps
 *     schedule(step − w, totalSteps − w)       after them
 *
 * `warmUp(cosineDecay(), { warmup })` is `cosineDecay({ warmup })`.
 *
 * @param options.warmup fraction of the training; default 0.05
 * @param options.start at least 0 and below 1; default 0
 */
export function warmUp(
  schedule: Schedule,
  options: { readonly warmup?: number; readonly start?: number } = {},
): Schedule {
  checkOptionNames('warmUp', options, { warmup: true, start: true });
  const { warmup = 0.05, start = 0 } = options;
  checkRange('warmUp: warmup', warmup, 0, 1);
  checkRange('warmUp: start', start, 0, 1);
  if (typeof schedule !== 'object' || schedule === null || !('factor' in schedule)) {
    throw wrongKind('warmUp: schedule', 'a schedule', schedule, 'Such as warmUp(cosineDecay()).');
  }
  const { name, options: inner } = schedule;
  return makeSchedule('warmUp', { schedule: { name, options: inner }, warmup, start }, (step, totalSteps) => {
    const rising = Math.min(Math.round(warmup * totalSteps), totalSteps - 1);
    if (step < rising) return start + ((1 - start) * (step + 1)) / rising;
    return schedule.factor(step - rising, totalSteps - rising);
  });
}
