import * as assert from 'uvu/assert';
import { closest, didYouMean } from '../../src/core/closest.js';
import { suite } from '../support/suite.js';

suite('the word that was meant', (test) => {
  const commands = ['train', 'evaluate', 'predict', 'runs', 'report', 'recipes'];

  test('letters exchanged, left out, added, replaced', () => {
    for (const word of ['trian', 'tran', 'traiin', 'troin', 'TRAIN'])
      assert.is(closest(word, commands), 'train');
  });

  test('a beginning, and a name without its first part', () => {
    assert.is(closest('eval', commands), 'evaluate');
    assert.is(closest('speedrun', ['mnist-cnn', 'mnist-speedrun']), 'mnist-speedrun');
  });

  test('a beginning that is misspelled', () => {
    const names = ['mnist', 'fashion-mnist', 'emnist-letters'];
    assert.is(closest('fashon', names), 'fashion-mnist');
    assert.is(closest('mnsit', names), 'mnist');
    assert.is(closest('fish', names), undefined);
  });

  test('spellings with dashes, underscores and capitals are one', () => {
    assert.is(closest('batch_size', ['seed', 'batch-size']), 'batch-size');
    assert.is(closest('learningrate', ['learningRate']), 'learningRate');
  });

  test('nothing, where nothing is like it', () => {
    assert.is(closest('nope', commands), undefined);
    assert.is(closest('', commands), undefined);
    assert.is(closest('a', []), undefined);
    assert.equal(didYouMean('nope', commands), {});
  });

  test('the hint of an error', () => {
    assert.equal(didYouMean('rnus', commands), { hint: 'Did you mean runs?' });
    assert.equal(
      didYouMean('epoch', ['epochs'], (word) => `--${word}`),
      { hint: 'Did you mean --epochs?' },
    );
  });
});
