/** What a training takes of memory: fits a seed model for some seconds, measures it on test images, prints the peak. */
import { openEngine } from '../../../src/engine/engine.js';
import { relu } from '../../../src/nn/activations.js';
import { adam } from '../../../src/optimizers/adam.js';
import { fit } from '../../../src/training/fit.js';
import { randomDataset, type SeedModel, seedLayer } from '../seedModels.js';
