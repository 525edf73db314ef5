import type { Layer } from '../nn/layer.js';
import { relu } from '../nn/layers/activations.js';
import { batchNorm } from '../nn/layers/batchNorm.js';
import { conv2d } from '../nn/layers/conv2d.js';
import { dense } from '../nn/layers/dense.js';
import { dropout } from '../nn/layers/dropout.js';
import { flatten } from '../nn/layers/flatten.js';
import { maxPool2d } from '../nn/layers/pool.js';
import { sequential } from '../nn/sequential.js';
import { adam } from '../optimizers/adam.js';
import { cosineDecay } from '../optimizers/schedules.js';
import { defineRecipe, type RecipeImages } from './recipe.js';

const momentum = 0.9;
const learningRate = 0.003;
const warmup = 0.05;
const weightAveraging = 0.999;
const batchSize = 128;
const epochs = 12;

/** A bias before a normalization would be subtracted again, so there is none. */
const normalized = (layer: Layer) => [layer, batchNorm({ momentum }), relu()];

type HandwritingImages = RecipeImages<{
  readonly filters: number;
  readonly units: number;
  readonly dropout: number;
  readonly denseDropout: number;
}>;

/** Three convolutions with batch normalization and two dense layers: the network of all recipes for handwriting. */
export const handwriting = {
  parameters: { filters: 32, units: 128, dropout: 0.25, denseDropout: 0.4 },
  layer: ({
    classes,
    parameters: { filters, units, dropout: rate, denseDropout },
  }: HandwritingImages): Layer =>
    sequential([
      ...normalized(conv2d(filters, 5, { padding: 'same', useBias: false })),
      maxPool2d(2),
      ...normalized(conv2d(2 * filters, 3, { padding: 'same', useBias: false })),
      maxPool2d(2),
      ...normalized(conv2d(3 * filters, 3, { padding: 'same', useBias: false })),
      dropout(rate),
      flatten(),
      ...normalized(dense(units, { useBias: false })),
      dropout(denseDropout),
      dense(classes),
    ]),
};

/** The training of all recipes of handwriting: chosen on 10,000 of MNIST's training images, held out. */
export const handwritingTraining = {
  optimizer: adam({ learningRate }),
  schedule: cosineDecay({ warmup }),
  batchSize,
  weightAveraging,
} as const;

export default defineRecipe({
  name: 'mnist-cnn',
  title: 'A convolutional network on MNIST',
  dataset: 'mnist',
  reference: { accuracy: 0.9925, source: 'keras examples/mnist_cnn.py' },
  target: 0.993,
  ...handwriting,
  ...handwritingTraining,
  epochs,
});
