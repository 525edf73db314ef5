/** Models whose layers keep statistics: they are trained, saved and used like any other. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { relu } from '../../../src/nn/layers/activations.js';
import { batchNorm } from '../../../src/nn/layers/batchNorm.js';
import { conv2d } from '../../../src/nn/layers/conv2d.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { globalAveragePool2d, maxPool2d } from '../../../src/nn/layers/pool.js';
import { residualBlock } from '../../../src/nn/layers/residualBlock.js';
import { separableConv2d } from '../../../src/nn/layers/separableConv2d.js';
import { sequential } from '../../../src/nn/sequential.js';
import { adam } from '../../../src/optimizers/adam.js';
import { loadModel, saveModel } from '../../../src/training/files/savedModel.js';
import { fit } from '../../../src/training/fit/fit.js';
import { inFolder } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { fixture, withWasm } from '../support.js';

const norm = { momentum: 0.8 };

const network = () =>
  sequential([
    conv2d(8, 3, { strides: 2, padding: 'same', useBias: false, kernelInitializer: 'heNormal' }),
    batchNorm(norm),
    relu(),
    maxPool2d(2),
    residualBlock(8, { norm }),
    separableConv2d(16, 3, { padding: 'same', useBias: false }),
    batchNorm(norm),
    relu(),
    globalAveragePool2d(),
    dense(10),
  ]);

const options = { optimizer: adam(0.01), epochs: 6, batchSize: 32, seed: 1 };

suite('models with batch normalization', (test) => {
  test('learn, and are the same from a file, statistics included', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'model.safetensors');
      let expected: unknown;
      await withWasm(1, async (engine) => {
        const run = await fit(engine, network(), fixture.train, options);
        const weights = await run.weights();
        const statistics = [...weights].filter(([name]) => name.includes('moving'));
        assert.is(statistics.length, 8);
        for (const [name, values] of statistics) {
          const start = name.endsWith('Mean') ? 0 : 1;
          assert.ok(
            values.some((value) => Math.abs(value - start) > 0.01),
            `${name} did not move`,
          );
        }
        const { accuracy } = await run.evaluate(fixture.train);
        assert.ok(accuracy > 0.5, `the accuracy on the training images is ${accuracy}`);
        await saveModel(run, path);
        expected = [await run.evaluate(fixture.test), await run.weightsSha256()];
      });
      await withWasm(1, async (engine) => {
        const loaded = await loadModel(engine, path);
        assert.equal([await loaded.evaluate(fixture.test), await loaded.weightsSha256()], expected);
      });
    }));

  test('have the same bytes on one thread and on two', async () => {
    const train = (threads: number) =>
      withWasm(threads, async (engine) => {
        const run = await fit(engine, network(), fixture.train, { ...options, epochs: 1 });
        return run.weightsSha256();
      });
    assert.is(await train(2), await train(1));
  });
});
