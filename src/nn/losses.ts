import { ShapeError } from '../core/errors.js';
import { sameShape } from '../core/shape.js';
import { describe } from '../tensor/build.js';
import { cast, equal, square, subtract } from '../tensor/ops/pointwise.js';
import { argMax, mean } from '../tensor/ops/reduce.js';
import { softmaxCrossEntropy } from '../tensor/ops/softmax.js';
import type { Tensor } from '../tensor/tensor.js';

function checkLogits(what: string, logits: Tensor): void {
  if (logits.rank === 2) return;
  throw new ShapeError(
    `${what}: logits must be [batch, classes]: ${describe(logits)} (${logits.rank} axes)`,
    {
      hint: 'flatten() before the last dense layer makes one row per image.',
    },
  );
}

/**
 * Mean over the batch of −Σ y · log softmax(logits), one stable pass: a float32 scalar, NaN of an empty batch.
 *
 * @param logits float32 `[batch, classes]`: what the last layer gives, without a softmax
 * @param labels class numbers `[batch]` (int32 or uint8), or float32 `[batch, classes]`: one-hot, or any distribution
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  checkLogits('crossEntropy', logits);
  return mean(softmaxCrossEntropy(logits, labels));
}

/**
 * Mean of (prediction − target)² over all elements, a float32 scalar.
 *
 * @throws ShapeError where the shapes differ: broadcasting `[n, 1]` against `[n]` would compare all with all
 */
export function meanSquaredError(prediction: Tensor, target: Tensor): Tensor {
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(`meanSquaredError: shapes differ: ${describe(prediction)} and ${describe(target)}`);
  }
  return mean(square(subtract(prediction, target)));
}

/**
 * The share of rows whose largest logit is the label's, a float32 scalar from 0 to 1. Ties go to the first class.
 * Arguments as crossEntropy; of a distribution the largest share is the label.
 */
export function accuracy(logits: Tensor, labels: Tensor): Tensor {
  checkLogits('accuracy', logits);
  const expected = labels.dtype === 'float32' ? argMax(labels, -1) : cast(labels, 'int32');
  const predicted = argMax(logits, -1);
  if (!sameShape(predicted.shape, expected.shape)) {
    throw new ShapeError(
      `accuracy: logits ${describe(logits)} and labels ${describe(labels)} do not belong together`,
    );
  }
  return mean(equal(predicted, expected));
}
