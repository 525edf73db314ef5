/** Images with what a model says of them. */
import { at } from '../../core/lists.js';
import { permutation } from '../../data/batches.js';
import { type Dataset, imageSize } from '../../data/dataset.js';
import { type Predictions, predictedClasses } from '../metrics/predictions.js';
import type { Pixels } from './picture.js';

/** One image of a gallery. */
export interface Shown {
  /** In its dataset. */
  readonly index: number;
  readonly picture: Pixels;
  readonly label: string;
  readonly predicted: string;
  readonly right: boolean;
  /** The most probable classes, at most three, best first. */
  readonly guesses: readonly { readonly name: string; readonly probability: number }[];
}

const gallerySize = 24;

/** An image of a dataset; of one with other than one or three channels the first channel. */
export function pictureOf(dataset: Dataset, index: number): Pixels {
  const size = imageSize(dataset);
  const [height, width, channels] = dataset.shape;
  const pixels = dataset.images.subarray(index * size, (index + 1) * size);
  if (channels === 1 || channels === 3) return { width, height, channels, data: pixels };
  const data = Uint8Array.from({ length: width * height }, (_, i) => at(pixels, i * channels));
  return { width, height, channels: 1, data };
}

function show(dataset: Dataset, { probabilities, labels, classes }: Predictions, index: number): Shown {
  const row = classes.map((name, i) => ({
    name,
    probability: at(probabilities, index * classes.length + i),
  }));
  // the sort is stable: of equals the first stays first
  const guesses = row.sort((a, b) => b.probability - a.probability).slice(0, 3);
  const label = at(classes, at(labels, index));
  const predicted = at(guesses, 0).name;
  const right = classes.indexOf(predicted) === labels[index];
  return { index, picture: pictureOf(dataset, index), label, predicted, right, guesses };
}

/** Images drawn at random, the same ones every time, in the order of the dataset. */
export function sample(dataset: Dataset, predictions: Predictions, size = gallerySize): Shown[] {
  const drawn = permutation(dataset.count, 0, 'report').subarray(0, size);
  return [...drawn].sort((a, b) => a - b).map((index) => show(dataset, predictions, index));
}

/** The mistakes of which the model was surest, the surest first. */
export function surestMistakes(dataset: Dataset, predictions: Predictions, size = gallerySize): Shown[] {
  const { probabilities, labels, classes } = predictions;
  return [...predictedClasses(predictions)]
    .flatMap((found, index) =>
      found === labels[index]
        ? []
        : [{ index, confidence: at(probabilities, index * classes.length + found) }],
    )
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, size)
    .map(({ index }) => show(dataset, predictions, index));
}
