import * as assert from 'uvu/assert';
import { gridOf, parseSpace, shareOf, spaceText, valueAt } from '../../src/sweep/space.js';
import { suite } from '../support/suite.js';

suite('sweep space', (test) => {
  test('a text is a list or a range', () => {
    assert.equal(parseSpace('a', '0.1,0.3,0.5'), { kind: 'choices', values: [0.1, 0.3, 0.5] });
    assert.equal(parseSpace('a', 'adam, sgd'), { kind: 'choices', values: ['adam', 'sgd'] });
    assert.equal(parseSpace('a', 'true,false'), { kind: 'choices', values: [true, false] });
    assert.equal(parseSpace('a', '64'), { kind: 'choices', values: [64] });
    assert.equal(parseSpace('a', [1, 1, 2]), { kind: 'choices', values: [1, 2] });
    const range = parseSpace('a', 'log:1e-4..1e-1');
    assert.equal(range, {
      kind: 'range',
      low: 1e-4,
      high: 0.1,
      logarithmic: true,
      integer: false,
      points: undefined,
    });
    for (const text of ['0.1,0.3', '0..0.5', 'log:0.0001..0.1', 'int:1..8', 'logint:16..256', '0..1/3'])
      assert.is(spaceText(parseSpace('a', text)), text);
  });

  test('what is neither is refused, naming the setting', () => {
    const wrong = (given: string | number[], message: RegExp) =>
      assert.throws(() => parseSpace('rate', given), message);
    wrong(
      '0.5..0.1',
      /^sweep: rate: the range ends before it begins: 0\.5\.\.0\.1\n {2}A space is a list such as /,
    );
    wrong('log:0..1', /^sweep: rate: a logarithmic range begins above 0: log:0\.\.1/);
    wrong(
      'int:0.5..3',
      /^sweep: rate: the ends of a range of whole numbers are whole numbers: int:0\.5\.\.3/,
    );
    wrong('0..1/1', /^sweep: rate: a range has 2 to 1000 points: 0\.\.1\/1/);
    wrong('log:a..b', /^sweep: rate: not a range: log:a\.\.b/);
    wrong('', /^sweep: rate: not 1 to 1000 values: ""/);
    wrong([], /^sweep: rate: not 1 to 1000 values: \[\]/);
    wrong([Number.NaN], /^sweep: rate: a value is not a finite number: NaN/);
  });

  test('a share is a value and back', () => {
    const log = parseSpace('a', 'log:1e-4..1e-1');
    assert.is(valueAt(log, 0), 1e-4);
    assert.is(valueAt(log, 0.5), 0.003162);
    assert.ok(Math.abs(shareOf(log, 0.003162) - 0.5) < 1e-4);
    const whole = parseSpace('a', 'int:1..4');
    assert.equal(
      [0, 0.24, 0.26, 0.999].map((share) => valueAt(whole, share)),
      [1, 1, 2, 4],
    );
    const list = parseSpace('a', 'x,y');
    assert.equal(
      [0, 0.5].map((share) => valueAt(list, share)),
      ['x', 'y'],
    );
    assert.is(shareOf(list, 'y'), 0.75);
  });

  test('a range has points in a grid when it says how many', () => {
    assert.equal(gridOf(parseSpace('a', 'log:0.001..0.1/3')), [0.001, 0.01, 0.1]);
    assert.equal(gridOf(parseSpace('a', 'int:1..5/3')), [1, 3, 5]);
    assert.is(gridOf(parseSpace('a', '0..1')), undefined);
  });
});
