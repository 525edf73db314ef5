import * as assert from 'uvu/assert';
import { adam, dense, fit, flatten, loadDataset, openEngine, sequential } from '../../../src/index.js';
import { suite } from '../../support/suite.js';

suite('a trained model', (test) => {
  test('classify names what predict gives, in whatever form images come', async () => {
    const engine = await openEngine({ backend: 'wasm', threads: 1 });
    try {
      const { train, test: unseen } = await loadDataset('fixture');
      const layers = sequential([flatten(), dense(10)]);
      const run = await fit(engine, layers, train, {
        optimizer: adam({ learningRate: 0.01 }),
        epochs: 3,
        seed: 2,
      });
      const images = unseen.images.subarray(0, 3 * 784);
      const { data } = await run.predict(images);
      const found = await run.classify(images);
      assert.is(found.length, 3);
      for (const [i, { class: name, probability, probabilities }] of found.entries()) {
        const row = Array.from(data.subarray(10 * i, 10 * i + 10));
        assert.is(probability, Math.max(...row));
        assert.is(name, unseen.classes[row.indexOf(probability)]);
        assert.equal(probabilities, Object.fromEntries(unseen.classes.map((each, j) => [each, row[j]])));
      }
      const floats = Float32Array.from(images, (pixel) => pixel / 255);
      assert.equal(await run.classify(floats), found);
      const rgba = new Uint8ClampedArray(4 * 784).map((_, i) => (i % 4 === 3 ? 255 : images[i >> 2]!));
      const canvas = { data: rgba, width: 28, height: 28 };
      assert.equal(await run.classify([canvas, canvas]), [found[0], found[0]]);
    } finally {
      await engine.close();
    }
  });
});
