/** The recipes that come with Quern. Light, so that `quern train --help` can name them: they load when they are chosen. */
import type { Recipe } from './recipe.js';

export const recipes: Readonly<Record<string, () => Promise<{ default: Recipe }>>> = {
  'mnist-mlp': () => import('./mnist-mlp.js'),
  'mnist-cnn': () => import('./mnist-cnn.js'),
  'mnist-cnn-aug': () => import('./mnist-cnn-aug.js'),
  'mnist-speedrun': () => import('./mnist-speedrun.js'),
  'fashion-cnn': () => import('./fashion-cnn.js'),
  'fashion-cnn-bn': () => import('./fashion-cnn-bn.js'),
  'fashion-resnet': () => import('./fashion-resnet.js'),
  'kmnist-cnn': () => import('./kmnist-cnn.js'),
  'emnist-balanced-cnn': () => import('./emnist-balanced-cnn.js'),
  'emnist-letters-cnn': () => import('./emnist-letters-cnn.js'),
};

export const recipeNames: readonly string[] = Object.keys(recipes);
