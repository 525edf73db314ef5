import { UsageError } from '../core/errors.js';
import type { Dataset } from '../data/dataset.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { Schedule } from '../optimizers/schedules.js';
import { checkNormalisation, type Normalisation } from './normalisation.js';

export interface FitOptions {
  /** With its learning rate. */
  readonly optimizer: Optimizer;
  /** What becomes of the learning rate over the whole training. Default: it stays. */
  readonly schedule?: Schedule | undefined;
  /** How often every example is seen. */
  readonly epochs: number;
  /** Default 128. The last batch of an epoch may be smaller. */
  readonly batchSize?: number | undefined;
  /** A dataset, or the fraction of the training images to hold out. Default: none. */
  readonly validation?: number | Dataset | undefined;
  /** Of weights, order, split and dropout: an integer ≥ 0, default 0. The same seed gives the same weights, to the bit. */
  readonly seed?: number | undefined;
  /** Default: pixels from 0 to 1. */
  readonly normalisation?: Normalisation | undefined;
  /** Ends the training after the step that is running: `fit` gives a run that is `interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** Called several times per second, after some steps. */
  readonly onProgress?: ((progress: FitProgress) => void) | undefined;
  /** Awaited after every whole epoch. */
  readonly onEpoch?: ((record: EpochRecord) => void | Promise<void>) | undefined;
  /** Name of the recipe, kept in the model's file. */
  readonly recipe?: string | undefined;
  /** How many steps the backend is given at once. Never changes a result. Default: about a quarter of a second's. */
  readonly stepsPerRun?: number | undefined;
}

export interface FitProgress {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps of this epoch that are done. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the epoch so far, as the weights were at each step. */
  readonly loss: number;
  /** The share that was right in the epoch so far, 0 to 1. */
  readonly accuracy: number;
  /** Since the epoch began. */
  readonly imagesPerSecond: number;
  /** Of the whole training, judging by this epoch. */
  readonly secondsLeft: number;
}

/** One epoch in the history of a training. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Mean over the epoch's examples, each with the weights of its own step and with dropout. */
  readonly loss: number;
  /** 0 to 1, likewise. */
  readonly accuracy: number;
  /** With the weights at the end of the epoch. */
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  /** Of the epoch's last step. */
  readonly learningRate: number;
  /** Without planning and validation. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

export const defaultBatchSize = 128;

function checkCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new UsageError(`fit: ${name} must be a whole number of at least 1: got ${value}`);
}

/** Throws UsageError for an option out of range. A validation fraction and the seed are checked where they are used. */
export function checkFitOptions({ epochs, batchSize, stepsPerRun, normalisation }: FitOptions): void {
  checkCount('epochs', epochs);
  checkCount('batchSize', batchSize ?? 1);
  checkCount('stepsPerRun', stepsPerRun ?? 1);
  if (normalisation !== undefined) checkNormalisation(normalisation);
}
