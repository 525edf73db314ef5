import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, ModelError } from '../../src/core/errors.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { sequential } from '../../src/nn/sequential.js';
import { adam } from '../../src/optimizers/adam.js';
import { Checkpoints } from '../../src/runs/checkpoints.js';
import { type Checkpoint, decodeCheckpoint } from '../../src/training/files/checkpoint.js';
import { fit } from '../../src/training/fit/fit.js';
import { inFolder, rejects } from '../data/support.js';
import { suite } from '../support/suite.js';
import { tinyDataset, withEngine } from '../training/support.js';

/** What a training of three steps saves at its end. */
async function makeCheckpoint(): Promise<Checkpoint> {
  let last: Checkpoint | undefined;
  await withEngine(async (engine) => {
    await fit(engine, sequential([flatten(), dense(2)]), tinyDataset(6), {
      optimizer: adam(),
      epochs: 1,
      batchSize: 2,
      checkpoint: {
        save: (checkpoint) => {
          last = checkpoint;
        },
      },
    });
  });
  return last!;
}

const checkpoint = await makeCheckpoint();
const atStep = (step: number): Checkpoint => ({ ...checkpoint, step });

suite('checkpoints of a run', (test) => {
  test('none, one, two: the last is loaded and the one before it stays', () =>
    inFolder(async (folder) => {
      const checkpoints = new Checkpoints(join(folder, 'deep/checkpoints'));
      assert.is(await checkpoints.load(), undefined);
      for (const step of [1, 2, 3]) await checkpoints.save(atStep(step));
      assert.equal(readdirSync(checkpoints.folder).sort(), ['last.safetensors', 'previous.safetensors']);
      const loaded = await checkpoints.load();
      assert.is(loaded!.checkpoint.step, 3);
      assert.is(loaded!.damage, undefined);
      assert.equal([...loaded!.checkpoint.tensors.keys()], [...checkpoint.tensors.keys()]);
    }));

  test('a process that is killed between its two renames leaves the previous one', () =>
    inFolder(async (folder) => {
      const checkpoints = new Checkpoints(folder);
      await checkpoints.save(atStep(1));
      const bytes = readFileSync(join(folder, 'last.safetensors'));
      await checkpoints.save(atStep(2));
      writeFileSync(join(folder, 'previous.safetensors'), bytes);
      truncateSync(join(folder, 'last.safetensors'), 100);
      const loaded = await checkpoints.load();
      assert.is(loaded!.checkpoint.step, 1);
      assert.ok(loaded!.path.endsWith('previous.safetensors'));
      assert.match(loaded!.damage!, /last\.safetensors: truncated: /);
    }));

  test('a last one that is damaged never takes the place of the whole one before it', () =>
    inFolder(async (folder) => {
      const checkpoints = new Checkpoints(folder);
      for (const step of [1, 2]) await checkpoints.save(atStep(step));
      const last = join(folder, 'last.safetensors');
      const bytes = readFileSync(last);
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(last, bytes);
      const { checkpoint, damage } = (await checkpoints.load())!;
      assert.is(checkpoint.step, 1);
      assert.match(damage!, /last\.safetensors: damaged: /);
      const stepOfPrevious = async () =>
        (await decodeCheckpoint(readFileSync(join(folder, 'previous.safetensors')), 'previous')).step;
      await checkpoints.save(atStep(3));
      assert.is(await stepOfPrevious(), 1);
      await checkpoints.save(atStep(4));
      assert.is(await stepOfPrevious(), 3);
    }));

  test('one that cannot be written: what was saved before stays', () =>
    inFolder(async (folder) => {
      const checkpoints = new Checkpoints(folder);
      await checkpoints.save(atStep(1));
      mkdirSync(join(folder, 'last.safetensors.new'));
      await rejects(
        checkpoints.save(atStep(2)),
        ModelError,
        /last\.safetensors\.new: cannot be written: E\w+: .*\n {2}What was saved before is whole: .* goes on from there\.$/,
      );
      assert.is((await checkpoints.load())!.checkpoint.step, 1);
    }));

  test('nothing but damaged ones', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'last.safetensors'), 'no checkpoint');
      await rejects(new Checkpoints(folder).load(), DataError, /last\.safetensors: not a safetensors file: /);
      rmSync(join(folder, 'last.safetensors'));
      mkdirSync(join(folder, 'last.safetensors'));
      await rejects(new Checkpoints(folder).load(), DataError, /last\.safetensors: cannot be read: EISDIR: /);
    }));

  test('what the system refuses', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'file'), '');
      await rejects(
        new Checkpoints(join(folder, 'file/checkpoints')).save(checkpoint),
        ModelError,
        /checkpoints: cannot be made: ENOTDIR: not a directory$/,
      );
    }));
});
