import type { Dataset } from '../data/dataset.js';
import type { EpochRecord } from './fitOptions.js';
import { TrainedModel } from './trainedModel.js';

/** What `fit` gives: the trained model and how it came about. */
export class Run extends TrainedModel {
  constructor(
    { engine, model, details }: TrainedModel,
    /** One record per whole epoch. */
    readonly history: readonly EpochRecord[],
    /** What was trained on: without what was held out. */
    readonly train: Dataset,
    /** Number of steps that were done. */
    readonly steps: number,
    /** Whether the signal ended the training before its time. */
    readonly interrupted: boolean,
  ) {
    super(engine, model, details);
  }
}
