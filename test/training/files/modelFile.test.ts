import { createHash } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, ModelError, QuernError } from '../../../src/core/errors.js';
import { layer } from '../../../src/nn/layer.js';
import { dense } from '../../../src/nn/layers/dense.js';
import { flatten } from '../../../src/nn/layers/flatten.js';
import { Model } from '../../../src/nn/model.js';
import { sequential } from '../../../src/nn/sequential.js';
import { adam } from '../../../src/optimizers/adam.js';
import { readModelFile } from '../../../src/training/files/modelFile.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
} from '../../../src/training/files/safetensors.js';
import { loadModel, saveModel } from '../../../src/training/files/savedModel.js';
import { TrainedModel } from '../../../src/training/files/trainedModel.js';
import { writeWeights } from '../../../src/training/files/weights.js';
import { fit } from '../../../src/training/fit/fit.js';
import { inFolder, rejects } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { fixture, perceptron, withEngine } from '../support.js';

const details = {
  classes: ['yes', 'no'],
  normalization: { mean: 0.3, deviation: 0.4 },
  dataset: 'tiny',
  numerics: 'none',
};

const small = () => new Model(sequential([flatten(), dense(2)]), [2, 2, 1], 1);

suite('model files', (test) => {
  test('a trained model is the same in another engine, to the bit', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'model.safetensors');
      let expected: unknown;
      await withEngine(async (engine) => {
        const run = await fit(engine, perceptron(), fixture.train, {
          optimizer: adam(),
          epochs: 1,
          normalization: { mean: 0.2, deviation: 0.4 },
          recipe: 'mine',
          weightAveraging: 0.5,
        });
        await saveModel(run, path);
        expected = [await run.evaluate(fixture.test), await run.weights(), await run.weightsSha256()];
      });
      await withEngine(async (engine) => {
        const loaded = await loadModel(engine, path);
        assert.equal(
          [await loaded.evaluate(fixture.test), await loaded.weights(), await loaded.weightsSha256()],
          expected,
        );
        assert.equal(loaded.details, {
          classes: fixture.train.classes,
          normalization: { mean: 0.2, deviation: 0.4 },
          dataset: 'fixture',
          recipe: 'mine',
          weightAveraging: 0.5,
          numerics: engine.report.numerics,
        });
      });
    }));

  test('the hash of the weights is that of what follows the header', () =>
    inFolder(async (folder) =>
      withEngine(async (engine) => {
        const path = join(folder, 'model.safetensors');
        const trained = new TrainedModel(engine, small(), details);
        await saveModel(trained, path);
        const bytes = readFileSync(path);
        const data = bytes.subarray(8 + Number(bytes.readBigUInt64LE()));
        assert.is(createHash('sha256').update(data).digest('hex'), await trained.weightsSha256());
        assert.equal((await loadModel(engine, path)).details, details);
      }),
    ));

  test('the hash in the file is of all that it holds: no bit can change', () =>
    inFolder(async (folder) =>
      withEngine(async (engine) => {
        const path = join(folder, 'model.safetensors');
        await saveModel(new TrainedModel(engine, small(), details), path);
        const whole = readFileSync(path);
        for (let bit = 0; bit < 8 * whole.length; bit += 7) {
          const bytes = Uint8Array.from(whole);
          bytes[bit >> 3]! ^= 1 << (bit & 7);
          writeFileSync(path, bytes);
          await rejects(readModelFile(path), QuernError, /model\.safetensors: /);
        }
      }),
    ));

  test('an unwritable path', () =>
    withEngine(async (engine) => {
      const path = join(import.meta.filename, 'model.safetensors');
      const saving = saveModel(new TrainedModel(engine, small(), details), path);
      await rejects(saving, ModelError, /model\.safetensors: cannot be written: ENOTDIR/);
    }));

  test('weights of another model', () =>
    withEngine(async (engine) => {
      const other = new Model(sequential([flatten(), dense(3), dense(2)]), [2, 2, 1]);
      const tensors = new Map([
        ['layers.1.kernel', { shape: [4, 2], data: new Float32Array(8) }],
        ['layers.1.bias', { shape: [3], data: new Int32Array(3) }],
        ['layers.9.bias', { shape: [2], data: new Float32Array(2) }],
      ]);
      const message = new RegExp(
        '^file: the weights are of another architecture: layers\\.1\\.kernel is \\[4, 2\\], not \\[4, 3\\]; ' +
          'layers\\.1\\.bias is not float32; layers\\.2\\.kernel \\[3, 2\\] is missing; and 2 more$',
      );
      await rejects(writeWeights(engine, other, tensors, 'file'), ModelError, message);
    }));
});

