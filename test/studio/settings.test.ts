import * as assert from 'uvu/assert';
import { commandOf, recipeFileOf } from '../../src/studio/page/runsPanel.js';
import {
  checkSettings,
  linkOf,
  optionsOf,
  type Settings,
  settingsOfLink,
} from '../../src/studio/shared/settings.js';
import { suite } from '../support/suite.js';

const settings: Settings = {
  ...{ recipe: 'mnist-cnn', dataset: 'mnist', seed: 7, epochs: 2, learningRate: 0.001, backend: 'wasm' },
  set: { 'augmentation.shift': 2, filters: 8 },
  layers: { kind: 'sequential', parts: { 'layers.0': { kind: 'dense', options: { units: 10, name: 'ü' } } } },
};

const hashOf = (value: unknown) => `#run=${Buffer.from(JSON.stringify(value)).toString('base64url')}`;

suite('links of the studio', (test) => {
  test('hold settings and give them back', () => {
    const link = linkOf(settings);
    assert.match(link, /^#run=[\w-]+$/);
    assert.equal(settingsOfLink(link), settings);
    assert.is(settingsOfLink(''), undefined);
    assert.is(settingsOfLink('#watch'), undefined);
  });

  test('are a stranger’s: what is wrong is named', () => {
    const base = { recipe: 'mnist-mlp', dataset: 'mnist', seed: 0, backend: 'wasm' };
    for (const [value, message] of [
      [[], 'settings: they must be an object'],
      [null, 'settings: they must be an object'],
      [{ ...base, seed: undefined }, 'settings: seed is missing'],
      [{ ...base, seed: -1 }, 'settings: seed must be a whole number of at least 0'],
      [{ ...base, recipe: '../x/y' }, 'settings: recipe must be the name of a recipe'],
      [{ ...base, epochs: 1e9 }, 'settings: epochs must be a whole number from 1 to 10000'],
      [{ ...base, batchSize: 1.5 }, 'settings: batchSize must be a whole number from 1 to 65536'],
      [{ ...base, learningRate: 0 }, 'settings: learningRate must be a number above 0'],
      [{ ...base, optimizer: '<b>' }, 'settings: optimizer must be the name of an optimizer'],
      [{ ...base, dataset: '' }, 'settings: dataset must be the name of a dataset'],
      [{ ...base, validation: 1 }, 'settings: validation must be a number between 0 and 1'],
      [{ ...base, limit: 0 }, 'settings: limit must be a whole number of at least 1'],
      [{ ...base, set: { a: {} } }, 'settings: set must be numbers, texts, true or false by their names'],
      [{ ...base, layers: 3 }, 'settings: layers must be the description of layers'],
      [{ ...base, backend: 'cpu' }, 'settings: backend must be wasm or gpu'],
      [{ ...base, threads: 65 }, 'settings: threads must be a whole number from 1 to 64'],
      [{ ...base, constructor: 1 }, "settings: there is no 'constructor'"],
    ] as const) {
      assert.throws(
        () => settingsOfLink(hashOf(value)),
        (error: Error) => error.message === message,
        message,
      );
    }
    assert.throws(() => settingsOfLink('#run=%%%'), 'link: what stands behind #run= is no text of settings');
    assert.throws(
      () => settingsOfLink(`#run=${'a'.repeat(70_000)}`),
      'link: 70000 characters, at most 65536 are taken',
    );
    assert.throws(() => checkSettings(undefined), 'settings: they must be an object');
  });

  test('the command says the same', () => {
    assert.equal(optionsOf(settings), [
      ...['--epochs 2', '--learning-rate 0.001', '--seed 7'],
      ...['--set augmentation.shift=2', '--set filters=8'],
    ]);
    assert.is(
      commandOf({ ...settings, set: { x: "a'b" } }, 'mnist'),
      "quern train ./studio-recipe.mjs --epochs 2 --learning-rate 0.001 --seed 7 --set 'x=a'\\''b'",
    );
    const { layers: _, ...plain } = settings;
    assert.match(
      commandOf({ ...plain, dataset: 'own' }, 'mnist'),
      /^quern train mnist-cnn --data YOUR_DATA --epochs 2/,
    );
    assert.match(commandOf(plain, 'mnist'), /^quern train mnist-cnn --epochs 2/);
    // the command line trains a recipe on its own dataset: another one needs a recipe file
    const other = { ...plain, dataset: 'fashion-mnist' };
    assert.match(commandOf(other, 'mnist'), /^quern train \.\/studio-recipe\.mjs --epochs 2/);
    assert.match(recipeFileOf(other), /const own = \{ target: undefined, dataset: 'fashion-mnist' \};/);
    assert.not.match(recipeFileOf(other), /layers/);
    assert.match(recipeFileOf(settings), /recipes\.table\['mnist-cnn'\]/);
  });
});
