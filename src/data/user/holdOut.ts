import { UsageError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { randomKey } from '../../core/random.js';
import { permutation } from '../batches.js';
import { type Dataset, imageSize } from '../dataset.js';

/** Chooses the images that are held out: a share of every class, rounded, but for one to train on. */
function heldOf(dataset: Dataset, share: number, seed: number): Uint8Array {
  const held = new Uint8Array(dataset.count);
  if (share === 1) return held.fill(1);
  const places: number[][] = dataset.classes.map(() => []);
  for (const [i, label] of dataset.labels.entries()) at(places, label).push(i);
  for (const [label, own] of places.entries()) {
    const count = Math.min(own.length - 1, Math.round(own.length * share));
    const order = permutation(own.length, randomKey(seed, 'holdOut', label));
    for (const i of order.subarray(0, Math.max(0, count))) held[at(own, i)] = 1;
  }
  return held;
}

/** Moves the images that are held to the end of `images`, so that all are in memory once. */
function divide({ images, labels }: Dataset, held: Uint8Array, size: number) {
  const count = held.reduce((sum, one) => sum + one, 0);
  const apart = new Uint8Array(count * size);
  const test = new Uint8Array(count);
  const kept = new Uint8Array(labels.length - count);
  let [toTest, toTrain] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    if (held[i] === 1) {
      apart.set(images.subarray(i * size, (i + 1) * size), toTest * size);
      test[toTest++] = at(labels, i);
    } else {
      images.copyWithin(toTrain * size, i * size, (i + 1) * size);
      kept[toTrain++] = at(labels, i);
    }
  }
  const end = toTrain * size;
  images.set(apart, end);
  return {
    train: { images: images.subarray(0, end), labels: kept },
    test: { images: images.subarray(end, end + apart.length), labels: test },
  };
}

/**
 * Divides a dataset at random into a part to train on and one to test with. Every class gives its share, rounded, and
 * keeps an image to train on, unless the share is 1; the order of the images remains. Both are views of the
 * dataset's own memory.
 */
export function holdOut(dataset: Dataset, share: number, seed: number): { train: Dataset; test: Dataset } {
  const held = heldOf(dataset, share, seed);
  if (!held.includes(1)) {
    throw new UsageError(
      `loadUserDataset: a test share of ${share} leaves no image to test with: ${dataset.count} images in ${dataset.classes.length} classes`,
    );
  }
  const parts = divide(dataset, held, imageSize(dataset));
  const part = (split: 'train' | 'test'): Dataset => ({
    ...dataset,
    ...parts[split],
    split,
    count: parts[split].labels.length,
  });
  return { train: part('train'), test: part('test') };
}
