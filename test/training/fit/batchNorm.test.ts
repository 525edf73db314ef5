/** What is evaluated after short and after long trainings with batch normalization, by corrected statistics and Keras's rule. */
import * as assert from 'uvu/assert';
import {
  adam,
  batchNorm,
  dense,
  type FitOptions,
  fit,
  flatten,
  loadDataset,
  openEngine,
  relu,
  sequential,
} from '../../../src/index.js';
import { suite } from '../../support/suite.js';

suite('batch normalization in trainings', (test) => {
  const trained = async (biasCorrection: boolean, epochs: number, momentum: number) => {
    const engine = await openEngine({ backend: 'wasm', threads: 1 });
    try {
      const { train, test: unseen } = await loadDataset('fixture');
      const layers = [flatten(), dense(32), batchNorm({ momentum, biasCorrection }), relu(), dense(10)];
      const options: FitOptions = {
        optimizer: adam({ learningRate: 0.002 }),
        epochs,
        batchSize: 50,
        seed: 4,
      };
      const run = await fit(engine, sequential(layers), train, options);
      const steps = run.history.at(-1)!.step;
      const { accuracy } = await run.evaluate(unseen);
      const onTrain = (await run.evaluate(train)).accuracy;
      const weights = await run.weights();
      return { steps, accuracy, onTrain, weights, epoch: run.history.at(-1)!.accuracy };
    } finally {
      await engine.close();
    }
  };

  test('after one epoch an evaluation is not behind the epoch; by the plain rule it is', async () => {
    const corrected = await trained(true, 1, 0.99);
    const plain = await trained(false, 1, 0.99);
    assert.ok(corrected.onTrain >= corrected.epoch - 0.1, `${corrected.onTrain}, ${corrected.epoch}`);
    assert.ok(plain.onTrain < corrected.onTrain, `${plain.onTrain}, ${corrected.onTrain}`);
  });

  test('finished trainings lose nothing: the same weights, and both statistics tell the same', async () => {
    const [momentum, epochs] = [0.9, 24];
    const corrected = await trained(true, epochs, momentum);
    const plain = await trained(false, epochs, momentum);
    assert.ok(momentum ** corrected.steps < 1e-6, `${corrected.steps} steps`);
    for (const [path, data] of corrected.weights) {
      const other = plain.weights.get(path)!;
      data.forEach((value, i) => {
        const allowed = /moving/.test(path) ? 1e-5 * (1 + Math.abs(value)) : 0;
        assert.ok(Math.abs(value - other[i]!) <= allowed, `${path}: ${value}, ${other[i]}`);
      });
    }
    assert.is(corrected.accuracy, plain.accuracy);
    assert.is(corrected.onTrain, plain.onTrain);
  });
});
