import type { Augmentation } from './augmentation.js';

/** For handwriting: no two people write alike, but nobody writes mirrored. */
const handwriting: Augmentation = { shift: 2, rotate: 10, scale: [0.9, 1.1], shear: 6 };

/** Clothes are worn either way round, and photographed upright. */
const clothes: Augmentation = { flip: 'horizontal', crop: 2 };

/** Whatever an image shows, it shows the same a little aside. */
const anything: Augmentation = { crop: 2 };

/** A mild augmentation that suits a dataset by its name, 'mnist' for example; for names that are not known, small moves. */
export function defaultAugmentation(dataset: string): Augmentation {
  if (dataset === 'fashion-mnist') return clothes;
  return /^(fixture|[kq]?mnist|emnist-[a-z]+)$/.test(dataset) ? handwriting : anything;
}
