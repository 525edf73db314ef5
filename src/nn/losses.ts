import { checkOptionNames, checkRange } from '../core/check.js';
import { ShapeError } from '../core/errors.js';
import { at } from '../core/lists.js';
import { sameShape } from '../core/shape.js';
import { checkTensor, describe } from '../tensor/build.js';
import { oneHot } from '../tensor/ops/gather.js';
import { add, cast, equal, greaterEqual, less, multiply, square, subtract } from '../tensor/ops/pointwise.js';
import { argMax, mean } from '../tensor/ops/reduce.js';
import { softmaxCrossEntropy } from '../tensor/ops/softmax.js';
import { broadcastTo, expandDims } from '../tensor/ops/views.js';
import type { Tensor } from '../tensor/tensor.js';

function checkLogits(what: string, logits: Tensor): void {
  checkTensor(`${what}: logits`, logits);
  if (logits.rank === 2) return;
  throw new ShapeError(
    `${what}: logits must be [batch, classes]: ${describe(logits)} (${logits.rank} axes)`,
    {
      hint: 'flatten() before the last dense layer makes one row per image.',
    },
  );
}

export interface CrossEntropyOptions {
  /** ε, at least 0 and below 1: the share of every label that is spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number | undefined;
}

/**
 * y · (1 − ε) + ε / K, float32 `[batch, classes]`. A class number outside the K classes stays all zeros: what counts
 * for nothing is not smoothed into something.
 */
function smoothed(labels: Tensor, classes: number, share: number): Tensor {
  if (labels.dtype === 'float32') return add(multiply(labels, 1 - share), share / classes);
  // broadcast first: then all of it is one map
  const row = broadcastTo(expandDims(cast(labels, 'int32'), -1), [...labels.shape, classes]);
  const known = multiply(greaterEqual(row, 0), less(row, classes));
  return add(multiply(oneHot(labels, classes), 1 - share), multiply(known, share / classes));
}

/**
 * Mean over the batch of −Σ y · log softmax(logits), one stable pass: a float32 scalar, NaN of an empty batch.
 *
 * A class number outside 0 … classes − 1 is no error: a graph knows no numbers. Its row counts as loss 0 and has no
 * gradient, and the mean is still over the whole batch, so wrong labels make the loss look better than it is. `fit` and
 * `evaluate` check those of a dataset; in a step of your own, once before the training:
 * `labels.every((label) => label >= 0 && label < classes)`.
 *
 * With `labelSmoothing` ε the label is y · (1 − ε) + ε / classes (Szegedy et al., CVPR 2016, section 7; as Keras): the
 * smallest loss is then no longer 0 but the entropy of that label. It costs a map over `[batch, classes]`; without it
 * class numbers go into the pass as they are.
 *
 * @param logits float32 `[batch, classes]`: what the last layer gives, without a softmax
 * @param labels class numbers `[batch]` (int32 or uint8), or float32 `[batch, classes]`: one-hot, or any distribution
 * @throws ShapeError for logits of other than two axes, and where labels do not belong to them; UsageError for a
 *   smoothing out of range
 */
export function crossEntropy(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptionNames('crossEntropy', options, { labelSmoothing: true });
  const { labelSmoothing = 0 } = options;
  checkLogits('crossEntropy', logits);
  checkRange('crossEntropy: labelSmoothing', labelSmoothing, 0, 1);
  checkTensor('crossEntropy: labels', labels);
  const target = labelSmoothing === 0 ? labels : smoothed(labels, at(logits.shape, 1), labelSmoothing);
  return mean(softmaxCrossEntropy(logits, target));
}

/**
 * Mean of (prediction − target)² over all elements, a float32 scalar.
 *
 * @throws ShapeError where the shapes differ: broadcasting `[n, 1]` against `[n]` would compare all with all
 */
export function meanSquaredError(prediction: Tensor, target: Tensor): Tensor {
  for (const side of [prediction, target]) checkTensor('meanSquaredError', side);
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
  checkTensor('accuracy: labels', labels);
  const expected = labels.dtype === 'float32' ? argMax(labels, -1) : cast(labels, 'int32');
  const predicted = argMax(logits, -1);
  if (!sameShape(predicted.shape, expected.shape)) {
    throw new ShapeError(
      `accuracy: logits ${describe(logits)} and labels ${describe(labels)} do not belong together`,
    );
  }
  return mean(equal(predicted, expected));
}
