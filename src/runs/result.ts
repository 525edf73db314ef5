import { join } from 'node:path';
import { ModelError } from '../core/errors.js';
import { isObject } from '../core/isObject.js';
import type { BackendReport } from '../engine/backend.js';
import type { Ending } from '../training/callbacks/callback.js';
import { readJson, runFiles } from './files.js';

/**
 * What a training gives in the end: `result.json` of its run folder, and what `quern train --json` prints. Accuracies
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
  /** Of the final weights, without dropout, on the images that were trained on. */
  readonly trainAccuracy: number | null;
  readonly trainLoss: number | null;
  /** Of the final weights; absent where nothing was held out. */
  readonly validationAccuracy?: number | undefined;
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
  /** Wilson's 95% interval of the test accuracy. */
  readonly testInterval: readonly [number, number] | null;
  /** A published accuracy that the recipe answers to. */
  readonly reference: { readonly accuracy: number; readonly source: string } | null;
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

/**
 * The result of a run, its model's path as it is now; undefined where there is none yet.
 *
 * @throws DataError when the file cannot be read; ModelError when it is no result
 */
export async function readResult(folder: string): Promise<TrainingResult | undefined> {
  const path = join(folder, runFiles.result);
  const json = await readJson(path);
  if (json === undefined) return undefined;
  if (!isObject(json) || typeof json.weightsSha256 !== 'string' || typeof json.ended !== 'string') {
    throw new ModelError(`${path}: not the result of a training`);
  }
  return { ...(json as unknown as TrainingResult), model: join(folder, runFiles.model) };
}

/** Whether nothing is left to do: all steps are done and the model is measured. */
export function isFinal({ ended, interrupted, testAccuracy }: TrainingResult): boolean {
  return !interrupted && ended !== 'time limit' && ended !== 'paused' && testAccuracy !== null;
}
