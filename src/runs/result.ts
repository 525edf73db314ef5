import { join } from 'node:path';
import { boolean, integer, nullable, number, object, pair } from '../core/schema.js';
import type { BackendReport } from '../engine/backend.js';
import type { Ending } from '../training/callbacks/callback.js';
import { readJson, runFiles } from './files.js';
import { line, reportMembers, reportOptions, sha256Text, share } from './schemas.js';

interface Reference {
  readonly accuracy: number;
  readonly source: string;
}

/**
 * The result of a training: `result.json` of its run folder, and the output of `quern train --json`. Accuracies
 * are shares from 0 to 1; what an interrupted training lacks is null.
 */
export interface TrainingResult extends BackendReport {
  readonly recipe: string;
  readonly dataset: string;
  readonly seed: number;
  /** Whole epochs that were done. */
  readonly epochs: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly parameters: number;
  /** Of matrix products and convolutions, for one image, forward. */
  readonly multiplyAdds: number;
  /** Of the final weights, without dropout, on the images that were trained on; null where that was not asked for. */
  readonly trainAccuracy: number | null;
  readonly trainLoss: number | null;
  /** Of the final weights; absent where nothing was held out. */
  readonly validationAccuracy?: number | undefined;
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
  /** Wilson's 95% interval of the test accuracy. */
  readonly testInterval: readonly [number, number] | null;
  /** Only the first images were used. */
  readonly limit?: number | undefined;
  /** A published accuracy that the recipe answers to; null where it had other data, or not all. */
  readonly reference: Reference | null;
  /** The test accuracy that the recipe promises; null where it promises none, or other settings than its own ran. */
  readonly target: number | null;
  readonly targetMet: boolean | null;
  /** Of all its parts, with validation; steps that were done again after a resume count once. */
  readonly trainSeconds: number;
  /** Of training steps alone. */
  readonly imagesPerSecond: number | null;
  readonly weightsSha256: string;
  /** Path of the model's file. */
  readonly model: string;
  readonly ended: Ending;
  readonly interrupted: boolean;
}

/** Throws DataError naming the member of a result that is not what it should be. */
export const checkResult = object<TrainingResult>(
  {
    ...reportMembers,
    recipe: line,
    dataset: line,
    seed: integer(0),
    epochs: integer(0),
    steps: integer(0),
    batchSize: integer(1),
    parameters: integer(0),
    multiplyAdds: number(0),
    trainAccuracy: nullable(share),
    trainLoss: nullable(number()),
    testAccuracy: nullable(share),
    testLoss: nullable(number()),
    testInterval: nullable(pair(share)),
    reference: nullable(object<Reference>({ accuracy: share, source: line }, {}, 'keep')),
    target: nullable(share),
    targetMet: nullable(boolean),
    trainSeconds: number(0),
    imagesPerSecond: nullable(number(0)),
    weightsSha256: sha256Text,
    model: line,
    ended: line,
    interrupted: boolean,
  },
  { ...reportOptions, validationAccuracy: share, limit: integer(1) },
  'keep',
);

/**
 * The result of a run, its model's path as it is now; undefined where there is none yet.
 *
 * @throws DataError when the file cannot be read or is no result
 */
export async function readResult(folder: string): Promise<TrainingResult | undefined> {
  const path = join(folder, runFiles.result);
  const json = await readJson(path);
  if (json === undefined) return undefined;
  return { ...checkResult(json, path), model: join(folder, runFiles.model) };
}

/** Tells whether nothing is left to do: all steps are done and the model is measured. */
export function isFinal({ ended, interrupted, testAccuracy }: TrainingResult): boolean {
  return !interrupted && ended !== 'time limit' && ended !== 'paused' && testAccuracy !== null;
}
