import { relu } from '../nn/layers/activations.js';
import { conv2d } from '../nn/layers/conv2d.js';
import { dense } from '../nn/layers/dense.js';
import { dropout } from '../nn/layers/dropout.js';
import { flatten } from '../nn/layers/flatten.js';
import { maxPool2d } from '../nn/layers/pool.js';
import { sequential } from '../nn/sequential.js';
import { adam } from '../optimizers/adam.js';
import { cosineDecay } from '../optimizers/schedules.js';
import { defineRecipe } from './recipe.js';

const filters = [32, 64] as const;
const padding = 'same';
const dropoutRates = [0.25, 0.5] as const;
const units = 128;
const learningRate = 0.0015;
const batchSize = 128;
const epochs = 25;

/** Two convolutions and two dense layers: 421,642 parameters. */
export default defineRecipe({
  name: 'fashion-cnn',
  title: 'A convolutional network on Fashion-MNIST',
  dataset: 'fashion-mnist',
  reference: { accuracy: 0.9229, source: 'seed project: Image Classification with Keras' },
  target: 0.925,
  layer: ({ classes }) =>
    sequential([
      conv2d(filters[0], 3, { padding }),
      relu(),
      maxPool2d(2),
      conv2d(filters[1], 3, { padding }),
      relu(),
      maxPool2d(2),
      dropout(dropoutRates[0]),
      flatten(),
      dense(units),
      relu(),
      dropout(dropoutRates[1]),
      dense(classes),
    ]),
  optimizer: adam({ learningRate }),
  schedule: cosineDecay(),
  epochs,
  batchSize,
});
