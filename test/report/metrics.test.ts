import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, ShapeError, UsageError } from '../../src/core/errors.js';
import { calibration } from '../../src/report/metrics/calibration.js';
import {
  classScores,
  confusedPairs,
  confusionMatrix,
  confusionRows,
  macroAverage,
} from '../../src/report/metrics/confusion.js';
import { complementaryError, mcnemar } from '../../src/report/metrics/mcnemar.js';
import { measurePredictions } from '../../src/report/metrics/measures.js';
import {
  brierScore,
  logLoss,
  type Predictions,
  predictedClasses,
  rightOnes,
  topKAccuracy,
} from '../../src/report/metrics/predictions.js';
import { throws } from '../support/messages.js';
import { suite } from '../support/suite.js';

/** Made by fixtures/metrics.py with Keras, NumPy and Python's fractions. */
const known = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../test/report/fixtures/metrics.json'), 'utf8'),
);
const classes = ['a', 'b', 'c', 'd'];
const many: Predictions = {
  probabilities: Float32Array.from(known.probabilities),
  labels: known.labels,
  classes,
};

function near(found: number | null, wanted: number, tolerance = 1e-6): void {
  assert.ok(found !== null && Math.abs(found - wanted) <= tolerance, `${found}, not ${wanted}`);
}

/** Worked by hand: rows of a, b and c; the second is wrong, in the third two are equal and the first counts. */
const few: Predictions = {
  probabilities: [0.5, 0.25, 0.25, 0.125, 0.125, 0.75, 0.375, 0.375, 0.25, 0, 0, 1],
  labels: [0, 1, 1, 2],
  classes: ['a', 'b', 'c'],
};

suite('metrics', (test) => {
  test('of a few predictions, worked by hand', () => {
    assert.equal([...predictedClasses(few)], [0, 2, 0, 2]);
    assert.equal(rightOnes(few), [true, false, false, true]);
    assert.is(topKAccuracy(few, 1), 0.5);
    assert.is(topKAccuracy(few, 2), 0.75);
    assert.is(topKAccuracy(few, 3), 1);
    // (log 2 + log 8 + log 8/3 + 0) / 4
    near(logLoss(few), Math.log(2 * 8 * (8 / 3)) / 4, 1e-15);
    // (.25 + .0625 · 2) + (.015625 + .765625 + .5625) + (.140625 + .390625 + .0625) + 0
    near(brierScore(few), (0.375 + 1.34375 + 0.59375) / 4, 1e-15);
  });

  test('a certainty that is wrong does not make the log-loss infinite', () => {
    near(logLoss({ probabilities: [1, 0], labels: [1], classes: ['a', 'b'] }), 126 * Math.log(2), 1e-12);
  });

  test('the confusion matrix and its scores, worked by hand', () => {
    const confusion = confusionMatrix([0, 0, 0, 1, 1, 2], [0, 0, 1, 0, 1, 1], 4);
    assert.equal(confusionRows(confusion), [
      [2, 1, 0, 0],
      [1, 1, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 0, 0],
    ]);
    const scores = classScores(confusion);
    assert.equal(scores[0], { precision: 2 / 3, recall: 2 / 3, f1: 4 / 6, support: 3 });
    assert.equal(scores[1], { precision: 1 / 3, recall: 1 / 2, f1: 2 / 5, support: 2 });
    // never predicted: there is no precision
    assert.equal(scores[2], { precision: null, recall: 0, f1: 0, support: 1 });
    assert.equal(scores[3], { precision: null, recall: null, f1: null, support: 0 });
    const { precision, recall, f1 } = macroAverage(scores);
    near(precision, 1 / 2, 1e-15);
    near(recall, (2 / 3 + 1 / 2) / 3, 1e-15);
    near(f1, (4 / 6 + 2 / 5) / 3, 1e-15);
    assert.equal(macroAverage([scores[3]!]), { precision: null, recall: null, f1: null });
    assert.equal(confusedPairs(confusion, 2), [
      { label: 0, predicted: 1, count: 1, share: 1 / 3 },
      { label: 1, predicted: 0, count: 1, share: 1 / 2 },
    ]);
  });

  test('as Keras and NumPy have them', () => {
    const found = measurePredictions(many);
    assert.equal(confusionRows(found.confusion), known.confusion);
    for (const name of ['precision', 'recall', 'f1'] as const) {
      // Keras says 0 where there is nothing to divide by
      found.perClass.forEach((score, i) => {
        near(score[name] ?? 0, known[name][i]);
      });
    }
    assert.is(found.perClass[3]!.recall, null);
    assert.equal(
      found.topK.map(({ k }) => k),
      [1, 2, 3],
    );
    found.topK.forEach(({ accuracy }, i) => {
      near(accuracy, known.top[i]);
    });
    assert.is(found.accuracy, found.correct / 60);
    assert.is(found.topK[0]!.accuracy, found.accuracy);
    near(found.logLoss, known.logLoss);
    near(found.brierScore, known.brier);
    near(found.calibration.expectedError, known.ece);
    near(found.calibration.maximumError, known.mce);
    assert.is(found.count, 60);
    assert.ok(found.interval[0] < found.accuracy && found.accuracy < found.interval[1]);
    assert.equal(found.classes, classes);
  });

  test('calibration, worked by hand: bins have their upper edge', () => {
    const probabilities = [0.6, 0.4, 0.8, 0.2, 0.75, 0.25, 1, 0];
    const { bins, expectedError, maximumError } = calibration(
      { probabilities, labels: [0, 1, 0, 0], classes: ['a', 'b'] },
      5,
    );
    assert.equal(
      bins.map(({ count }) => count),
      [0, 0, 1, 2, 1],
    );
    assert.equal(bins[0], { low: 0, high: 0.2, count: 0, confidence: null, accuracy: null });
    near(bins[3]!.confidence, 0.775, 1e-15);
    assert.is(bins[3]!.accuracy, 0.5);
    // 1/4 · .4 + 2/4 · .275 + 1/4 · 0
    near(expectedError, 0.2375, 1e-15);
    near(maximumError, 0.4, 1e-15);
    assert.is(calibration(many).bins.length, 15);
  });

  test('what cannot be measured', () => {
    throws(
      () => measurePredictions({ probabilities: [], labels: [], classes }),
      ShapeError,
      'metrics: there are no predictions: 0 labels',
    );
    throws(
      () => measurePredictions({ probabilities: [1, 0, 0], labels: [0], classes }),
      ShapeError,
      'metrics: 3 probabilities for 1 labels of 4 classes (4)',
    );
    throws(
      () => measurePredictions({ probabilities: [1, 0, 0, 0], labels: [4], classes }),
      DataError,
      'metrics: a label is out of range: number 0 is 4, the classes are 0 to 3',
    );
    for (const k of [0, 4, 1.5]) {
      throws(
        () => topKAccuracy(few, k),
        UsageError,
        `topKAccuracy: k must be a whole number from 1 to 3: ${k}`,
      );
    }
  });
});

