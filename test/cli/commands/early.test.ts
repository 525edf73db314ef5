import * as assert from 'uvu/assert';
import { readEarly } from '../../../src/cli/commands/train/early.js';
import { openDataset, silent } from '../../../src/cli/inputs/datasets.js';
import { inFolder } from '../../data/support.js';
import { suite } from '../../support/suite.js';

suite('cli: train reads data early', (test) => {
  test('of a recipe that comes with Quern, as the command opens it later', async () => {
    const early = await readEarly({ recipe: 'mnist-mlp', limit: 20 });
    const { train, test: rest } = await openDataset('mnist', { limit: 20, offline: true }, silent);
    assert.equal(await early?.opened, { train, test: rest });
  });

  test('not where an option decides what is read', async () => {
    for (const asked of [
      { recipe: './own.js' },
      { recipe: 'toString' },
      { recipe: 'mnist-mlp', data: './digits' },
      { recipe: 'mnist-mlp', set: { units: 8 } },
      { recipe: 'mnist-mlp', validationByWriter: true },
    ]) {
      assert.is(await readEarly(asked), undefined);
    }
  });

  test('what is wrong with files is left to the command', () =>
    inFolder(async (dataDir) => {
      const early = await readEarly({ recipe: 'mnist-mlp', dataDir });
      assert.is(await early?.opened, undefined);
    }));
});
