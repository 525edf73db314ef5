import { checkInteger, checkOptionNames, checkRange } from '../../core/check.js';
import { UsageError } from '../../core/errors.js';
import { type PlateauMonitor, plateauMonitors } from '../../optimizers/plateau.js';
import type { Weights } from '../files/weights.js';
import type { EpochRecord } from '../fit/options.js';
import type { Callback } from './callback.js';

/** The watched number: losses are better lower, accuracies higher. */
type Monitor = PlateauMonitor;

export interface EarlyStoppingOptions {
  /** Epochs in a row without a better value after which the training ends. Infinity: it does not. */
  readonly patience: number;
  /** Default 'validationAccuracy'. */
  readonly monitor?: Monitor | undefined;
  /** The least improvement that counts: more than this. Default 0. */
  readonly minDelta?: number | undefined;
  /** Gives the model the weights of the best epoch in the end. Default true. */
  readonly restoreBest?: boolean | undefined;
}

/** Throws UsageError for a monitor that does not exist, or that needs a validation where there is none. */
export function checkMonitor(what: string, monitor: Monitor, validated: boolean): void {
  if (!plateauMonitors.includes(monitor)) {
    throw new UsageError(`${what}: there is no monitor '${monitor}': ${plateauMonitors.join(', ')}`);
  }
  if (!validated && monitor.startsWith('validation')) {
    throw new UsageError(`${what}: ${monitor} needs images to validate with`, {
      hint: 'validation: 0.1 holds a tenth of the training images out.',
    });
  }
}

/** Throws UsageError for an option out of range. */
export function checkEarlyStopping(options: EarlyStoppingOptions, validated: boolean): void {
  checkOptionNames('earlyStopping', options, {
    patience: true,
    monitor: true,
    minDelta: true,
    restoreBest: true,
  });
  const { patience, monitor = 'validationAccuracy', minDelta = 0 } = options;
  if (patience !== Infinity) checkInteger('earlyStopping: patience', patience);
  checkRange('earlyStopping: minDelta', minDelta, 0);
  checkMonitor('earlyStopping', monitor, validated);
}

/** A value of a record such that a larger one is better; NaN where the record has none. */
export function scoreOf(record: EpochRecord, monitor: Monitor): number {
  const value = record[monitor] ?? Number.NaN;
  return monitor.toLowerCase().endsWith('loss') ? -value : value;
}

interface Memory {
  /** As `scoreOf` gives it; null before the first epoch. */
  readonly best: number | null;
  /** Epochs since then. */
  readonly waited: number;
}

/**
 * Ends a training when nothing gets better, and gives the model the weights of the best epoch (Prechelt, "Early
 * stopping, but when?", 1998). Fit's option `earlyStopping`.
 */
export function earlyStopping(options: EarlyStoppingOptions): Callback {
  const { patience, monitor = 'validationAccuracy', minDelta = 0, restoreBest = true } = options;
  let memory: Memory = { best: null, waited: 0 };
  let bestWeights: Weights | undefined;
  return {
    name: 'earlyStopping',
    async onEpoch(record, training) {
      const score = scoreOf(record, monitor);
      const { best, waited } = memory;
      if (best === null ? Number.isFinite(score) : score > best + minDelta) {
        memory = { best: score, waited: 0 };
        if (restoreBest) bestWeights = await training.weights();
        return;
      }
      memory = { best, waited: waited + 1 };
      if (memory.waited >= patience) training.stop('early stopping');
    },
    async onEnd(training) {
      if (bestWeights !== undefined) await training.setWeights(bestWeights);
    },
    state: () => ({ values: { ...memory }, weights: bestWeights }),
    restore({ values, weights }) {
      memory = values as unknown as Memory;
      bestWeights = weights;
    },
  };
}
