/**
 * Asynchronous successive halving (Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020): all
 * trials are trained a little, the better ones of them more, the best to the end. A rung is a number of epochs at which
 * trials pause. Here a rung hands one of every `eta` of its trials on and never more, as in the delayed promotion of Li et
 * al., Hyper-Tune, VLDB 2022: plain ASHA also hands on whoever led for a while.
 *
 * A rung takes its trials in a fixed order, the first in that of their numbers and every other in the order in which they
 * were handed on, and decides when the results of the first `eta`, 2 `eta`, … of them are known. So what is trained does
 * not depend on which result arrives first, and nothing waits for a whole rung.
 *
 * Who leads after an epoch or two leads by luck, more often than not by less than the standard error of an accuracy. So of
 * the trials within one standard error of the best accuracy a rung hands on the one of the smallest loss (the rule of one
 * standard error: Breiman et al., Classification and Regression Trees, 1984). The last rung goes by accuracy alone.
 */
import { UsageError } from '../core/errors.js';

/** That of Li et al. */
export const defaultEta = 4;

/** How a rung decides. */
export interface Rule {
  /** One of so many trials is handed on. */
  readonly eta: number;
  /** How many images accuracies are measured on, of which their standard error is told. */
  readonly images: number;
}

/** How well a trial did at a rung. */
export interface Score {
  /** Validation accuracy, 0 to 1; a training that failed has −∞. */
  readonly accuracy: number;
  readonly loss: number;
}

export const failed: Score = { accuracy: Number.NEGATIVE_INFINITY, loss: Number.POSITIVE_INFINITY };

/** Of equal accuracies the smaller loss is better, of those the smaller number of the trial. */
export function isBetter(a: Score, b: Score): number {
  if (a.accuracy !== b.accuracy) return b.accuracy > a.accuracy ? 1 : -1;
  if (a.loss !== b.loss) return a.loss > b.loss ? 1 : -1;
  return 0;
}

/**
 * The epochs at which trials pause, the last of them all: those of the whole training divided by `eta` again and again, and
 * the first epoch. `rungsOf(10, 3)` is [1, 3, 10], `rungsOf(6, 4)` is [1, 2, 6].
 *
 * @throws UsageError for an `eta` that is no whole number of at least 2
 */
export function rungsOf(epochs: number, eta: number): number[] {
  if (!Number.isSafeInteger(eta) || eta < 2)
    throw new UsageError(`sweep: eta must be a whole number of at least 2: got ${eta}`);
  const rungs = [epochs];
  for (let divided = epochs / eta; Math.round(divided) >= 1; divided /= eta) {
    const rung = Math.round(divided);
    if (rung < rungs[0]!) rungs.unshift(rung);
    if (rung === 1) break;
  }
  return rungs[0] === 1 ? rungs : [1, ...rungs];
}

/** A trial that shall be trained up to a rung. */
export interface Step {
  readonly trial: number;
  readonly rung: number;
}

interface Plan {
  /** The trials of each rung, in the order in which it takes them. */
  readonly members: readonly (readonly number[])[];
  /** Those whose results are not known, the highest rung first: what may be trained now. */
  readonly open: readonly Step[];
}

/** The one that a rung hands on of some that it knows, the best first. */
function chosen<T extends { readonly score: Score }>(sorted: readonly T[], images: number): T | undefined {
  const best = sorted[0]?.score.accuracy;
  if (best === undefined) return undefined;
  const error = Math.sqrt(Math.max(0, best * (1 - best)) / images);
  const near = sorted.filter(({ score }) => score.accuracy >= best - error);
  return near.reduce((least, each) => (each.score.loss < least.score.loss ? each : least));
}

/** Whom a rung hands on, in order. */
function handedOn(
  members: readonly number[],
  scores: readonly (Score | undefined)[],
  { eta, images }: Rule,
  closed: boolean,
): number[] {
  const firstUnknown = scores.indexOf(undefined);
  const known = firstUnknown === -1 ? members.length : firstUnknown;
  const promoted: number[] = [];
  const promoteBest = (among: number): void => {
    const candidates = members
      .slice(0, among)
      .map((trial, i) => ({ trial, score: scores[i]! }))
      .filter(({ trial, score }) => !promoted.includes(trial) && score.accuracy > failed.accuracy)
      .sort((a, b) => isBetter(a.score, b.score) || a.trial - b.trial);
    const next = chosen(candidates, images);
    if (next !== undefined) promoted.push(next.trial);
  };
  for (let among = eta; among <= known; among += eta) promoteBest(among);
  // The last, incomplete ones of a rung to which no more will come, so that at least one trial is trained to the end.
  if (closed && known === members.length && known % eta !== 0) promoteBest(known);
  return promoted;
}

/**
 * Plans the next trainings, given what is known. The same scores give the same plan, and more of them only add to it.
 *
 * @param trials how many there are
 * @param rungs as many as `rungsOf` gives; a single one trains every trial to the end
 * @param scoreOf of a trial at a rung, by its index; undefined while it is not known
 */
export function planTrials(
  trials: number,
  rungs: readonly number[],
  rule: Rule,
  scoreOf: (trial: number, rung: number) => Score | undefined,
): Plan {
  const members: number[][] = [Array.from({ length: trials }, (_, trial) => trial)];
  const open: Step[] = [];
  let closed = true;
  for (const [rung] of rungs.entries()) {
    const own = members[rung]!;
    const scores = own.map((trial) => scoreOf(trial, rung));
    open.unshift(...own.filter((_, i) => scores[i] === undefined).map((trial) => ({ trial, rung })));
    if (rung + 1 < rungs.length) members.push(handedOn(own, scores, rule, closed));
    closed &&= !scores.includes(undefined);
  }
  return { members, open };
}
