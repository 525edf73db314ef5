import { defaultAugmentation } from '../data/augment/defaults.js';
import { handwriting, handwritingTraining } from './mnist-cnn.js';
import { defineRecipe } from './recipe.js';

const dataset = 'emnist-letters';
const epochs = 12;

/** The network and the training of `mnist-cnn-aug`. Never trained by its authors, who had no copy of the dataset. */
export default defineRecipe({
  name: 'emnist-letters-cnn',
  title: 'A convolutional network on EMNIST Letters',
  dataset,
  reference: { accuracy: 0.9586, source: 'paperswithcode benchmark, EMNIST letters' },
  ...handwriting,
  ...handwritingTraining,
  augmentation: defaultAugmentation(dataset),
  epochs,
});
