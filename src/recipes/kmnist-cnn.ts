import { defaultAugmentation } from '../data/augment/defaults.js';
import { handwriting, handwritingTraining } from './mnist-cnn.js';
import { defineRecipe } from './recipe.js';

const dataset = 'kmnist';
const epochs = 20;

/** The network and the training of `mnist-cnn-aug`. Never trained by its authors, who had no copy of the dataset. */
export default defineRecipe({
  name: 'kmnist-cnn',
  title: 'A convolutional network on Kuzushiji-MNIST',
  dataset,
  reference: { accuracy: 0.9463, source: 'rois-codh/kmnist README' },
  ...handwriting,
  ...handwritingTraining,
  augmentation: defaultAugmentation(dataset),
  epochs,
});
