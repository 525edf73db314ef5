import * as assert from 'uvu/assert';
import { wilsonInterval } from '../../../src/training/inference/interval.js';
import { suite } from '../../support/suite.js';

suite('wilsonInterval', (test) => {
  // Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3, to four decimals.
  const published: [number, number, number, number][] = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ];
  for (const [correct, count, low, high] of published) {
    test(`${correct} of ${count}`, () => {
      const interval = wilsonInterval(correct, count);
      assert.is(interval[0].toFixed(4), low.toFixed(4));
      assert.is(interval[1].toFixed(4), high.toFixed(4));
    });
  }

  test('all and none end at the bounds', () => {
    assert.is(wilsonInterval(7, 7)[1], 1);
    assert.is(wilsonInterval(0, 7)[0], 0);
    assert.equal(wilsonInterval(0, 0), [0, 1]);
  });
});
