/** Warnings of probable mistakes, a sentence each. */
import { last } from '../../core/lists.js';
import type { Layer } from '../../nn/layer.js';
import type { Model } from '../../nn/model.js';
import { defaultBatchSize, type EpochRecord, type FitOptions } from './options.js';

/** The last layer that does something, in sequences of sequences. */
function lastOf(layer: Layer): Layer {
  const parts = Object.values(layer.parts);
  return layer.kind === 'sequential' && parts.length > 0 ? lastOf(last(parts)) : layer;
}

/** Tells whether a layer of that kind is anywhere in it. */
function contains(layer: Layer, kind: string): boolean {
  return layer.kind === kind || Object.values(layer.parts).some((part) => contains(part, kind));
}

/** Finds oddities of a training before it begins. */
export function oddities({ layer }: Model, count: number, options: FitOptions): string[] {
  const found: string[] = [];
  if (lastOf(layer).kind === 'softmax') {
    found.push(
      'fit: the last layer is a softmax, and the loss takes another: learning is slow. The loss takes what the layer before gives, predictions have a softmax of their own.',
    );
  }
  const batchSize = options.batchSize ?? defaultBatchSize;
  const ragged = count % batchSize;
  if (contains(layer, 'batchNorm') && (batchSize === 1 || ragged === 1)) {
    const which =
      batchSize === 1
        ? 'batches of one image'
        : `a last batch of one image (${count} images by ${batchSize})`;
    found.push(
      `fit: ${which} and batch normalization: an image is its own mean, and behind a dense layer nothing of it is left. Another batchSize helps.`,
    );
  }
  return found;
}

/** How many times as large a loss may be as that of guessing before it is absurd. */
const absurd = 100;

/** Finds an oddity of an epoch. */
export function oddityOf({ epoch, loss, validationLoss }: EpochRecord, classes: number): string | undefined {
  const guessing = Math.log(Math.max(2, classes));
  for (const [name, value] of Object.entries({ loss, 'validation loss': validationLoss })) {
    if (value === undefined || !(value > absurd * guessing)) continue;
    return `fit: the ${name} of epoch ${epoch} is ${value.toPrecision(3)}, where guessing has ${guessing.toPrecision(3)}: a lower learning rate, or clip: { norm: 1 }, is the usual cure.`;
  }
  return undefined;
}
