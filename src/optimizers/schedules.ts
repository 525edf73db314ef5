/**
 * How the learning rate moves over a training: a factor for each step, in exact arithmetic, so that a resumed run and
 * another JavaScript engine get the same bits.
 */
import { UsageError } from '../core/errors.js';
import { exactCos, exactPower } from '../core/math.js';
import { checkPositive, checkRange } from './optimizer.js';

/** Options as plain data, as runs and checkpoints hold them. */
export type ScheduleOptions = Readonly<Record<string, number | readonly number[]>>;

export interface Schedule {
  /** By which `parseSchedule` finds it again. */
  readonly name: string;
  /** What its function was called with, defaults included. */
  readonly options: ScheduleOptions;
  /**
   * What the optimizer's learning rate is multiplied with.
   *
   * @param step number of steps that are done: 0 at the first
   * @param totalSteps steps of the whole training; a step beyond it counts as the last
   */
  factor(step: number, totalSteps: number): number;
}

function schedule(name: string, options: ScheduleOptions, factor: Schedule['factor']): Schedule {
  return {
    name,
    options,
    factor(step, totalSteps) {
      if (!Number.isSafeInteger(step) || step < 0 || !Number.isSafeInteger(totalSteps) || totalSteps < 1) {
        throw new UsageError(
          `${name}: step must be an integer ≥ 0 and totalSteps ≥ 1, not ${step} of ${totalSteps}`,
        );
      }
      return factor(Math.min(step, totalSteps), totalSteps);
    },
  };
}

/** From `from` to `to` along half a cosine, `share` in [0, 1] of the way. */
function cosineBetween(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + exactCos(Math.PI * share))) / 2;
}

/** The same rate all the time. */
export function constantRate(): Schedule {
  return schedule('constantRate', {}, () => 1);
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
  const { factor = 0.1, milestones = [0.5, 0.75] } = options;
  checkRange('stepDecay: factor', factor, 0);
  if (!Array.isArray(milestones)) throw new UsageError('stepDecay: milestones must be a list of fractions');
  for (const milestone of milestones) checkRange('stepDecay: a milestone', milestone, 0, 1);
  return schedule('stepDecay', { factor, milestones }, (step, totalSteps) =>
    milestones.reduce((rate, milestone) => (step >= milestone * totalSteps ? rate * factor : rate), 1),
  );
}

/**
 * final ^ (step / totalSteps): the same proportion at every step, down to `final` at the end.
 *
 * @param options.final above 0; default 0.01
 */
export function exponentialDecay({ final = 0.01 }: { readonly final?: number } = {}): Schedule {
  checkPositive('exponentialDecay: final', final);
  return schedule('exponentialDecay', { final }, (step, totalSteps) => exactPower(final, step / totalSteps));
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
  const { warmup = 0, final = 0 } = options;
  checkRange('cosineDecay: warmup', warmup, 0, 1);
  checkRange('cosineDecay: final', final, 0);
  return schedule('cosineDecay', { warmup, final }, (step, totalSteps) => {
    const rising = Math.round(warmup * totalSteps);
    if (step < rising) return (step + 1) / rising;
    return cosineBetween(1, final, (step - rising) / Math.max(1, totalSteps - rising));
  });
}

/**
 * Up along half a cosine and down along another (Smith and Topin 2018), as PyTorch's OneCycleLR: the factor starts at
 * 1 / startDivisor, is 1 after the first `warmup` of the steps and 1 / (startDivisor · finalDivisor) at the last.
 *
 * @param options.warmup fraction of the training; default 0.3
 * @param options.startDivisor default 25
 * @param options.finalDivisor default 1e4
 */
export function oneCycle(
  options: { readonly warmup?: number; readonly startDivisor?: number; readonly finalDivisor?: number } = {},
): Schedule {
  const { warmup = 0.3, startDivisor = 25, finalDivisor = 1e4 } = options;
  checkRange('oneCycle: warmup', warmup, 0, 1);
  checkRange('oneCycle: startDivisor', startDivisor, 1);
  checkRange('oneCycle: finalDivisor', finalDivisor, 1);
  const start = 1 / startDivisor;
  return schedule('oneCycle', { warmup, startDivisor, finalDivisor }, (step, totalSteps) => {
    const peak = warmup * totalSteps - 1;
    const last = totalSteps - 1;
    if (step < peak) return cosineBetween(start, 1, step / peak);
    return cosineBetween(1, start / finalDivisor, Math.min(1, (step - peak) / (last - peak)));
  });
}
