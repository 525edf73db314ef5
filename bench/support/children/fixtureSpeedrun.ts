/** The speed run where MNIST is not at hand: the same training on the few images that the package brings. */
import { loadRecipe } from '../../../src/recipes/index.js';

const { recipe } = await loadRecipe('mnist-speedrun');
const { reference: _, target: __, ...training } = recipe;

export default { ...training, dataset: 'fixture' };
