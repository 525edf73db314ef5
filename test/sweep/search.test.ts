import * as assert from 'uvu/assert';
import { chooseTrials } from '../../src/sweep/search.js';
import { parseSpace } from '../../src/sweep/space.js';
import { suite } from '../support/suite.js';

const lists = { rate: parseSpace('rate', '0.1,0.2,0.3'), units: parseSpace('units', '16,32') };
const ranges = { rate: parseSpace('rate', 'log:1e-4..1e-1'), units: parseSpace('units', 'int:8..64') };
const texts = (values: readonly object[]) => values.map((each) => JSON.stringify(each));

suite('sweep search', (test) => {
  test('a grid is every combination, the last setting changing first', () => {
    const trials = chooseTrials(lists, { search: 'grid', seed: 5 });
    assert.is(trials.length, 6);
    assert.equal(trials[1], { rate: 0.1, units: 32 });
    assert.equal(trials[2], { rate: 0.2, units: 16 });
    assert.is(chooseTrials(lists, { search: 'grid', seed: 5, trials: 4 }).length, 4);
  });

  test('drawing from lists gives each combination once, in the order of the seed', () => {
    const grid = texts(chooseTrials(lists, { search: 'grid', seed: 0 }));
    const drawn = texts(chooseTrials(lists, { search: 'asha', seed: 1 }));
    assert.equal([...drawn].sort(), [...grid].sort());
    assert.equal(texts(chooseTrials(lists, { search: 'random', seed: 1 })), drawn);
    assert.not.equal(texts(chooseTrials(lists, { search: 'asha', seed: 2 })), drawn);
    assert.equal(texts(chooseTrials(lists, { search: 'asha', seed: 1, trials: 2 })), drawn.slice(0, 2));
  });

  test('drawing from ranges: same seed, same values; more trials only add to them', () => {
    const few = texts(chooseTrials(ranges, { search: 'random', seed: 3, trials: 5 }));
    const many = texts(chooseTrials(ranges, { search: 'random', seed: 3, trials: 40 }));
    assert.equal(many.slice(0, 5), few);
    assert.is(new Set(many).size, 40);
    assert.is(chooseTrials(ranges, { search: 'random', seed: 3 }).length, 27);
    const rates = chooseTrials(ranges, { search: 'random', seed: 0, trials: 1000 }).map(({ rate }) =>
      Number(rate),
    );
    assert.ok(rates.every((rate) => rate >= 1e-4 && rate <= 0.1));
    // a third of a logarithmic range of three decades is each of them
    const lowest = rates.filter((rate) => rate < 1e-3).length;
    assert.ok(lowest > 280 && lowest < 390, `${lowest} of 1000 in the first decade`);
  });

  test('what cannot be chosen is said', () => {
    const choose = (spaces: typeof ranges | object, search: 'grid' | 'random', trials?: number) => () =>
      chooseTrials(spaces as typeof ranges, { search, seed: 0, trials });
    assert.throws(
      choose(ranges, 'grid'),
      /^sweep: a grid needs the points of rate: log:0\.0001\.\.0\.1\n {2}Give a list, or log:0\.0001\.\.0\.1\/5 for five points/,
    );
    assert.throws(choose({}, 'random'), /^sweep: there is nothing to choose from\n {2}--set learningRate=/);
    assert.throws(choose(ranges, 'random', 10_001), /^sweep: more than 10000 trials: 10001$/);
    const large = Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e'].map((name) => [name, parseSpace(name, '1,2,3,4,5,6,7')]),
    );
    assert.throws(
      choose(large, 'grid'),
      /^sweep: the grid has more than 10000 combinations: 16807 up to e\n {2}--search random draws some of them\.$/,
    );
  });
});
