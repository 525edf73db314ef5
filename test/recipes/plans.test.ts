import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { findEntry, readManifest } from '../../src/data/catalog/manifest.js';
import { openEngine } from '../../src/engine/engine.js';
import { loadRecipe, recipeModel, recipeNames } from '../../src/recipes/index.js';
import { ResidentFeed } from '../../src/training/feeds/resident.js';
import { FitStep } from '../../src/training/fit/step.js';
import { plainPixels } from '../../src/training/inference/normalization.js';
import { suite } from '../support/suite.js';

/**
 * The plans by which `quern train` trains its recipes on wasm, as printed; the dataset is the small fixture. A change
 * that is meant writes them anew, and the difference is read before it is committed:
 *
 *     QUERN_GOLDEN=write node dist/test/recipes/plans.test.js
 */
const write = process.env.QUERN_GOLDEN === 'write';

suite('plans of the recipes', (test) => {
  for (const name of recipeNames) {
    test(name, async () => {
      const { train } = await loadDataset('fixture');
      await using engine = await openEngine({ backend: 'wasm', threads: 1 });
      const loaded = await loadRecipe(name);
      const { classes } = findEntry(readManifest(), loaded.recipe.dataset);
      const { optimizer, batchSize = 128, normalization = plainPixels } = loaded.recipe;
      const model = recipeModel(loaded, { shape: train.shape, classes }, 1);
      const step = new FitStep(engine, model, new ResidentFeed(train), { optimizer, normalization });
      const text = `${step.compile(batchSize).plan}\n`;
      const file = fileURLToPath(new URL(`../../../test/recipes/golden/${name}.txt`, import.meta.url));
      if (write) writeFileSync(file, text);
      assert.fixture(text, readFileSync(file, 'utf8'));
    });
  }
});
