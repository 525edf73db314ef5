/** All that is measured on predictions, as plain data: what `quern evaluate --json` prints. */
import { checkMembers } from '../../core/check.js';
import { wilsonInterval } from '../../training/inference/interval.js';
import { type Calibration, calibration } from './calibration.js';
import {
  type Averages,
  type ClassScores,
  type Confusion,
  classScores,
  confusionMatrix,
  macroAverage,
} from './confusion.js';
import {
  brierScore,
  checkPredictions,
  logLoss,
  type Predictions,
  predictedClasses,
  topKAccuracy,
} from './predictions.js';

export interface Measures {
  readonly classes: readonly string[];
  readonly count: number;
  readonly correct: number;
  readonly accuracy: number;
  /** Wilson's 95% interval of the accuracy. */
  readonly interval: readonly [low: number, high: number];
  /** In nats, from the probabilities as float32. */
  readonly logLoss: number;
  readonly brierScore: number;
  /** The share whose label is among the 1, 2, 3 or 5 most probable classes: of these k, those below the number of classes. */
  readonly topK: readonly { readonly k: number; readonly accuracy: number }[];
  readonly calibration: Calibration;
  /** In the order of the classes. */
  readonly perClass: readonly ClassScores[];
  readonly macro: Averages;
  readonly confusion: Confusion;
}

/**
 * Measures predictions.
 *
 * @throws ShapeError or DataError, as `checkPredictions`
 */
export function measurePredictions(predictions: Predictions): Measures {
  checkMembers('measurePredictions', 'predictions', predictions, ['probabilities', 'labels', 'classes']);
  checkPredictions(predictions);
  const { labels, classes } = predictions;
  const confusion = confusionMatrix(labels, predictedClasses(predictions), classes.length);
  const correct = classes.reduce((sum, _, i) => sum + confusion.counts[i * classes.length + i]!, 0);
  const perClass = classScores(confusion);
  const shown = [1, 2, 3, 5].filter((k) => k === 1 || k < classes.length);
  return {
    classes,
    count: labels.length,
    correct,
    accuracy: correct / labels.length,
    interval: wilsonInterval(correct, labels.length),
    logLoss: logLoss(predictions),
    brierScore: brierScore(predictions),
    topK: shown.map((k) => ({ k, accuracy: topKAccuracy(predictions, k) })),
    calibration: calibration(predictions),
    perClass,
    macro: macroAverage(perClass),
    confusion,
  };
}
