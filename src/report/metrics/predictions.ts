/** Predictions of labeled images, and how good their probabilities are. */
import { checkInteger, checkMembers } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { checkLabels } from '../../data/dataset.js';

export interface Predictions {
  /** `[count, classes]`, row-major, every row a distribution: what `predict` gives. */
  readonly probabilities: ArrayLike<number>;
  /** `[count]`, each an index into `classes`. */
  readonly labels: ArrayLike<number>;
  /** Names, in the order of the probabilities. */
  readonly classes: readonly string[];
}

/**
 * @throws ShapeError for no images, or another number of probabilities than images times classes; DataError for a label
 * that is no class
 */
export function checkPredictions({ probabilities, labels, classes }: Predictions): void {
  if (labels.length === 0) throw new ShapeError('metrics: there are no predictions: 0 labels');
  const wanted = labels.length * classes.length;
  if (probabilities.length !== wanted) {
    throw new ShapeError(
      `metrics: ${probabilities.length} probabilities for ${labels.length} labels of ${classes.length} classes (${wanted})`,
    );
  }
  checkLabels(labels, classes.length, 'metrics');
}

/** The most probable class of every image, `[count]`; of equals the first, as argMax has it. */
export function predictedClasses({ probabilities, labels, classes }: Predictions): Int32Array {
  return Int32Array.from(labels, (_, row) => {
    const start = row * classes.length;
    let best = 0;
    for (let i = 1; i < classes.length; i++) {
      if (probabilities[start + i]! > probabilities[start + best]!) best = i;
    }
    return best;
  });
}

/** Tells whether the most probable class was the label's, for every image. */
export function rightOnes(predictions: Predictions): boolean[] {
  checkMembers('rightOnes', 'predictions', predictions, ['probabilities', 'labels', 'classes']);
  return Array.from(predictedClasses(predictions), (found, i) => found === predictions.labels[i]);
}

/**
 * The share of the images whose label is among the k most probable classes; of equals the first counts as more probable.
 *
 * @throws UsageError unless k is a whole number from 1 to the number of classes
 */
export function topKAccuracy({ probabilities, labels, classes }: Predictions, k: number): number {
  checkInteger('topKAccuracy: k', k, 1, classes.length);
  let within = 0;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    const start = row * classes.length;
    let before = 0;
    for (let i = 0; i < classes.length; i++) {
      const [other, own] = [probabilities[start + i]!, probabilities[start + label]!];
      if (other > own || (other === own && i < label)) before++;
    }
    if (before < k) within++;
  }
  return within / labels.length;
}

/** The smallest normal float32: probabilities below it count as it, so that one of 0 does not make the mean infinite. */
const least = 2 ** -126;

/** Mean of −log p(label), in nats. Probabilities below 2^-126 count as 2^-126, which is 87.3 nats. */
export function logLoss({ probabilities, labels, classes }: Predictions): number {
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    sum -= Math.log(Math.max(probabilities[row * classes.length + labels[row]!]!, least));
  }
  return sum / labels.length;
}

/**
 * Mean of Σ over classes of (p − y)², y being 1 for the label and 0 for all others: from 0 for certainty that is right
 * to 2 for certainty that is wrong (G. W. Brier, Verification of forecasts expressed in terms of probability, 1950).
 */
export function brierScore({ probabilities, labels, classes }: Predictions): number {
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    for (let i = 0; i < classes.length; i++) {
      sum += (probabilities[row * classes.length + i]! - (labels[row] === i ? 1 : 0)) ** 2;
    }
  }
  return sum / labels.length;
}
