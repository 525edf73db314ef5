import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, ModelError } from '../../../src/core/errors.js';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from '../../../src/training/files/checkpoint.js';
import { loadCheckpoint, saveCheckpoint } from '../../../src/training/files/checkpointFile.js';
import { encodeSafetensors } from '../../../src/training/files/safetensors.js';
import { rejects, sha256 } from '../../data/support.js';
import { suite } from '../../support/suite.js';

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
  test('come back as they were', async () => {
    assert.equal(await decodeCheckpoint(await encodeCheckpoint(checkpoint), 'a'), checkpoint);
    const finished = { ...checkpoint, ending: 'finished', history: [], tensors: new Map() };
    assert.equal(await decodeCheckpoint(await encodeCheckpoint(finished), 'a'), finished);
  });

  test('cut off at any byte: an error that names the file', async () => {
    const bytes = await encodeCheckpoint(checkpoint);
    for (let length = 0; length < bytes.length; length++) {
      await rejects(
        decodeCheckpoint(bytes.subarray(0, length), 'runs/1/last'),
        DataError,
        length < 8 ? /^runs\/1\/last: not a safetensors file: / : /^runs\/1\/last: truncated: /,
      );
    }
  });

  test('with any number changed: an error that names the file', async () => {
    const bytes = await encodeCheckpoint(checkpoint);
    const changed = async (at: number, value: number) => {
      const copy = bytes.slice();
      copy[at] = value;
      await rejects(
        decodeCheckpoint(copy, 'runs/1/last'),
        DataError,
        /^runs\/1\/last: damaged: its content has another SHA-256 than its header names$/,
      );
    };
    for (let at = bytes.length - 12; at < bytes.length; at++) await changed(at, bytes[at]! ^ 1);
    // the step, 7 in the header's JSON
    const header = new TextDecoder('latin1').decode(bytes);
    await changed(header.indexOf('step\\":7') + 'step\\":'.length, '8'.charCodeAt(0));
  });

  test('of other kinds', async () => {
    const withMetadata = (entries: Record<string, string>) =>
      encodeSafetensors({ tensors: new Map(), metadata: new Map(Object.entries(entries)) });
    const refuse = async (
      entries: Record<string, string>,
      kind: typeof ModelError | typeof DataError,
      message: RegExp,
    ) => rejects(decodeCheckpoint(withMetadata(entries), 'a'), kind, message);
    const format = 'quern-checkpoint';
    const hash = (text: string) => sha256(new TextEncoder().encode(text));
    const sealed = (training: string) => ({ format, version: '2', sha256: hash(hash(training)), training });
    await refuse(
      { format: 'quern' },
      ModelError,
      /^a: not a checkpoint of Quern: the header's __metadata__ does not say so$/,
    );
    await refuse(
      { format, version: '1' },
      ModelError,
      /^a: a checkpoint of version 1, this Quern reads version 2$/,
    );
    await refuse(sealed('{'), DataError, /^a: training: is not JSON$/);
    await refuse(sealed('[]'), DataError, /^a: training must be an object: /);
    const { tensors, ...values } = checkpoint;
    const changed = (part: object) => sealed(JSON.stringify({ ...values, ...part }));
    await refuse(
      changed({ step: -1 }),
      DataError,
      /^a: training\.step must be a whole number of at least 0: /,
    );
    await refuse(changed({ seconds: '1' }), DataError, /^a: training\.seconds must be a number: /);
    await refuse(
      changed({ ending: 1 }),
      DataError,
      /^a: training\.ending must be a text that is not empty: /,
    );
    await refuse(changed({ callbacks: 1 }), DataError, /^a: training\.callbacks must be an object: /);
    await refuse(changed({ more: 1 }), DataError, /^a: training\.more must be left out: the members are /);
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
      await writeFile(path, (await encodeCheckpoint(checkpoint)).subarray(0, 100));
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
