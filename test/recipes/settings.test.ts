import * as assert from 'uvu/assert';
import { loadRecipe, recipeModel, recipeNames, setRecipe } from '../../src/recipes/index.js';
import { checkSettingValues, settingsOf, withSettings } from '../../src/recipes/settings.js';
import { suite } from '../support/suite.js';

const images = { shape: [28, 28, 1] as const, classes: ['a', 'b', 'c'] };

suite('settings of recipes', (test) => {
  test('every setting of every recipe can be set to what it is, which changes nothing', async () => {
    for (const name of recipeNames) {
      const { recipe } = await loadRecipe(name);
      const settings = settingsOf(recipe);
      assert.ok(Object.keys(recipe.parameters ?? {}).length > 0, `${name} has parameters`);
      const plain = Object.fromEntries(
        Object.entries(settings).filter(([, value]) => /number|string|boolean/.test(typeof value)),
      ) as Record<string, number>;
      const { optimizer: _, schedule: __, ...others } = plain;
      assert.equal(settingsOf(withSettings(recipe, others)), settings, name);
    }
  });

  test('parameters reach the layer', async () => {
    const loaded = setRecipe(await loadRecipe('mnist-mlp'), { units: 16, dropout: 0.5 });
    // 784·16 + 16 + 16·16 + 16 + 16·3 + 3
    const model = recipeModel(loaded, images, 0);
    const count = [...model.parameters].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    assert.is(count, 12_883);
  });

  test('optimizer, schedule and options by their names, in any order', async () => {
    const { recipe } = await loadRecipe('fashion-cnn-bn');
    const set = withSettings(recipe, {
      'optimizer.momentum': 0.8,
      optimizer: 'sgd',
      learningRate: 0.05,
      'schedule.warmup': 0.2,
      'augmentation.shift': 3,
      'clip.norm': 1,
      batchSize: 64,
      mixup: 0.2,
    });
    assert.is(set.optimizer.name, 'sgd');
    assert.is(set.optimizer.learningRate, 0.05);
    assert.is(set.optimizer.options.momentum, 0.8);
    assert.is(set.schedule!.options.warmup, 0.2);
    assert.equal(set.augmentation, { ...recipe.augmentation, shift: 3 });
    assert.equal(set.clip, { norm: 1 });
    assert.is(set.batchSize, 64);
    assert.is(set.mixup, 0.2);
    assert.is(recipe.batchSize, 128);
  });

  test('what is no setting, or out of range, is said', async () => {
    const { recipe } = await loadRecipe('mnist-mlp');
    const wrong = (values: Record<string, number | string>, message: RegExp) =>
      assert.throws(() => withSettings(recipe, values), message);
    wrong(
      { unit: 3 },
      /^mnist-mlp: there is no setting 'unit'\n {2}Did you mean units\? There are units, dropout, learningRate, batchSize, .*optimizer\.beta1/,
    );
    wrong({ 'foo.bar': 3 }, /^mnist-mlp: there is no setting 'foo\.bar'/);
    wrong(
      { epochs: 3 },
      /^mnist-mlp: epochs is no setting of the recipe: it has an option of its own\n {2}Give --epochs\.$/,
    );
    wrong({ units: 'many' }, /^mnist-mlp: units is a number, not "many"$/);
    wrong({ batchSize: 0.5 }, /^mnist-mlp: batchSize must be a whole number of at least 1$/);
    wrong({ learningRate: 'x' }, /^mnist-mlp: learningRate must be a number above 0, not "x"$/);
    wrong({ learningRate: 0 }, /^mnist-mlp: learningRate must be a number above 0, not 0$/);
    wrong({ 'optimizer.beta9': 0.5 }, /^mnist-mlp: adam: has no option 'beta9': learningRate, /);
    wrong(
      { 'augmentation.shift': -1 },
      /^mnist-mlp: augmentation\.shift must be a number from 0 to 512: -1$/,
    );
    wrong(
      { 'augmentation.shift': 'abc' },
      /^mnist-mlp: augmentation\.shift must be a number from 0 to 512: "abc"$/,
    );
    wrong(
      { 'augmentation.shfit': 2 },
      /^mnist-mlp: augmentation\.shfit is unknown: there are shift, rotate, .*\n {2}Did you mean shift\?$/,
    );
    assert.throws(
      () => checkSettingValues({ a: [] }, 'job'),
      /^job: settings must be numbers, texts, true or false/,
    );
    assert.equal(checkSettingValues({ a: 1 }, 'job'), { a: 1 });
  });

  test('a parameter cannot have the name of another setting', async () => {
    const { recipe } = await loadRecipe('mnist-mlp');
    assert.throws(
      () => withSettings({ ...recipe, parameters: { batchSize: 3 } }, {}),
      /^mnist-mlp: parameters must be numbers, texts, true or false by names that are none of other settings$/,
    );
  });
});