suite('model files, refused', (test) => {
  /** Saves a small model, changes what its file says, and reads it again. */
  const refuse = (
    what: string,
    change: (file: {
      tensors: Map<string, Safetensors['tensors'] extends ReadonlyMap<string, infer T> ? T : never>;
      metadata: Map<string, string>;
    }) => void,
    kind: new (...parameters: never[]) => Error,
    message: RegExp,
  ) =>
    test(what, () =>
      inFolder(async (folder) =>
        withEngine(async (engine) => {
          const path = join(folder, 'model.safetensors');
          await saveModel(new TrainedModel(engine, small(), details), path);
          const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
          const file = { tensors: new Map(tensors), metadata: new Map(metadata) };
          // as somebody does who changes a file and leaves it without a hash, as version 0.1 did
          file.metadata.delete('sha256');
          change(file);
          writeFileSync(path, encodeSafetensors(file));
          const error = await rejects(readModelFile(path), kind, message);
          assert.ok(error.message.startsWith(path), error.message);
        }),
      ),
    );

  refuse(
    'another format',
    ({ metadata }) => metadata.set('format', 'pt'),
    ModelError,
    /: not a model of Quern: the header's/,
  );
  refuse(
    'no metadata',
    ({ metadata }) => metadata.clear(),
    ModelError,
    /: not a model of Quern: the header's/,
  );
  refuse(
    'another version',
    ({ metadata }) => metadata.set('version', '2'),
    ModelError,
    /: a model file of version 2, this Quern reads version 1$/,
  );
  refuse(
    'metadata that is no JSON',
    ({ metadata }) => metadata.set('classes', '[1,'),
    DataError,
    /: __metadata__\.classes: is not JSON$/,
  );
  refuse(
    'no architecture',
    ({ metadata }) => metadata.delete('architecture'),
    ModelError,
    /: the model cannot be restored: restoreLayer: the model names no kind of layer$/,
  );
  refuse(
    'no input shape',
    ({ metadata }) => metadata.delete('inputShape'),
    DataError,
    /: __metadata__\.inputShape must be a list: /,
  );
  refuse(
    'an input shape of nothing',
    ({ metadata }) => metadata.set('inputShape', '[2,0]'),
    DataError,
    /: __metadata__\.inputShape\[1\] must be a whole number of at least 1: /,
  );
  refuse(
    'no numerics',
    ({ metadata }) => metadata.delete('numerics'),
    DataError,
    /: __metadata__\.numerics must be a text/,
  );
  refuse(
    'a normalization of texts',
    ({ metadata }) => metadata.set('normalization', '{"mean":"a","deviation":1}'),
    DataError,
    /: __metadata__\.normalization\.mean must be a number: /,
  );
  refuse(
    'a normalization that divides by 0',
    ({ metadata }) => metadata.set('normalization', '{"mean":0,"deviation":0}'),
    ModelError,
    /: the model cannot be restored: normalization: takes a mean and a deviation above 0/,
  );
  refuse(
    'something that does not belong',
    ({ metadata }) => metadata.set('author', '"me"'),
    DataError,
    /: __metadata__\.author must be left out: the members are architecture,/,
  );
  refuse(
    'an unknown layer',
    ({ metadata }) => metadata.set('architecture', '{"kind":"swish"}'),
    ModelError,
    /: the model cannot be restored: restoreLayer: the model is of the unknown kind 'swish'\n {2}A layer of your own/,
  );
  refuse(
    'layers that do not fit the images',
    ({ metadata }) => metadata.set('architecture', '{"kind":"maxPool2d","options":{"window":[9,9]}}'),
    ModelError,
    /: the model cannot be restored: .+/,
  );
  refuse(
    'more classes than outputs',
    ({ metadata }) => metadata.set('classes', '["a","b","c"]'),
    ModelError,
    /: the model cannot be restored: it gives \[2\] for 3 classes$/,
  );
  refuse(
    'another architecture',
    ({ metadata }) => metadata.set('inputShape', '[3,3,1]'),
    ModelError,
    /: the weights are of another architecture: layers\.1\.kernel is \[4, 2\], not \[9, 2\]$/,
  );
  refuse(
    'an architecture of absurd size',
    ({ metadata }) => metadata.set('inputShape', '[900000000,900000000]'),
    ModelError,
    /: the (weights are of another architecture|model cannot be restored): /,
  );
  refuse(
    'a missing tensor',
    ({ tensors }) => tensors.delete('layers.1.bias'),
    ModelError,
    /: the weights are of another architecture: layers\.1\.bias \[2\] is missing$/,
  );
  refuse(
    'a tensor too many',
    ({ tensors }) => tensors.set('more', { shape: [1], data: new Float32Array(1) }),
    ModelError,
    /: the weights are of another architecture: more is not in the model$/,
  );

  test('no file', () =>
    rejects(
      readModelFile('nowhere.safetensors'),
      DataError,
      /^nowhere\.safetensors: cannot be read: ENOENT: no such file or directory$/,
    ).then(() => {}));

  test('a file that is too large to be a model', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'model.safetensors');
      writeFileSync(path, '');
      truncateSync(path, 2 ** 30 + 1);
      const message = /model\.safetensors: cannot be read: 1073741825 bytes, the limit is 1073741824$/;
      await rejects(readModelFile(path), DataError, message);
    }));

  test('a truncated file', () =>
    inFolder(async (folder) =>
      withEngine(async (engine) => {
        const path = join(folder, 'model.safetensors');
        await saveModel(new TrainedModel(engine, small(), details), path);
        writeFileSync(path, readFileSync(path).subarray(0, -1));
        await rejects(
          loadModel(engine, path),
          DataError,
          /model\.safetensors: truncated: tensor 'layers\.1\.bias' ends at/,
        );
      }),
    ));

  test("a layer of one's own that is not registered", () =>
    inFolder(async (folder) =>
      withEngine(async (engine) => {
        const path = join(folder, 'model.safetensors');
        const model = new Model(sequential([flatten(), layer('mine', {}, (x) => x), dense(2)]), [2, 2, 1]);
        await saveModel(new TrainedModel(engine, model, details), path);
        await rejects(loadModel(engine, path), ModelError, /layers\.1 is of the unknown kind 'mine'/);
      }),
    ));
});
