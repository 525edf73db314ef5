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

const padding = 'same';
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
  parameters: { filters: 32, units: 128, dropout: 0.25, denseDropout: 0.5 },
  layer: ({ classes, parameters: { filters, units, dropout: rate, denseDropout } }) =>
    sequential([
      conv2d(filters, 3, { padding }),
      relu(),
      maxPool2d(2),
      conv2d(2 * filters, 3, { padding }),
      relu(),
      maxPool2d(2),
      dropout(rate),
      flatten(),
      dense(units),
      relu(),
      dropout(denseDropout),
      dense(classes),
    ]),
  optimizer: adam({ learningRate }),
  schedule: cosineDecay(),
  epochs,
  batchSize,
});
