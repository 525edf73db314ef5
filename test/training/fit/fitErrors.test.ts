import { ShapeError, UsageError } from '../../../src/core/errors.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { Model } from '../../../src/nn/model.js';
import { sequential } from '../../../src/nn/sequential.js';
import { adam } from '../../../src/optimizers/adam.js';
import { fit } from '../../../src/training/fit/fit.js';
import type { FitOptions } from '../../../src/training/fit/options.js';
import { rejects } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { fixture, perceptron, tinyDataset, withEngine } from '../support.js';

const options = {
  optimizer: adam({ learningRate: 0.01 }),
  epochs: 2,
  batchSize: 48,
  seed: 1,
} satisfies FitOptions;

suite('fit, refused', (test) => {
  const refuse = (
    what: string,
    changes: Partial<FitOptions>,
    kind: new (...parameters: never[]) => Error,
    message: RegExp,
    layers = perceptron(),
    dataset = fixture.train,
  ) =>
    test(what, () =>
      withEngine((engine) =>
        rejects(fit(engine, layers, dataset, { ...options, ...changes }), kind, message).then(() => {}),
      ),
    );

  refuse(
    'validation by writer without a fraction',
    { validationBy: 'writer' },
    UsageError,
    /^fit: validation by writer needs the fraction of the images to hold out$/,
  );
  refuse(
    'validation by writer of images whose writers are not known',
    { validationBy: 'writer', validation: 0.5 },
    UsageError,
    /^splitByWriter: who wrote the images of fixture is not known\n/,
  );

  for (const name of ['epochs', 'batchSize', 'stepsPerRun']) {
    for (const value of [0, 1.5, Number.NaN]) {
      const message = new RegExp(`^fit: ${name} must be a whole number of at least 1: ${value}$`);
      refuse(`${name} ${value}`, { [name]: value }, UsageError, message);
    }
  }
  refuse(
    'a deviation of 0',
    { normalization: { mean: 0.1, deviation: 0 } },
    UsageError,
    /^normalization: takes a mean and a deviation above 0, on the scale from 0 to 1: 0.1 and 0$/,
  );
  refuse(
    'nothing held out',
    { validation: 0 },
    UsageError,
    /^fit: validation must leave both parts an image: /,
  );
  refuse('a bad seed', { seed: -1 }, UsageError, /^randomKey: the seed must be a whole number/);
  refuse(
    'no images',
    {},
    UsageError,
    /^fit: there is nothing to train on: tiny has 0 images$/,
    perceptron(),
    tinyDataset(0),
  );
  refuse(
    'too few outputs',
    {},
    ShapeError,
    /^fit: the model gives \[9\] for an image, there are 10 classes\n {2}The last layer of a classifier is dense\(10\)\.$/,
    sequential([flatten(), dense(9)]),
  );
  refuse(
    'images that are not flattened',
    {},
    ShapeError,
    /^fit: the model gives \[28, 28, 10\] for an image, there are 10 classes/,
    dense(10),
  );
  refuse(
    'validation images of another shape',
    { validation: tinyDataset(3) },
    ShapeError,
    /^fit: validation: the model takes images of \[28, 28, 1\], these are \[2, 2, 1\]$/,
  );

  test('a model of other images', () =>
    withEngine(async (engine) => {
      const model = new Model(sequential([flatten(), dense(2)]), [3, 3, 1]);
      const message = /^fit: the model takes images of \[3, 3, 1\], these are \[2, 2, 1\]$/;
      await rejects(fit(engine, model, tinyDataset(3), options), ShapeError, message);
    }));
});
