/** A sweep and its results: `sweep.json`. */
import { join } from 'node:path';
import { ModelError } from '../core/errors.js';
import { isObject } from '../core/json.js';
import { readJson } from '../runs/files.js';
import type { Sample } from '../runs/statistics.js';
import type { EpochRecord } from '../training/fit/options.js';
import type { Importance } from './importance.js';
import type { Search } from './search.js';
import type { Values } from './space.js';

/** The settings that decide a sweep's trainings and their bytes. The same command goes on with the same description. */
export interface SweepDescription {
  readonly recipe: string;
  readonly dataset: string;
  /** SHA-256 of the recipe's file; absent for those that come with Quern. */
  readonly recipeSha256?: string | undefined;
  /** The spaces as texts, by setting. */
  readonly spaces: Readonly<Record<string, string>>;
  readonly search: Search;
  readonly trials: number;
  readonly seed: number;
  readonly eta: number;
  /** Epochs at which trials pause; the last is the whole training. */
  readonly rungs: readonly number[];
  /** The fraction of the training images by which all is chosen. */
  readonly validation: number;
  readonly validationByWriter?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly imageShape?: string | undefined;
  readonly data: { readonly train: string; readonly test: string };
  readonly backend: string;
  readonly numerics: string;
  readonly quern: string;
}

type TrialState = 'waiting' | 'paused' | 'finished' | 'failed';

export interface TrialRecord {
  /** From 0. */
  readonly trial: number;
  readonly values: Values;
  readonly state: TrialState;
  /** Epochs that it was trained. */
  readonly epochs: number;
  /** At the last of them. */
  readonly validationAccuracy: number | null;
  readonly validationLoss: number | null;
  readonly history: readonly EpochRecord[];
  readonly failure: string | null;
  /** Of the weights where it stands. */
  readonly weightsSha256: string | null;
  readonly processorSeconds: number;
}

/** A training of the winner's settings on all training images, with a seed, measured on the test set. */
export interface WinnerRecord {
  readonly seed: number;
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
  readonly weightsSha256: string | null;
  /** Path of its file; null where there is none. */
  readonly model: string | null;
  readonly failure: string | null;
  readonly processorSeconds: number;
}

export interface SweepRecord {
  readonly version: 1;
  readonly description: SweepDescription;
  readonly state: 'running' | 'finished' | 'interrupted';
  /** `--time` was over before all was tried. */
  readonly timeIsUp: boolean;
  readonly trials: readonly TrialRecord[];
  /** The best by validation among those that were trained longest; null before the first result. */
  readonly winner: number | null;
  readonly seeds: readonly WinnerRecord[];
  /** Of the test accuracies over the seeds; null before they are there. */
  readonly testAccuracy: Sample | null;
  /** By what settings the accuracy after the first rung differs, the most important first. */
  readonly importance: readonly Importance[];
  /** The best validation accuracy so far, by seconds of processors that were spent until then. */
  readonly progress: readonly { readonly processorSeconds: number; readonly best: number }[];
  /** ISO 8601, UTC. */
  readonly begun: string;
  readonly written: string;
}

export const sweepFile = 'sweep.json';
export const sweepPage = 'sweep.html';

/**
 * The sweep in a folder; undefined where there is none.
 *
 * @throws DataError when the file cannot be read; ModelError when it is no sweep, or of another version
 */
export async function readSweep(folder: string): Promise<SweepRecord | undefined> {
  const path = join(folder, sweepFile);
  const json = await readJson(path);
  if (json === undefined) return undefined;
  if (!isObject(json) || !isObject(json.description) || !Array.isArray(json.trials))
    throw new ModelError(`${path}: not a sweep`);
  if (json.version !== 1)
    throw new ModelError(`${path}: a sweep of version ${String(json.version)}, this Quern reads version 1`);
  return json as unknown as SweepRecord;
}

/** Trials from the best to the worst: those that were trained longest first, then by validation. */
export function ranked(trials: readonly TrialRecord[]): TrialRecord[] {
  const accuracy = ({ failure, validationAccuracy }: TrialRecord) =>
    failure === null ? (validationAccuracy ?? -1) : -2;
  return [...trials].sort(
    (a, b) =>
      (a.failure === null ? 0 : 1) - (b.failure === null ? 0 : 1) ||
      b.epochs - a.epochs ||
      accuracy(b) - accuracy(a) ||
      (a.validationLoss ?? 0) - (b.validationLoss ?? 0) ||
      a.trial - b.trial,
  );
}
