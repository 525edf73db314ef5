import * as assert from 'uvu/assert';
import { layer } from '../../../src/nn/layer.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { Model } from '../../../src/nn/model.js';
import { sequential } from '../../../src/nn/sequential.js';
import { sgd } from '../../../src/optimizers/sgd.js';
import { readWeights, type Weights } from '../../../src/training/files/weights.js';
import { fit } from '../../../src/training/fit/fit.js';
import type { FitOptions } from '../../../src/training/fit/options.js';
import { evaluate } from '../../../src/training/inference/inference.js';
import { suite } from '../../support/suite.js';
import { tinyDataset, withEngine } from '../support.js';

const dataset = tinyDataset(12);
const options = {
  optimizer: sgd({ learningRate: 0.5 }),
  epochs: 3,
  batchSize: 4,
  seed: 1,
  stepsPerRun: 1,
  validation: tinyDataset(5),
} satisfies FitOptions;

/** A dense layer behind one that counts steps in a state. */
const layers = () =>
  sequential([
    flatten(),
    layer('counting', {}, (x, context) => {
      const count = context.state('count', [], 0);
      if (context.training) context.update(count, count.add(1));
      return x;
    }),
    dense(2),
  ]);

suite('averages of weights', (test) => {
  test('after the definition, with the decay that grows', () =>
    withEngine(async (engine) => {
      const model = new Model(layers(), dataset.shape, 1);
      const initial = await readWeights(engine, model);
      const seen: Weights[] = [];
      const remember = { onProgress: async () => void seen.push(await readWeights(engine, model)) };
      const run = await fit(engine, model, dataset, {
        ...options,
        weightAveraging: 0.3,
        callbacks: [remember],
      });
      assert.is(seen.length, 9);
      const found = await run.weights();
      for (const [name, start] of initial) {
        let averages = [...start];
        seen.forEach((weights, i) => {
          const t = i + 1;
          const decay = Math.min(0.3, (1 + t) / (10 + t));
          averages = averages.map((value, j) => decay * value + (1 - decay) * weights.get(name)![j]!);
        });
        averages.forEach((value, j) => {
          const difference = Math.abs(found.get(name)![j]! - value);
          assert.ok(difference < 1e-5, `${name}: ${found.get(name)![j]} and ${value}`);
        });
      }
      // decays of 2/11, 3/12 and then 0.3: nothing of the initial values is left, and a state has its own average
      assert.ok(Math.abs(found.get('layers.1.count')![0]! - 8.57) < 0.01, `${found.get('layers.1.count')}`);
    }));

  test('are what is validated and what is left in the end', () =>
    withEngine(async (engine) => {
      const plain = await fit(engine, layers(), dataset, options);
      const run = await fit(engine, layers(), dataset, { ...options, weightAveraging: 0.9 });
      assert.is.not(await run.weightsSha256(), await plain.weightsSha256());
      assert.equal(
        run.history.map(({ loss }) => loss),
        plain.history.map(({ loss }) => loss),
      );
      const { loss } = await evaluate(engine, run.model, options.validation);
      assert.is(run.history.at(-1)!.validationLoss, loss);
      assert.is.not(plain.history.at(-1)!.validationLoss, loss);
      assert.is(run.details.weightAveraging, 0.9);
      assert.is(plain.details.weightAveraging, undefined);
    }));
});
