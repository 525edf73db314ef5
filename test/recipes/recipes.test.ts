import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, ModelError, UsageError } from '../../src/core/errors.js';
import { findEntry, readManifest } from '../../src/data/catalog/manifest.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { sequential } from '../../src/nn/sequential.js';
import { summarize } from '../../src/nn/summary.js';
import { adam } from '../../src/optimizers/adam.js';
import { reduceOnPlateau } from '../../src/optimizers/plateau.js';
import { cosineDecay } from '../../src/optimizers/schedules.js';
import { loadRecipe, recipeModel, recipeNames } from '../../src/recipes/index.js';
import { defineRecipe, type Recipe } from '../../src/recipes/recipe.js';
import { inFolder, rejects, throws } from '../data/support.js';
import { suite } from '../support/suite.js';

const root = join(import.meta.dirname, '../../..');

const valid: Recipe = {
  name: 'mine',
  title: 'Mine',
  dataset: 'mnist',
  layer: () => sequential([flatten(), dense(10)]),
  optimizer: adam(),
  epochs: 1,
};

const digits = { shape: [28, 28, 1], classes: [...'0123456789'] } as const;

async function layersOf(name: string) {
  const loaded = await loadRecipe(name);
  const { image: shape, classes } = findEntry(readManifest(), loaded.recipe.dataset);
  return summarize(recipeModel(loaded, { shape, classes }, 0));
}

const inFile = (text: string, check: (path: string) => Promise<void>, name = 'recipe.mjs') =>
  inFolder(async (folder) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    await check(path);
  });

suite('recipes', (test) => {
  for (const name of recipeNames) {
    test(`${name}: sound, within its bounds, its reference published`, async () => {
      const { recipe, source } = await loadRecipe(name);
      assert.is(source, name);
      assert.is(recipe.name, name);
      assert.is(recipe, defineRecipe(recipe));
      const { references } = JSON.parse(readFileSync(join(root, 'data/references.json'), 'utf8')) as {
        references: { dataset: string; testAccuracy: number }[];
      };
      const known = references
        .filter(({ dataset }) => dataset === recipe.dataset)
        .map(({ testAccuracy }) => testAccuracy / 100);
      assert.ok(known.some((accuracy) => Math.abs(accuracy - recipe.reference!.accuracy) < 1e-9));
      assert.ok((await layersOf(name)).parameters <= 3_000_000);
    });
  }

  for (const name of recipeNames) {
    test(`${name}: its last layer goes by the classes of the data, and color will do`, async () => {
      const images = { shape: [28, 28, 3], classes: ['rose', 'tulip', 'daisy'] } as const;
      assert.equal(recipeModel(await loadRecipe(name), images, 0).outputShape, [3]);
    });
  }

  test('mnist-mlp is 784-128-128-10', async () => {
    const { parameters, layers } = await layersOf('mnist-mlp');
    assert.is(parameters, 118_282);
    assert.equal(
      layers.map(({ kind }) => kind),
      ['flatten', 'dense', 'relu', 'dense', 'relu', 'dense'],
    );
  });

  test('fashion-cnn has the layers of its seed', async () => {
    const { layers, parameters } = await layersOf('fashion-cnn');
    assert.ok(parameters <= 500_000);
    const convolution = ['conv2d', 'relu', 'maxPool2d'];
    assert.equal(
      layers.map(({ kind }) => kind),
      [...convolution, ...convolution, 'dropout', 'flatten', 'dense', 'relu', 'dropout', 'dense'],
    );
    assert.equal(layers.at(-4)!.outputShape, [128]);
    assert.equal(layers.at(-1)!.outputShape, [10]);
  });
});

