import type { RunFolder } from '../../../runs/folder.js';
import type { Callback } from '../../../training/callbacks/callback.js';
import { type ModelDetails, writeModelFile } from '../../../training/files/modelFile.js';
import type { EpochRecord } from '../../../training/fit/options.js';

/** Tells whether the last epoch is the first of the best, by what validation says; without validation none is. */
function endsWithBest(history: readonly EpochRecord[]): boolean {
  const accuracies = history.map(({ validationAccuracy }) => validationAccuracy ?? Number.NaN);
  const last = accuracies.at(-1) ?? Number.NaN;
  return last >= 0 && accuracies.slice(0, -1).every((accuracy) => accuracy < last);
}

/** Writes the model of the epoch that validates best. */
export function keepBest({ checkpoints }: RunFolder, details: ModelDetails): Callback {
  return {
    async onEpoch(_, training) {
      if (!endsWithBest(training.history)) return;
      await checkpoints.make();
      await writeModelFile(checkpoints.bestModel, training.model, await training.weights(), details);
    },
  };
}
