import type { Dataset } from '../data/dataset.js';
import { state } from '../tensor/leaves.js';
import { gather } from '../tensor/ops/gather.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';
import { type Normalisation, normalise } from './normalisation.js';

/** A whole dataset as leaves, so that a step is fed nothing but indices. */
export interface ResidentData {
  /** uint8 `[count, height, width, channels]` */
  readonly images: Leaf;
  /** uint8 `[count]` */
  readonly labels: Leaf;
}

const known = new WeakMap<Dataset, ResidentData>();

/** The leaves of a dataset: always the same for the same object, so that an engine holds it once. */
export function residentData(dataset: Dataset): ResidentData {
  let resident = known.get(dataset);
  if (resident === undefined) {
    const { name, split, count, shape, images, labels } = dataset;
    resident = {
      images: state(`${name}.${split}.images`, [count, ...shape], images, 'uint8'),
      labels: state(`${name}.${split}.labels`, [count], labels, 'uint8'),
    };
    known.set(dataset, resident);
  }
  return resident;
}

/** The examples that int32 `indices` `[batch]` name: normalised images `[batch, …]` and labels uint8 `[batch]`. */
export function takeBatch(
  { images, labels }: ResidentData,
  indices: Tensor,
  normalisation: Normalisation,
): { images: Tensor; labels: Tensor } {
  return { images: normalise(gather(images, indices), normalisation), labels: gather(labels, indices) };
}