suite('defineRecipe', (test) => {
  test('all members', () => {
    const recipe: Recipe = {
      ...valid,
      reference: { accuracy: 0.9, source: 'a paper' },
      batchSize: 32,
      validation: 0.1,
      normalization: { mean: 0.1, deviation: 0.3 },
      target: 0.975,
      schedule: cosineDecay(),
      augmentation: { shift: 2, rotate: 10 },
      mixup: 0.2,
      labelSmoothing: 0.1,
      clip: { norm: 1 },
      weightAveraging: 0.999,
      earlyStopping: { patience: 5 },
      plateau: reduceOnPlateau(),
      makeCallbacks: () => [],
    };
    assert.is(defineRecipe(recipe), recipe);
  });

  const wrong: [string, unknown, string][] = [
    ['name', 'a/b', 'a name of letters, digits, dots, dashes and underscores'],
    ['name', '..', 'a name of letters, digits, dots, dashes and underscores'],
    ['title', '', 'a text'],
    ['dataset', undefined, 'the name of a dataset'],
    ['reference', { accuracy: 92, source: 'a paper' }, 'an accuracy between 0 and 1 and its source'],
    ['layer', dense(10), 'a function that makes a layer'],
    ['optimizer', 'adam', 'an optimizer such as adam()'],
    ['schedule', 0.1, 'a schedule such as cosineDecay()'],
    ['epochs', 0, 'a whole number of at least 1'],
    ['batchSize', 1.5, 'a whole number of at least 1'],
    ['validation', 1, 'a fraction between 0 and 1'],
    ['normalization', { mean: 0 }, 'a mean and a deviation above 0'],
    ['target', 97.5, 'a test accuracy between 0 and 1'],
    ['augmentation', 3, 'an augmentation such as { shift: 2, rotate: 10 }'],
    ['mixup', -1, 'a number of at least 0'],
    ['labelSmoothing', 1, 'at least 0 and below 1'],
    ['clip', { norm: 0 }, 'limits above 0 such as { norm: 1 }'],
    ['weightAveraging', 'always', 'at least 0 and below 1'],
    ['earlyStopping', 5, 'options such as { patience: 5 }'],
    ['plateau', {}, 'a plateau such as reduceOnPlateau()'],
    ['makeCallbacks', [], 'a function that makes a list of callbacks'],
  ];
  for (const [member, value, wanted] of wrong) {
    test(`${member}: ${JSON.stringify(value)}`, () => {
      const message = `defineRecipe: ${member} must be ${wanted}`;
      try {
        defineRecipe({ ...valid, [member]: value });
      } catch (error) {
        assert.instance(error, UsageError);
        assert.is((error as Error).message, message);
        return;
      }
      assert.unreachable();
    });
  }

  test('augmentation says which of its options is wrong', () =>
    throws(
      () => defineRecipe({ ...valid, augmentation: { shift: -1 } }),
      UsageError,
      /^defineRecipe: augmentation\.shift must be a number from 0 to 512: -1$/,
    ));

  test('what a recipe does not have', () => {
    const recipe = { ...valid, epoch: 3 } as Recipe;
    throws(
      () => defineRecipe(recipe),
      UsageError,
      /^defineRecipe: a recipe has no member 'epoch': it has name, title,/,
    );
    throws(() => defineRecipe(null as never), UsageError, /^defineRecipe: a recipe is an object, not null$/);
    throws(() => defineRecipe([] as never), UsageError, /^defineRecipe: a recipe is an object, not a list$/);
  });
});

