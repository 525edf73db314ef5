/** Augments in a browser, or in Node, for comparison. */
import type { Augmentation } from '../../src/browser.js';
import type { BrowserFunction } from '../support/browser/task.js';

export interface Augmenting {
  readonly workers: number;
  readonly workerUrl?: string;
}

export interface Augmented {
  /** Threads beside this one that did it. */
  readonly workers: number;
  readonly sha256: string;
}

const augmentation: Augmentation = {
  ...{ shift: 2, rotate: 15, scale: [0.9, 1.2], shear: 8, elastic: { alpha: 20, sigma: 3 } },
  ...{ flip: 'horizontal', crop: 1, erase: { value: 'random' }, cutout: 3 },
};

/** The hash of 200 images of 28 x 28 pixels, changed. */
export const augment: BrowserFunction<Augmenting, Augmented> = async (quern, { workers, workerUrl }) => {
  const count = 200;
  const size = 28 * 28;
  const images = Uint8Array.from({ length: count * size }, (_, i) => (i * 31) & 255);
  const labels = new Uint8Array(count);
  const dataset = {
    ...({ name: 'stripes', split: 'train', images, labels, count } as const),
    ...({ shape: [28, 28, 1], classes: ['stripes'] } as const),
  };
  const augmenter = quern.createAugmenter(dataset, augmentation, 5, { workers, workerUrl });
  try {
    const target = new Uint8Array(count * size);
    await augmenter.fill(
      Int32Array.from({ length: count }, (_, i) => count - 1 - i),
      3,
      target,
    );
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', target));
    const sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return { workers: augmenter.workers, sha256 };
  } finally {
    await augmenter.close();
  }
};
