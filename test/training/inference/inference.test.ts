import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as assert from 'uvu/assert';
import { ShapeError } from '../../../src/core/errors.js';
import { imageSize, take } from '../../../src/data/dataset.js';
import { openEngine } from '../../../src/engine/engine.js';
import { relu } from '../../../src/nn/layers/activations.js';
import { conv2d } from '../../../src/nn/layers/conv2d.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { maxPool2d } from '../../../src/nn/layers/pool.js';
import { Model } from '../../../src/nn/model.js';
import { sequential } from '../../../src/nn/sequential.js';
import { evaluate, predict, predictionBatch } from '../../../src/training/inference/inference.js';
import { wilsonInterval } from '../../../src/training/inference/interval.js';
import { rejects } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { fixture, perceptron, tinyDataset, withEngine, withWasm } from '../support.js';

const { train, test: testSet } = fixture;

suite('evaluate and predict', (test) => {
  test('loss and accuracy are those of the probabilities', () =>
    withEngine(async (engine) => {
      const model = new Model(perceptron(), train.shape, 1);
      // 256 images: a ragged batch behind a whole one
      const evaluation = await evaluate(engine, model, train);
      const { data, shape } = await predict(engine, model, train.images);
      assert.equal(shape, [256, 10]);
      let loss = 0;
      let correct = 0;
      train.labels.forEach((label, image) => {
        const row = [...data.subarray(image * 10, image * 10 + 10)];
        assert.ok(Math.abs(row.reduce((sum, share) => sum + share) - 1) < 1e-5);
        loss -= Math.log(row[label]!) / 256;
        if (row.indexOf(Math.max(...row)) === label) correct += 1;
      });
      assert.ok(Math.abs(evaluation.loss - loss) < 1e-5, `${evaluation.loss} and ${loss}`);
      assert.is(evaluation.correct, correct);
      assert.is(evaluation.count, 256);
      assert.is(evaluation.accuracy, correct / 256);
      assert.equal(evaluation.interval, wilsonInterval(correct, 256));
    }));

  test('an image has the same probabilities in any batch', () =>
    withWasm(2, async (engine) => {
      const layers = [conv2d(8, 3), relu(), maxPool2d(2), conv2d(16, 3), relu(), flatten(), dense(10)];
      const model = new Model(sequential(layers), train.shape, 1);
      const size = imageSize(train);
      const together = (await predict(engine, model, train.images)).data;
      for (const [from, to] of [
        [0, 1],
        [255, 256],
        [3, 140],
      ] as const) {
        const some = await predict(engine, model, train.images.subarray(from * size, to * size));
        assert.equal([...some.data], [...together.subarray(10 * from, 10 * to)]);
      }
    }));

  test('batches of predictions: one where it fits, then equal ones', () => {
    for (const [count, most, batch] of [
      [1, 256, 1],
      [256, 256, 256],
      [257, 256, 129],
      [300, 256, 150],
      [10_000, 256, 250],
      [60_000, 256, 250],
      [10_007, 256, 251],
      [7, 2, 2],
      [5, 1, 1],
    ] as const) {
      assert.is(predictionBatch(count, most), batch, `${count}`);
    }
  });

  test('again, and of a part', () =>
    withEngine(async (engine) => {
      const model = new Model(perceptron(), train.shape, 1);
      const first = await evaluate(engine, model, testSet);
      assert.equal(await evaluate(engine, model, testSet), first);
      const part = await evaluate(engine, model, take(testSet, 10));
      assert.is(part.count, 10);
      assert.equal(await evaluate(engine, model, testSet), first);
    }));

  test('several at once do not count into each other, nor does one that fails', () =>
    withEngine(async (engine) => {
      const model = new Model(perceptron(), train.shape, 1);
      const alone = [await evaluate(engine, model, train), await evaluate(engine, model, testSet)];
      const signal = AbortSignal.abort(new Error('enough'));
      const [ofTrain, failed, ofTest] = await Promise.allSettled([
        evaluate(engine, model, train),
        evaluate(engine, model, train, { signal }),
        evaluate(engine, model, testSet),
      ]);
      assert.is(failed.status, 'rejected');
      assert.equal(
        [ofTrain, ofTest].map((result) => result.status === 'fulfilled' && result.value),
        alone,
      );
    }));

  test('a model does not keep a closed engine alive', async () => {
    const model = new Model(perceptron(), train.shape, 1);
    const use = async () => {
      const engine = await openEngine({ backend: 'reference' });
      await evaluate(engine, model, testSet);
      await predict(engine, model, testSet.images);
      await engine.close();
      return new WeakRef(engine);
    };
    const engine = await use();
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let i = 0; i < 10 && engine.deref() !== undefined; i++) {
      await new Promise((resolve) => setTimeout(resolve));
      collect();
    }
    assert.is(engine.deref(), undefined);
    assert.is(model.inputShape, train.shape);
  });

  test('normalization: (pixel / 255 - mean) / deviation', () =>
    withEngine(async (engine) => {
      const dataset = tinyDataset(3);
      const model = new Model(sequential([flatten(), dense(2)]), dataset.shape, 1);
      const kernel = Float32Array.of(1, -1, 0.5, 0, 0, 2, -0.5, 0.25);
      await engine.write(model.parameters[0]!, kernel);
      const normalization = { mean: 0.25, deviation: 0.5 };
      const { data } = await predict(engine, model, dataset.images, { normalization });
      for (let image = 0; image < 3; image++) {
        const x = [...dataset.images.subarray(image * 4, image * 4 + 4)].map((p) => (p / 255 - 0.25) / 0.5);
        const [a, b] = [0, 1].map((j) => x.reduce((sum, value, i) => sum + value * kernel[i * 2 + j]!, 0));
        const share = 1 / (1 + Math.exp(b! - a!));
        assert.ok(Math.abs(data[image * 2]! - share) < 1e-6, `${data[image * 2]} and ${share}`);
      }
      const plain = await evaluate(engine, model, dataset);
      const normalized = await evaluate(engine, model, dataset, { normalization });
      assert.is.not(plain.loss, normalized.loss);
    }));

  test('no images', () =>
    withEngine(async (engine) => {
      const model = new Model(perceptron(), train.shape);
      assert.equal((await predict(engine, model, new Uint8Array(0))).shape, [0, 10]);
      const { count, interval } = await evaluate(engine, model, {
        ...tinyDataset(0),
        shape: [28, 28, 1],
        classes: train.classes,
      });
      assert.is(count, 0);
      assert.equal(interval, [0, 1]);
    }));

  test('progress, and an end at the signal', () =>
    withEngine(async (engine) => {
      const model = new Model(perceptron(), train.shape);
      const seen: number[] = [];
      const onProgress = (finished: number, count: number) => void seen.push(finished, count);
      await evaluate(engine, model, train, { onProgress });
      await predict(engine, model, train.images, { onProgress });
      assert.equal(seen, [250, 256, 256, 256, 256, 256]);
      const signal = AbortSignal.abort(new Error('enough'));
      await rejects(evaluate(engine, model, train, { signal }), Error, /^enough$/);
      await rejects(predict(engine, model, train.images, { signal }), Error, /^enough$/);
      assert.is((await evaluate(engine, model, train)).count, 256);
    }));

  test('what does not fit', () =>
    withEngine(async (engine) => {
      const model = new Model(perceptron(), train.shape);
      await rejects(
        evaluate(engine, model, tinyDataset(3)),
        ShapeError,
        /^evaluate: the model takes images of \[28, 28, 1\], these are \[2, 2, 1\]$/,
      );
      await rejects(
        evaluate(engine, model, { ...testSet, classes: [...testSet.classes, 'a', 'b'] }),
        ShapeError,
        /^evaluate: the model gives \[10\] for an image, there are 12 classes\n/,
      );
      await rejects(
        predict(engine, model, testSet.images.subarray(0, imageSize(testSet) + 1)),
        ShapeError,
        /^predict: 785 pixels are no whole number of images of \[28, 28, 1\] \(784 each\)$/,
      );
    }));
});
