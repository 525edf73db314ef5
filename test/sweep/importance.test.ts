import * as assert from 'uvu/assert';
import { importanceOf } from '../../src/sweep/importance.js';
import { chooseTrials } from '../../src/sweep/search.js';
import { parseSpace, type Values } from '../../src/sweep/space.js';
import { suite } from '../support/suite.js';

const spaces = {
  rate: parseSpace('rate', 'log:0.001..1'),
  units: parseSpace('units', '16,32,64'),
  kind: parseSpace('kind', 'a,b'),
};

const results = (count: number, accuracy: (values: Values) => number) =>
  chooseTrials(spaces, { search: 'random', seed: 1, trials: count }).map((values) => ({
    values,
    accuracy: accuracy(values),
  }));

suite('importance of settings', (test) => {
  test('a setting that decides all has nearly all of the variance', () => {
    const found = importanceOf(
      spaces,
      results(60, ({ rate }) => Math.log10(Number(rate))),
    );
    assert.is(found[0]!.setting, 'rate');
    assert.ok(found[0]!.share > 0.95, `${found[0]!.share}`);
    assert.ok(found[1]!.share < 0.03, `${found[1]!.share}`);
    assert.ok(found[0]!.low <= found[0]!.share && found[0]!.share <= found[0]!.high);
  });

  test('shares are those of the variances', () => {
    // Var of units' three steps 0, 1, 2 is 2/3, of kind's 0, 2 it is 1: shares 0.4 and 0.6
    const found = importanceOf(
      spaces,
      results(200, ({ units, kind }) => Math.log2(Number(units)) + (kind === 'b' ? 2 : 0)),
    );
    const share = (name: string) => found.find(({ setting }) => setting === name)!.share;
    assert.ok(Math.abs(share('kind') - 0.6) < 0.04, `kind ${share('kind')}`);
    assert.ok(Math.abs(share('units') - 0.4) < 0.04, `units ${share('units')}`);
    assert.ok(share('rate') < 0.01);
  });

  test('fewer trials are less certain; too few or equal ones tell nothing', () => {
    const noisy = ({ rate, units }: Values) => Math.sin(Number(rate) * 50) + Number(units) / 64;
    const width = (count: number) => {
      const [first] = importanceOf(spaces, results(count, noisy));
      return first!.high - first!.low;
    };
    assert.ok(width(8) > width(150), `${width(8)} and ${width(150)}`);
    assert.equal(importanceOf(spaces, results(5, noisy)), []);
    assert.equal(
      importanceOf(
        spaces,
        results(20, () => 0.5),
      ),
      [],
    );
  });
});
