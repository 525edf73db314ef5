import { defaultAugmentation } from '../data/augment/defaults.js';
import { handwriting, handwritingTraining } from './mnist-cnn.js';
import { defineRecipe } from './recipe.js';

const dataset = 'emnist-balanced';
const epochs = 12;

/** The network and the training of `mnist-cnn-aug`. Never trained by its authors, who had no copy of the dataset. */
export default defineRecipe({
  name: 'emnist-balanced-cnn',
  title: 'A convolutional network on EMNIST Balanced: digits and letters',
  dataset,
  reference: { accuracy: 0.9006, source: 'LWWZH/Mini-Vision-V3' },
  ...handwriting,
  ...handwritingTraining,
  augmentation: defaultAugmentation(dataset),
  epochs,
});
