import * as assert from 'uvu/assert';
import { perturb } from '../../src/data/images/perturb.js';
import { Model } from '../../src/nn/model.js';
import { measureRobustness } from '../../src/report/metrics/robustness.js';
import { TrainedModel } from '../../src/training/files/trainedModel.js';
import { suite } from '../support/suite.js';
import { fixture, perceptron, withEngine } from '../training/support.js';

suite('robustness', (test) => {
  test('every change in four severities, and it can be interrupted', () =>
    withEngine(async (engine) => {
      const { name: dataset, classes } = fixture.test;
      const details = { classes, dataset, normalization: { mean: 0, deviation: 1 }, numerics: 'any' };
      const trained = new TrainedModel(engine, new Model(perceptron(), [28, 28, 1]), details);
      const told: number[] = [];
      const found = await measureRobustness(trained, fixture.test, { onProgress: (done) => told.push(done) });
      assert.equal(
        found.map(({ text }) => text),
        [
          ...['1 px', '2 px', '3 px', '4 px'],
          ...['10°', '20°', '30°', '45°'],
          ...['σ 16 of 255', 'σ 32 of 255', 'σ 64 of 255', 'σ 96 of 255'],
          ...['σ 0.5 px', 'σ 1 px', 'σ 1.5 px', 'σ 2 px'],
        ],
      );
      assert.equal(
        told,
        Array.from({ length: 16 }, (_, i) => i + 1),
      );
      const changed = perturb(fixture.test, { kind: 'blur', severity: 2 });
      const { accuracy, loss, interval } = await trained.evaluate(changed);
      const last = found.at(-1)!;
      assert.equal(
        { ...last, loss: 0 },
        { kind: 'blur', severity: 2, text: 'σ 2 px', accuracy, loss: 0, interval },
      );
      assert.ok(Math.abs(last.loss - loss) < 1e-5);
      const reason = new Error('enough');
      const refused = await measureRobustness(trained, fixture.test, {
        signal: AbortSignal.abort(reason),
      }).catch((error) => error);
      assert.is(refused, reason);
    }));
});
