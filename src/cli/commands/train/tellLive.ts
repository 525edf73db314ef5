import { at } from '../../../core/lists.js';
import { type Dataset, splitDataset } from '../../../data/dataset.js';
import { confusionMatrix } from '../../../report/metrics/confusion.js';
import { predictedClasses } from '../../../report/metrics/predictions.js';
import { type LiveValidation, LiveWriter } from '../../../runs/live.js';
import type { Callback, Training } from '../../../training/callbacks/callback.js';
import { predict } from '../../../training/inference/inference.js';
import type { FitSettings } from './settings.js';

const mostMistakes = 12;
/** More are not looked at: whoever watches does not wait for them. */
const mostImages = 10_000;

/** Finds the images that are wrong, the surest first. */
async function examine(
  training: Training,
  dataset: Dataset,
  { normalization }: FitSettings,
): Promise<LiveValidation> {
  const count = Math.min(dataset.count, mostImages);
  const size = dataset.shape.reduce((product, side) => product * side, 1);
  const images = dataset.images.subarray(0, count * size);
  const labels = dataset.labels.subarray(0, count);
  const { data } = await predict(training.engine, training.validated, images, { normalization });
  const { classes, shape } = dataset;
  const taken = predictedClasses({ probabilities: data, labels, classes });
  const { counts } = confusionMatrix(labels, taken, classes.length);
  const sure = (index: number) => at(data, index * classes.length + at(taken, index));
  const wrong = Array.from(labels, (_, index) => index).filter((index) => taken[index] !== labels[index]);
  const mistakes = wrong.sort((a, b) => sure(b) - sure(a) || a - b).slice(0, mostMistakes);
  return {
    epoch: training.history.length,
    classes,
    shape,
    confusion: classes.map((_, row) => [
      ...counts.subarray(row * classes.length, (row + 1) * classes.length),
    ]),
    mistakes: mistakes.map((index) => ({
      index,
      label: at(classes, at(labels, index)),
      taken: at(classes, at(taken, index)),
      probability: sure(index),
      pixels: Buffer.from(images.subarray(index * size, (index + 1) * size)).toString('base64'),
    })),
  };
}

/** Tells of a training in its folder while it runs: predictions only as long as somebody watches, for they take time. */
export function tellLive(folder: string, train: Dataset, settings: FitSettings): Callback {
  const live = new LiveWriter(folder);
  const { validation, validationBy, seed } = settings;
  let held: Dataset | undefined;
  const atExit = () => live.remove();
  process.once('exit', atExit);
  return {
    onEnd: () => {
      process.off('exit', atExit);
    },
    onProgress: (progress) => live.progress(progress),
    async onEpoch(_, training) {
      if (validation === undefined || !(await live.isWatched())) return;
      held ??=
        typeof validation === 'object'
          ? validation
          : splitDataset(train, validation, seed, validationBy).validation;
      live.validation(await examine(training, held, settings));
    },
  };
}
