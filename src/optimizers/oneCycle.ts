import { checkOptionNames, checkRange } from '../core/check.js';
import { UsageError } from '../core/errors.js';
import { cosineBetween, makeSchedule, type Schedule } from './schedules.js';

export interface OneCycleOptions {
  /** Fraction of the training in which the rate rises; default 0.3. Below 0.5 with three phases. */
  readonly warmup?: number;
  /** The rate starts from 1 / startDivisor; at least 1, default 25. */
  readonly startDivisor?: number;
  /** It ends at 1 / (startDivisor · finalDivisor); at least 1, default 1e4. */
  readonly finalDivisor?: number;
  /** `cosine`: along half cosines, as most do today; `linear`: along lines, as Smith did. Default cosine. */
  readonly anneal?: 'cosine' | 'linear';
  /** Smith's cycle: down as slowly as up, to where it started, and from there to the end. Default false. */
  readonly threePhases?: boolean;
}

const annealings = { cosine: cosineBetween, linear: lineBetween };

/** From `from` to `to` along a line, `share` in [0, 1] of the way. */
function lineBetween(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/**
 * Up to the full rate and down again, far below where it began (Smith 2018, arXiv:1803.09820; Smith and Topin 2018), in
 * the steps of PyTorch's OneCycleLR. N is `totalSteps`, s = 1 / startDivisor, f = s / finalDivisor:
 *
 *     s → 1 at step warmup·N − 1 → f at step N − 1                                        two phases
 *     s → 1 at step warmup·N − 1 → s at step 2·warmup·N − 2 → f at step N − 1             three phases
 *
 * The momentum stays: PyTorch's default moves it against the rate.
 *
 * @throws UsageError for an option out of range
 */
export function oneCycle(options: OneCycleOptions = {}): Schedule {
  checkOptionNames('oneCycle', options, {
    warmup: true,
    startDivisor: true,
    finalDivisor: true,
    anneal: true,
    threePhases: true,
  });
  const {
    warmup = 0.3,
    startDivisor = 25,
    finalDivisor = 1e4,
    anneal = 'cosine',
    threePhases = false,
  } = options;
  checkRange('oneCycle: warmup', warmup, 0, threePhases ? 0.5 : 1);
  checkRange('oneCycle: startDivisor', startDivisor, 1);
  checkRange('oneCycle: finalDivisor', finalDivisor, 1);
  if (!Object.hasOwn(annealings, anneal)) {
    throw new UsageError(`oneCycle: anneal must be cosine or linear: ${String(anneal)}`);
  }
  const between = annealings[anneal];
  const start = 1 / startDivisor;
  const final = start / finalDivisor;
  return makeSchedule(
    'oneCycle',
    { warmup, startDivisor, finalDivisor, anneal, threePhases },
    (step, totalSteps) => {
      const last = totalSteps - 1;
      const peak = warmup * totalSteps - 1;
      if (step < peak) return between(start, 1, step / peak);
      const turn = threePhases ? Math.max(peak, 2 * peak) : peak;
      if (step < turn) return between(1, start, (step - peak) / (turn - peak));
      return between(threePhases ? start : 1, final, Math.min(1, (step - turn) / (last - turn)));
    },
  );
}
