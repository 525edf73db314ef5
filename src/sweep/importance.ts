/**
 * How much each setting matters: functional ANOVA of a random forest (Hutter, Hoos and Leyton-Brown, An Efficient Approach
 * for Assessing Hyperparameter Importance, ICML 2014). A tree is a function over the space of the settings; the share of its
 * variance that is due to one setting alone is computed exactly from the boxes of its leaves, and how much the trees of the
 * forest differ tells how uncertain that is.
 */
import { randomKey, randomUniform } from '../core/random.js';
import { type Spaces, shareOf, type Values } from './space.js';

/** Shares of the variance, 0 to 1: a mean over the trees, and between what 80% of them lie. */
export interface Importance {
  readonly setting: string;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

interface Observation {
  readonly at: readonly number[];
  readonly value: number;
}

/** A leaf: where it lies in the unit cube of the settings, and the mean of what was observed there. */
interface Box {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly value: number;
}

const trees = 64;
const smallestLeaf = 2;
/** Fewer trials than this tell nothing. */
const leastTrials = 6;

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Σ(y − ȳ)² */
function deviance(observations: readonly Observation[]): number {
  const middle = mean(observations.map(({ value }) => value));
  return observations.reduce((sum, { value }) => sum + (value - middle) ** 2, 0);
}

interface Split {
  readonly axis: number;
  readonly at: number;
  readonly gain: number;
}

/** The cut that leaves least deviance. */
function bestSplit(observations: readonly Observation[], axes: readonly number[]): Split | undefined {
  const whole = deviance(observations);
  let best: Split | undefined;
  for (const axis of axes) {
    const places = [...new Set(observations.map(({ at }) => at[axis]!))].sort((a, b) => a - b);
    for (const [i, place] of places.slice(0, -1).entries()) {
      const at = (place + places[i + 1]!) / 2;
      const left = observations.filter((each) => each.at[axis]! < at);
      const right = observations.filter((each) => each.at[axis]! >= at);
      if (Math.min(left.length, right.length) < smallestLeaf) continue;
      const gain = whole - deviance(left) - deviance(right);
      if (gain > (best?.gain ?? 1e-15)) best = { axis, at, gain };
    }
  }
  return best;
}

function grow(observations: readonly Observation[], low: readonly number[], high: readonly number[]): Box[] {
  const split = bestSplit(
    observations,
    low.map((_, axis) => axis),
  );
  if (split === undefined) return [{ low, high, value: mean(observations.map(({ value }) => value)) }];
  const { axis, at } = split;
  return [
    ...grow(
      observations.filter((each) => each.at[axis]! < at),
      low,
      high.with(axis, at),
    ),
    ...grow(
      observations.filter((each) => each.at[axis]! >= at),
      low.with(axis, at),
      high,
    ),
  ];
}

const lengths = ({ low, high }: Box) => low.map((from, axis) => high[axis]! - from);
const product = (factors: readonly number[]) => factors.reduce((all, factor) => all * factor, 1);

/**
 * The share of each axis in the variance of a tree over the unit cube:
 *
 *     m = Σ value · volume,  V = Σ (value − m)² · volume,  Vⱼ = ∫ (E[tree | xⱼ] − m)² dxⱼ
 */
function shares(boxes: readonly Box[], axes: number): number[] | undefined {
  const middle = boxes.reduce((sum, box) => sum + box.value * product(lengths(box)), 0);
  const variance = boxes.reduce((sum, box) => sum + (box.value - middle) ** 2 * product(lengths(box)), 0);
  if (!(variance > 0)) return undefined;
  return Array.from({ length: axes }, (_, axis) => {
    const cuts = [...new Set(boxes.flatMap(({ low, high }) => [low[axis]!, high[axis]!]))].sort(
      (a, b) => a - b,
    );
    const own = cuts.slice(0, -1).reduce((sum, from, i) => {
      const to = cuts[i + 1]!;
      const marginal = boxes
        .filter(({ low, high }) => low[axis]! <= from && high[axis]! >= to)
        .reduce((total, box) => total + box.value * product(lengths(box).with(axis, 1)), 0);
      return sum + (marginal - middle) ** 2 * (to - from);
    }, 0);
    return own / variance;
  });
}

/**
 * The importance of each setting, the most important first. Empty where there are fewer than six trials, or all are alike.
 *
 * @param results settings and what came of them, at equal numbers of epochs
 */
export function importanceOf(
  spaces: Spaces,
  results: readonly { readonly values: Values; readonly accuracy: number }[],
): readonly Importance[] {
  const names = Object.keys(spaces);
  if (results.length < leastTrials) return [];
  const observations = results.map(({ values, accuracy }) => ({
    at: names.map((name) => shareOf(spaces[name]!, values[name]!)),
    value: accuracy,
  }));
  const key = randomKey(0, 'importance');
  const found = Array.from({ length: trees }, (_, tree) => {
    const drawn = observations.map((_, i) => {
      const index = Math.floor(randomUniform(i, key, tree) * observations.length);
      return observations[Math.min(index, observations.length - 1)]!;
    });
    return shares(
      grow(
        drawn,
        names.map(() => 0),
        names.map(() => 1),
      ),
      names.length,
    );
  }).filter((each) => each !== undefined);
  if (found.length === 0) return [];
  return names
    .map((setting, axis) => {
      const sorted = found.map((each) => each[axis]!).sort((a, b) => a - b);
      const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
      return { setting, share: mean(sorted), low: at(0.1), high: at(0.9) };
    })
    .sort((a, b) => b.share - a.share || a.setting.localeCompare(b.setting));
}
