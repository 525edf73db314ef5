/** What `fit`, `evaluate` and `predict` are given: datasets made by hand, and options. */
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../../src/core/errors.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { openEngine } from '../../../src/engine/engine.js';
import { softmax } from '../../../src/nn/layers/activations.js';
import { batchNorm } from '../../../src/nn/layers/batchNorm.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { Model } from '../../../src/nn/model.js';
import { sequential } from '../../../src/nn/sequential.js';
import { sgd } from '../../../src/optimizers/sgd.js';
import { fit } from '../../../src/training/fit/fit.js';
import type { FitOptions } from '../../../src/training/fit/options.js';
import { evaluate, predict } from '../../../src/training/inference/inference.js';
import { suite } from '../../support/suite.js';

const data: Dataset = {
  name: 'own',
  split: 'train',
  images: Uint8Array.from({ length: 6 * 4 }, (_, i) => i * 9),
  labels: Uint8Array.of(0, 1, 2, 0, 1, 2),
  count: 6,
  shape: [2, 2, 1],
  classes: ['a', 'b', 'c'],
};
const layers = sequential([flatten(), dense(3)]);
const options: FitOptions = { optimizer: sgd(0.1), epochs: 1, batchSize: 2 };

const hint =
  'A dataset is { name, split, images: Uint8Array of pixels from 0 to 255, labels: Uint8Array of class numbers, count, shape: [height, width, channels], classes: names }.';

async function refusal(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, Error);
  return error as Error;
}

suite('datasets and options of fit, evaluate and predict', (test) => {
  const engineOf = () => openEngine({ backend: 'wasm', threads: 1 });

  test('a label that is no class is refused at every entrance', async () => {
    await using engine = await engineOf();
    const wrong = { ...data, labels: Uint8Array.of(0, 1, 2, 0, 3, 2) };
    const message = 'own: a label is out of range: number 4 is 3, the classes are 0 to 2';
    assert.is((await refusal(fit(engine, layers, wrong, options))).message, `fit: ${message}`);
    const validated = fit(engine, layers, data, { ...options, validation: wrong });
    assert.is((await refusal(validated)).message, `fit: validation: ${message}`);
    const model = new Model(layers, [2, 2, 1]);
    assert.is((await refusal(evaluate(engine, model, wrong))).message, `evaluate: ${message}`);
  });

  test('what is no dataset is told what one is', async () => {
    await using engine = await engineOf();
    const rows: [object, string][] = [
      [{ images: [...data.images] }, 'images is Array, not Uint8Array'],
      [{ images: Float32Array.from(data.images) }, 'images is Float32Array, not Uint8Array'],
      [{ labels: Int32Array.from(data.labels) }, 'labels is Int32Array, not Uint8Array'],
      [{ classes: undefined }, 'classes is undefined, not an array of names'],
      [{ shape: undefined }, 'shape is undefined, not [height, width, channels]'],
      [{ shape: [2, 2] }, 'shape is [2,2], not [height, width, channels]'],
      [{ count: 5 }, '24 pixels are not 5 images of [2, 2, 1] (4 pixels each)'],
      [{ labels: data.labels.subarray(1) }, 'there are 5 labels for 6 images'],
      [{ name: undefined }, 'name is undefined, not text'],
    ];
    for (const [change, wrong] of rows) {
      const error = await refusal(fit(engine, layers, { ...data, ...change } as Dataset, options));
      assert.instance(error, DataError);
      assert.is(error.message, `fit: this is no dataset: ${wrong}\n  ${hint}`);
    }
    const model = new Model(layers, [2, 2, 1]);
    const pixels = await refusal(predict(engine, model, 'pixels' as unknown as Uint8Array));
    assert.match(pixels.message, /^predict: these are no images\n {2}It takes a Uint8Array /);
  });

  test('options that nobody knows are refused by name, with the right name', async () => {
    await using engine = await engineOf();
    const rows: [string, string][] = [
      ['validationSplit', 'Its name here is validation.'],
      ['batch_size', 'Its name here is batchSize.'],
      ['epoch', 'Its name here is epochs.'],
      ['earlystopping', 'Its name here is earlyStopping.'],
    ];
    for (const [name, cure] of rows) {
      const error = await refusal(fit(engine, layers, data, { ...options, [name]: 1 } as FitOptions));
      assert.instance(error, UsageError);
      assert.is(error.message, `fit: there is no option '${name}'\n  ${cure}`);
    }
    const model = new Model(layers, [2, 2, 1]);
    const error = await refusal(evaluate(engine, model, data, { sgnal: 1 } as object));
    assert.is(error.message, "evaluate: there is no option 'sgnal'\n  Its name here is signal.");
  });

  test('what is probably a mistake is said once', async () => {
    await using engine = await engineOf();
    const told: string[] = [];
    const onWarning = (text: string) => void told.push(text);
    await fit(engine, sequential([flatten(), dense(3), softmax()]), data, {
      ...options,
      epochs: 2,
      onWarning,
    });
    assert.is(told.length, 1);
    assert.match(told[0]!, /^fit: the last layer is a softmax/);
    told.length = 0;
    const normalized = sequential([flatten(), batchNorm(), dense(3)]);
    await fit(engine, normalized, data, { ...options, batchSize: 1, onWarning });
    await fit(engine, normalized, data, { ...options, batchSize: 5, onWarning });
    await fit(engine, normalized, data, { ...options, batchSize: 3, onWarning });
    assert.is(told.length, 2);
    assert.match(told[0]!, /^fit: batches of one image and batch normalization/);
    assert.match(told[1]!, /^fit: a last batch of one image \(6 images by 5\)/);
    told.length = 0;
    await fit(engine, layers, data, { ...options, optimizer: sgd(1e6), epochs: 3, onWarning });
    assert.is(told.length, 1);
    assert.match(
      told[0]!,
      /^fit: the loss of epoch \d is \S+, where guessing has 1.10: a lower learning rate/,
    );
  });

  test('states of optimizers that become infinite end the training', async () => {
    await using engine = await engineOf();
    const { rmsprop } = await import('../../../src/optimizers/rmsprop.js');
    const model = new Model(layers, [2, 2, 1]);
    await engine.write(model.parameters[0]!, new Float32Array(12).fill(1e25));
    const training = fit(engine, model, data, {
      ...options,
      optimizer: rmsprop(0.001),
      normalization: { mean: 0, deviation: 1e-22 },
    });
    assert.match((await refusal(training)).message, /^fit: a number is not finite in step \d of epoch 1/);
  });
});