/** Answers of two models of which each alone is right on so many images. */
function answers(firstOnly: number, secondOnly: number): [boolean[], boolean[]] {
  const of = (right: [number, number, number, number]) =>
    [true, false, true, false].flatMap((value, i) => Array<boolean>(right[i]!).fill(value));
  return [of([firstOnly, secondOnly, 7, 3]), [...of([0, firstOnly, secondOnly, 0]), ...of([7, 3, 0, 0])]];
}

suite('McNemar', (test) => {
  test('by the binomial distribution, as fractions give it', () => {
    for (const [first, second, p] of known.binomial) {
      const found = mcnemar(...answers(first, second));
      assert.is(found.method, 'exact');
      assert.is(found.firstOnly, first);
      assert.is(found.secondOnly, second);
      assert.is(found.statistic, null);
      assert.is(found.p, p);
    }
  });

  test('by χ², as the standard library gives it', () => {
    for (const [first, second, statistic, p] of known.chi) {
      const found = mcnemar(...answers(first, second));
      assert.is(found.method, 'chi-squared');
      near(found.statistic, statistic, 1e-12 * statistic);
      near(found.p, p, 1e-12 * p);
    }
  });

  test('models that differ by nothing', () => {
    assert.is(mcnemar(...answers(20, 20)).p, 1);
    assert.is(mcnemar([], []).p, 1);
  });

  test('the complementary error function', () => {
    for (const [x, value] of known.erfc) near(complementaryError(x), value, 1e-12 * value);
  });

  test('answers to different images', () =>
    throws(
      () => mcnemar([true], [true, false]),
      ShapeError,
      'mcnemar: the models were not measured on the same images: 1 and 2',
    ));
});
