/** Functions on datasets: parts, batches, worse images. `datasets.take(train, 1000)`. */
export { batches, permutation } from './data/batches.js';
export {
  limitDataset as limit,
  oneHotLabels,
  select,
  splitByWriter,
  splitDataset as split,
  take,
} from './data/dataset.js';
export { centerDigit } from './data/images/centerDigit.js';
export { type Perturbation, type PerturbationKind, perturb, severities } from './data/images/perturb.js';
export type { Picture } from './data/images/picture.js';
