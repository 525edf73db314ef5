/** Analyzes a range test of learning rates: pure functions of its losses. */
import { last } from '../../core/lists.js';

/** One step of the search. */
export interface RatePoint {
  readonly learningRate: number;
  /** Of the batch, before the step with that rate. */
  readonly loss: number;
}

export interface SmoothedPoint extends RatePoint {
  /** The mean of the losses around, weights falling by a tenth for every step away; none counts as above the first. */
  readonly smoothed: number;
}

export interface RateAnalysis {
  readonly points: readonly SmoothedPoint[];
  /** Where the smoothed loss falls fastest: a rate to train with. null where the loss does not fall. */
  readonly suggestion: number | null;
  /** Where the smoothed loss is lowest: a little below the rates that do harm. null likewise. */
  readonly lowest: number | null;
}

/** The weight of a neighbor. */
const weight = 0.9;

/** The search ends where the running mean is so many times its lowest, as fastai has it. */
export const divergence = 4;

/** The mean of what came so far, recent values more: Σ 0.9ʲ lossᵢ₋ⱼ / Σ 0.9ʲ. */
export function runningMean(): (loss: number) => number {
  let [sum, weights] = [0, 0];
  return (loss) => {
    sum = weight * sum + loss;
    weights = weight * weights + 1;
    return sum / weights;
  };
}

/** sᵢ = Σⱼ 0.9^|i−j| lossⱼ / Σⱼ 0.9^|i−j|: unlike a running mean it does not lag behind. */
function smooth(losses: readonly number[]): number[] {
  const shares = [1];
  while (shares.length < losses.length) shares.push(last(shares) * weight);
  return losses.map((_, i) => {
    let [sum, weights] = [0, 0];
    for (const [j, loss] of losses.entries()) {
      const share = shares[Math.abs(i - j)]!;
      sum += share * loss;
      weights += share;
    }
    return sum / weights;
  });
}

/** So many losses tell how high it was before a rate had an effect. */
const beginning = 10;

/** A fall of less than this share of the first loss is chance. */
const leastFall = 0.05;

/**
 * Reads a rate from the losses of a search.
 *
 * @param points at least one, of growing learning rates, with finite losses
 */
export function analyzeRates(points: readonly RatePoint[]): RateAnalysis {
  const losses = points.map(({ loss }) => loss);
  const before = losses.slice(0, beginning);
  // what runs away must not hide the fall before it: above the first losses all are alike
  const highest = before.reduce((sum, loss) => sum + loss, 0) / before.length;
  const smoothed = smooth(losses.map((loss) => Math.min(loss, highest)));
  const lowest = smoothed.indexOf(Math.min(...smoothed));
  // rates are evenly spaced on a log scale, so the differences of neighbors are slopes
  let steepest = 0;
  let fall = 0;
  for (let i = 1; i < lowest; i++) {
    const here = smoothed[i - 1]! - smoothed[i + 1]!;
    if (here > fall) [steepest, fall] = [i, here];
  }
  const falls = fall > 0 && smoothed[lowest]! < (1 - leastFall) * smoothed[0]!;
  return {
    points: points.map((point, i) => ({ ...point, smoothed: smoothed[i]! })),
    suggestion: falls ? points[steepest]!.learningRate : null,
    lowest: falls ? points[lowest]!.learningRate : null,
  };
}
