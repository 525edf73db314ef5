import { relu } from '../nn/layers/activations.js';
import { dense } from '../nn/layers/dense.js';
import { dropout } from '../nn/layers/dropout.js';
import { flatten } from '../nn/layers/flatten.js';
import { sequential } from '../nn/sequential.js';
import { adam } from '../optimizers/adam.js';
import { cosineDecay } from '../optimizers/schedules.js';
import { defineRecipe } from './recipe.js';

const learningRate = 0.002;
const batchSize = 64;
const epochs = 10;

/** 784-128-128-10: 118,282 parameters. */
export default defineRecipe({
  name: 'mnist-mlp',
  title: 'A perceptron with two hidden layers on MNIST',
  dataset: 'mnist',
  reference: {
    accuracy: 0.9606,
    source: 'seed project: Basic Image Classification with TensorFlow and Keras',
  },
  target: 0.978,
  parameters: { units: 128, dropout: 0 },
  layer: ({ classes, parameters: { units, dropout: rate } }) => {
    const hidden = () => [dense(units), relu(), ...(rate > 0 ? [dropout(rate)] : [])];
    return sequential([flatten(), ...hidden(), ...hidden(), dense(classes)]);
  },
  optimizer: adam({ learningRate }),
  schedule: cosineDecay(),
  epochs,
  batchSize,
});
