import { percent } from '../../terminal/format.js';
import type { OnnxCheck } from './check.js';

/** Prints the findings of a check, a line per fact. */
export function checkText(found: OnnxCheck): string {
  const { dataset, count, largestDifference, largestShare, equalClasses, beyond, accuracies, equal } = found;
  return [
    `check: ${count} images of ${dataset}, Quern and ONNX Runtime ${found.runtime}`,
    `largest difference of a logit ${largestDifference.toExponential(2)}; against max(1, |logit|) ${largestShare.toExponential(2)}, at most ${found.tolerance.toExponential(0)} is taken`,
    `equal classes ${percent(equalClasses)}; accuracy ${percent(accuracies.quern)} in Quern, ${percent(accuracies.runtime)} in ONNX Runtime`,
    equal
      ? 'the same model'
      : `they differ: ${beyond} logits beyond the tolerance, or another class where none is close`,
  ].join('\n');
}
