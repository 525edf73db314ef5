/** Calibration: is a model right as often as it says? */
import { type Predictions, predictedClasses } from './predictions.js';

interface ReliabilityBin {
  /** Confidences in (low, high]. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean of the probabilities of the predicted classes; null where there are none. */
  readonly confidence: number | null;
  /** The share that was right; null where there are none. */
  readonly accuracy: number | null;
}

export interface Calibration {
  /** Σ over bins of count / n · |accuracy − confidence|: the expected calibration error. */
  readonly expectedError: number;
  /** The largest |accuracy − confidence| of a bin: the maximum calibration error. */
  readonly maximumError: number;
  readonly bins: readonly ReliabilityBin[];
}

/**
 * Sorts predictions by the probability of the predicted class into bins of equal width, and compares in each how sure
 * the model was with how often it was right (C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On calibration of modern
 * neural networks, ICML 2017).
 *
 * @param binCount default 15, as in the paper
 */
export function calibration(predictions: Predictions, binCount = 15): Calibration {
  const { probabilities, labels, classes } = predictions;
  const sums = Array.from({ length: binCount }, () => ({ count: 0, confidence: 0, right: 0 }));
  predictedClasses(predictions).forEach((found, row) => {
    const confidence = probabilities[row * classes.length + found]!;
    // bin b holds (b / bins, (b + 1) / bins]; rounding may take a sum of probabilities a little beyond 1
    const at = Math.min(binCount, Math.max(1, Math.ceil(confidence * binCount))) - 1;
    const bin = sums[at]!;
    bin.count++;
    bin.confidence += confidence;
    if (found === labels[row]) bin.right++;
  });
  let expectedError = 0;
  let maximumError = 0;
  for (const { count, confidence, right } of sums) {
    if (count === 0) continue;
    const gap = Math.abs(right - confidence) / count;
    expectedError += (count / labels.length) * gap;
    maximumError = Math.max(maximumError, gap);
  }
  const bins = sums.map(({ count, confidence, right }, i) => ({
    low: i / binCount,
    high: (i + 1) / binCount,
    count,
    confidence: count === 0 ? null : confidence / count,
    accuracy: count === 0 ? null : right / count,
  }));
  return { expectedError, maximumError, bins };
}
