import { checkInteger, checkOptionNames, checkRange } from '../core/check.js';
import { UsageError } from '../core/errors.js';

/** The figures that may reach a plateau: accuracies should rise, losses fall. */
export const plateauMonitors = ['validationLoss', 'validationAccuracy', 'loss', 'accuracy'] as const;
export type PlateauMonitor = (typeof plateauMonitors)[number];

export interface PlateauOptions {
  /** Factor of the rate at each plateau; at least 0 and below 1, default 0.1. */
  readonly factor?: number;
  /** After how many epochs without an improvement; at least 1, default 10. */
  readonly patience?: number;
  /** How much better than the best counts as an improvement; at least 0, default 1e-4. */
  readonly minDelta?: number;
  /** Waiting begins with the last of so many epochs after a reduction; at least 0, default 0. */
  readonly cooldown?: number;
  /** The state's factor never falls below this; at least 0 and below 1, default 0. */
  readonly minFactor?: number;
  /** Default validationLoss. */
  readonly monitor?: PlateauMonitor;
}

/** Where a plateau stands, as plain data that JSON keeps exactly. */
export interface PlateauState {
  /** Factor of the learning rate from now on, beside the schedule's. */
  readonly factor: number;
  /** The best value so far; null before the first. */
  readonly best: number | null;
  /** Epochs since then that counted. */
  readonly wait: number;
  /** Epochs that do not count yet. */
  readonly cooling: number;
}

/** A learning rate that falls when a number gets no better. It holds nothing itself: its states are plain data. */
export interface Plateau {
  readonly name: 'reduceOnPlateau';
  /** Its options, defaults included: `reduceOnPlateau(p.options)` is p again. */
  readonly options: Required<PlateauOptions>;
  initial(): PlateauState;
  /** The state after an epoch whose monitored number is `value`; one that is no number is no improvement. */
  next(state: PlateauState, value: number): PlateauState;
}

/**
 * Multiplies the learning rate with `factor` once the monitored number has not improved for `patience` epochs, counted
 * as Keras does: an improvement is one of more than `minDelta` over the best so far; in the `cooldown` after a reduction
 * nothing is counted but for its last epoch, and the best is still followed.
 *
 * @throws UsageError for an option out of range
 */
export function reduceOnPlateau(options: PlateauOptions = {}): Plateau {
  checkOptionNames('reduceOnPlateau', options, {
    factor: true,
    patience: true,
    minDelta: true,
    cooldown: true,
    minFactor: true,
    monitor: true,
  });
  const {
    factor = 0.1,
    patience = 10,
    minDelta = 1e-4,
    cooldown = 0,
    minFactor = 0,
    monitor = 'validationLoss',
  } = options;
  checkRange('reduceOnPlateau: factor', factor, 0, 1);
  checkInteger('reduceOnPlateau: patience', patience, 1);
  checkRange('reduceOnPlateau: minDelta', minDelta, 0);
  checkInteger('reduceOnPlateau: cooldown', cooldown, 0);
  checkRange('reduceOnPlateau: minFactor', minFactor, 0, 1);
  if (!plateauMonitors.includes(monitor)) {
    throw new UsageError(
      `reduceOnPlateau: monitor must be one of ${plateauMonitors.join(', ')}: ${String(monitor)}`,
    );
  }
  const rising = monitor === 'accuracy' || monitor === 'validationAccuracy';
  const improves = (value: number, best: number | null): boolean => {
    if (best === null) return Number.isFinite(value);
    return rising ? value > best + minDelta : value < best - minDelta;
  };
  return {
    name: 'reduceOnPlateau',
    options: { factor, patience, minDelta, cooldown, minFactor, monitor },
    initial: () => ({ factor: 1, best: null, wait: 0, cooling: 0 }),
    next(state, value) {
      const cooling = Math.max(0, state.cooling - 1);
      if (improves(value, state.best)) return { ...state, best: value, wait: 0, cooling };
      if (cooling > 0) return { ...state, wait: 0, cooling };
      const wait = (state.cooling > 0 ? 0 : state.wait) + 1;
      if (wait < patience || state.factor <= minFactor) return { ...state, wait, cooling };
      return { ...state, factor: Math.max(minFactor, state.factor * factor), wait: 0, cooling: cooldown };
    },
  };
}
