import * as assert from 'uvu/assert';
import { UsageError } from '../../../src/core/errors.js';
import { mixupRatio } from '../../../src/data/augment/mixup.js';
import { throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';

const count = 20_000;
const sample = (alpha: number) =>
  Float64Array.from({ length: count }, (_, step) => mixupRatio(3, step, alpha));

/** Share of each quarter of the numbers from 0 to 1. */
function quarters(values: Float64Array): number[] {
  const shares = [0, 0, 0, 0];
  for (const value of values) shares[Math.min(3, Math.floor(value * 4))]! += 1 / values.length;
  return shares;
}

suite('mixup', (test) => {
  // the distribution function at 0.25, integrated numerically in numpy; the distribution is symmetric
  const firstQuarter = [
    [0.1, 0.45196],
    [0.2, 0.41406],
    [0.5, 1 / 3],
    [1, 0.25],
    [2, 0.15625],
    [8, 0.0173],
  ] as const;

  for (const [alpha, first] of firstQuarter) {
    test(`alpha ${alpha} gives the beta distribution`, () => {
      const values = sample(alpha);
      const expected = [first, 0.5 - first, 0.5 - first, first];
      quarters(values).forEach((share, i) => {
        assert.ok(Math.abs(share - expected[i]!) < 0.015, `quarter ${i}: ${share}, not ${expected[i]}`);
      });
      // variance 1 / (4 (2 alpha + 1))
      const mean = values.reduce((sum, value) => sum + value, 0) / count;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
      assert.ok(Math.abs(variance * 4 * (2 * alpha + 1) - 1) < 0.04, `variance ${variance}`);
    });
  }

  test('is always from 0 to 1, however extreme alpha is', () => {
    for (const alpha of [1e-4, 0.01, 1e6]) {
      for (const value of sample(alpha)) assert.ok(value >= 0 && value <= 1);
    }
  });

  test('is a function of seed, step and alpha', () => {
    assert.is(mixupRatio(1, 5, 0.4), mixupRatio(1, 5, 0.4));
    assert.is.not(mixupRatio(1, 5, 0.4), mixupRatio(1, 6, 0.4));
    assert.is.not(mixupRatio(1, 5, 0.4), mixupRatio(2, 5, 0.4));
  });

  test('an alpha that is no positive number', () => {
    for (const alpha of [0, -1, Number.NaN, Infinity]) {
      throws(
        () => mixupRatio(1, 0, alpha),
        UsageError,
        `mixupRatio: alpha must be a number above 0: ${alpha}`,
      );
    }
  });
});
