import { chooseSettings } from '../../src/cli/commands/train/settings.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { findEntry, readManifest } from '../../src/data/catalog/manifest.js';
import { type Engine, openEngine } from '../../src/engine/engine.js';
import { loadRecipe, recipeModel, recipeNames } from '../../src/recipes/index.js';
import { fit } from '../../src/training/fit/fit.js';
import { detectSimdLevel } from '../../src/writers/wasm/simdLevel.js';
import { checkGolden, type Entries, incomparable } from '../support/golden.js';
import { suite } from '../support/suite.js';

const { train, test: testImages } = await loadDataset('fixture');

/** The layers, feeds and options that there are; the other recipes have the layers of mnist-cnn. */
const atBaseline = [
  'mnist-mlp',
  'mnist-cnn',
  'mnist-speedrun',
  'fashion-cnn',
  'fashion-cnn-bn',
  'fashion-resnet',
];

/** Trains a recipe on the 256 images for an epoch, or two where a batch holds them all, and measures it. */
async function trainBriefly(engine: Engine, name: string) {
  const loaded = await loadRecipe(name);
  const { classes } = findEntry(readManifest(), loaded.recipe.dataset);
  const { batchSize } = chooseSettings(loaded.recipe, { seed: 1 });
  const settings = chooseSettings(loaded.recipe, { seed: 1, epochs: batchSize < train.count ? 1 : 2 });
  const model = recipeModel(loaded, { shape: train.shape, classes }, settings.seed);
  const run = await fit(engine, model, { ...train, classes }, settings);
  const { loss: testLoss } = await run.evaluate({ ...testImages, classes });
  return { weightsSha256: await run.weightsSha256(), loss: run.history.at(-1)!.loss, testLoss };
}

/**
 * What short trainings of the recipes on the fixture end in, to the bit, per SIMD level. A change that is meant writes
 * them anew, and changes `numericsVersion` of the backend where the arithmetic has become another:
 *
 *     QUERN_GOLDEN=write node dist/test/recipes/trainings.test.js
 */
suite('short trainings of the recipes', (test) => {
  for (const simd of ['baseline', 'relaxed'] as const) {
    const reason =
      simd === 'relaxed' && detectSimdLevel() !== simd
        ? 'this JavaScript engine has no relaxed SIMD'
        : incomparable(simd);
    if (reason !== undefined) {
      test.unavailable(simd, reason);
      continue;
    }
    const found: Record<string, Entries> = {};
    // one engine: recipes share kernels, so they are compiled once
    let engine: Engine | undefined;
    test.after(() => engine?.close());
    for (const name of simd === 'baseline' ? atBaseline : recipeNames) {
      test(`${name} (${simd})`, async () => {
        engine ??= await openEngine({ backend: 'wasm', threads: 1, simd });
        found[name] = await trainBriefly(engine, name);
      });
    }
    test(`${simd}: the bits are as they were`, () => {
      const command = 'QUERN_GOLDEN=write node dist/test/recipes/trainings.test.js';
      checkGolden('recipes/golden/trainings.json', simd, found, command);
    });
  }
});