suite('loadRecipe', (test) => {
  const source = `
    import { adam, dense, defineRecipe, flatten, sequential } from 'quern';
    export default defineRecipe({
      name: 'mine', title: 'Mine', dataset: 'fixture', epochs: 2, optimizer: adam(),
      layer: () => sequential([flatten(), dense(10)]),
    });`;

  for (const name of ['recipe.mjs', 'a recipe #1.js']) {
    test(`${name}: a file anywhere, which imports this very quern`, () =>
      inFile(
        source,
        async (path) => {
          const loaded = await loadRecipe(path);
          assert.is(loaded.recipe.name, 'mine');
          assert.is(recipeModel(loaded, digits, 3).parameters.length, 2);
        },
        name,
      ));
  }

  test('a name that nothing has', () =>
    rejects(
      loadRecipe('mnist-mpl'),
      UsageError,
      /^unknown recipe 'mnist-mpl': it is neither one of .*mnist-mlp.* nor a file\n {2}Did you mean mnist-mlp\?$/,
    ).then(() => {}));

  test('a folder', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'recipe');
      mkdirSync(path);
      await rejects(loadRecipe(path), UsageError, /nor a file\n {2}`quern recipes`/);
    }));

  const refuse = (what: string, text: string, message: RegExp) =>
    test(what, () =>
      inFile(text, async (path) => {
        const error = await rejects(loadRecipe(path), DataError, message);
        assert.ok(error.message.startsWith(path), error.message);
      }),
    );
  refuse(
    'it throws',
    "\n  throw new Error('no luck\\nat all')",
    /: the recipe cannot be loaded: no luck \(recipe\.mjs:2:9\)$/,
  );
  refuse('it throws no error', 'throw null', /: the recipe cannot be loaded: null$/);
  refuse(
    'it is no JavaScript',
    'export default {',
    /: the recipe cannot be loaded: Unexpected end of input\n {2}`node --check \S+recipe\.mjs` shows the line; where it/,
  );
  refuse(
    'it imports what Quern does not have',
    "\nimport { densee } from 'quern';",
    /: the recipe cannot be loaded: The requested module 'quern' .* named 'densee' \(recipe\.mjs:2\)$/,
  );
  refuse(
    'it imports what is not there',
    "import './gone.js'",
    /: the recipe cannot be loaded: Cannot find module/,
  );
  refuse(
    'nothing is exported',
    'export const a = 1',
    /: a recipe is an object, not undefined\n {2}A recipe file says: export/,
  );
  refuse(
    'nonsense is exported',
    'export default 3',
    /: a recipe is an object, not number\n {2}A recipe file says: export/,
  );
  refuse(
    'something is missing',
    'export default { name: "mine" }',
    /: title must be a text\n {2}A recipe file says: export/,
  );
});

suite('recipeModel', (test) => {
  const refuseFile = (what: string, layer: string, message: RegExp) =>
    test(what, () =>
      inFile(
        `import { adam, dense, flatten, layer, sequential } from 'quern';
        const own = () => layer('own', {}, (x) => x.multiplx(2));
        export default { name: 'm', title: 'M', dataset: 'fixture', epochs: 1, batchSize: 2, optimizer: adam(),
          layer: () => sequential([flatten(), ${layer}, dense(10)]) }`,
        async (path) => {
          const loaded = await loadRecipe(path);
          throws(() => recipeModel(loaded, digits, 0), ModelError, message);
        },
      ),
    );
  refuseFile(
    'a mistake in a layer of its own, with the line',
    'own()',
    /: its model cannot be made: x\.multiplx is not a function \(recipe\.mjs:2:53\)$/,
  );
  refuseFile(
    'an argument out of range, with the line',
    'dense(0)',
    /: its model cannot be made: dense: units must be a whole number of at least 1: 0 \(recipe\.mjs:4:47\)$/,
  );

  const refuse = (what: string, layer: () => never, message: RegExp) =>
    test(what, () => {
      const loaded = { recipe: { ...valid, layer }, source: './mine.js' };
      throws(() => recipeModel(loaded, digits, 0), ModelError, message);
    });
  refuse(
    'layers that cannot be made',
    () => {
      throw new Error('no layers');
    },
    /^\.\/mine\.js: its model cannot be made: no layers$/,
  );
  refuse('no layer', () => 3 as never, /^\.\/mine\.js: its model cannot be made: Model: .* is not a layer/);
  refuse(
    'layers that do not fit together',
    () => sequential([dense(3), flatten(), flatten(), dense(0)]) as never,
    /^\.\/mine\.js: its model cannot be made: dense: units must be a whole number of at least 1: 0$/,
  );
});
