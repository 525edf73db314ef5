import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, ModelError } from '../../src/core/errors.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../src/training/checkpoint.js';
import { loadCheckpoint, saveCheckpoint } from '../../src/training/checkpointFile.js';
import { encodeSafetensors } from '../../src/training/safetensors.js';
import { rejects, throws } from '../data/support.js';
import { suite } from '../support/suite.js';

const checkpoint: Checkpoint = {
  conditions: { batchSize: 12, optimizer: { name: 'sgd', options: {} }, clip: null },
  step: 7,
  epoch: 3,
  stepsOfEpoch: 1,
  stepsPerEpoch: 3,
  epochs: 4,
  secondsOfEpoch: 0.1,
  seconds: 12.25,
  rateFactor: 0.1 + 0.2,
  ending: null,
  history: [
    {
      epoch: 1,
      step: 3,
      loss: 0.1,
      accuracy: 1 / 3,
      validationLoss: 2,
      learningRate: 0.01,
      seconds: 1,
      imagesPerSecond: 40,
    },
  ],
  callbacks: { earlyStopping: { best: -0.1, waited: 2 }, mine: [1, null] },
  tensors: new Map([
    ['weights/layers.0.bias', { shape: [2], data: Float32Array.of(0.1, -0) }],
    ['state/training.steps', { shape: [], data: Int32Array.of(7) }],
  ]),
};

suite('checkpoints', (test) => {
  test('come back as they were', () => {
    assert.equal(decodeCheckpoint(encodeCheckpoint(checkpoint), 'a'), checkpoint);
    const finished = { ...checkpoint, ending: 'finished', history: [], tensors: new Map() };
    assert.equal(decodeCheckpoint(encodeCheckpoint(finished), 'a'), finished);
  });

  test('cut off at any byte: an error that names the file', () => {
    const bytes = encodeCheckpoint(checkpoint);
    for (let length = 0; length < bytes.length; length++) {
      throws(
        () => decodeCheckpoint(bytes.subarray(0, length), 'runs/1/last'),
        DataError,
        length < 8 ? /^runs\/1\/last: not a safetensors file: / : /^runs\/1\/last: truncated: /,
      );
    }
  });

  test('of other kinds', () => {
    const withMetadata = (entries: Record<string, string>) =>
      encodeSafetensors({ tensors: new Map(), metadata: new Map(Object.entries(entries)) });
    const refuse = (
      entries: Record<string, string>,
      kind: typeof ModelError | typeof DataError,
      message: RegExp,
    ) => throws(() => decodeCheckpoint(withMetadata(entries), 'a'), kind, message);
    const format = 'quern-checkpoint';
    refuse(
      { format: 'quern' },
      ModelError,
      /^a: not a checkpoint of Quern: the header's __metadata__ does not say so$/,
    );
    refuse(
      { format, version: '2' },
      ModelError,
      /^a: a checkpoint of version 2, this Quern reads version 1$/,
    );
    refuse({ format, version: '1' }, ModelError, /^a: training in the header's __metadata__ is not JSON$/);
    refuse({ format, version: '1', training: '[]' }, DataError, /^a: training must be an object$/);
    const { tensors, ...values } = checkpoint;
    const changed = (part: object) => ({
      format,
      version: '1',
      training: JSON.stringify({ ...values, ...part }),
    });
    refuse(changed({ step: -1 }), DataError, /^a: training\.step must be a whole number of at least 0$/);
    refuse(changed({ seconds: '1' }), DataError, /^a: training\.seconds must be a number$/);
    refuse(changed({ ending: 1 }), DataError, /^a: training\.ending must be a text that is not empty$/);
    refuse(changed({ callbacks: 1 }), DataError, /^a: training\.callbacks must be an object$/);
    refuse(changed({ more: 1 }), DataError, /^a: training\.more must be left out: /);
  });
});

suite('checkpoint files', (test) => {
  test('are saved and loaded', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quern-checkpoint-'));
    try {
      const path = join(folder, 'last.safetensors');
      await saveCheckpoint({ ...checkpoint, step: 1 }, path);
      await saveCheckpoint(checkpoint, path);
      assert.equal(await loadCheckpoint(path), checkpoint);
      assert.equal(await readdir(folder), ['last.safetensors']);
      await writeFile(path, encodeCheckpoint(checkpoint).subarray(0, 100));
      await rejects(
        loadCheckpoint(path),
        DataError,
        /last\.safetensors: truncated: the header should end at byte/,
      );
      const missing = join(folder, 'none');
      await rejects(
        loadCheckpoint(missing),
        DataError,
        /none: cannot be read: ENOENT: no such file or directory$/,
      );
      await rejects(
        saveCheckpoint(checkpoint, join(missing, 'last')),
        ModelError,
        /last: cannot be written: ENOENT: no such file or directory$/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
