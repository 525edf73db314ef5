/**
 * A training that is killed at random moments (SIGKILL: nothing can be done about it) and resumed each time ends in the
 * bytes of one that ran through. QUERN_KILLS says how many moments there are, QUERN_KILL_SEED which.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { randomKey, randomUniform } from '../../../src/core/random.js';
import type { TrainingResult } from '../../../src/runs/result.js';
import { suite } from '../../support/suite.js';
import { inProject, quern, recipeText } from '../support.js';

const kills = Number(process.env.QUERN_KILLS ?? 5);
const seed = Number(process.env.QUERN_KILL_SEED ?? Date.now() % 1_000_000);

/** Everything that has a state, and epochs enough that there is always something left to kill. */
const recipe = recipeText(`
  epochs: ${40 * kills}, batchSize: 40, validation: 0.2, schedule: cosineDecay(), augmentation: { shift: 2, rotate: 5 },
  mixup: 0.2, labelSmoothing: 0.1, clip: { norm: 1 }, weightAveraging: 0.9, plateau: reduceOnPlateau(),
  earlyStopping: { patience: 100_000 },
  layer: () => sequential([flatten(), dense(24), relu(), dropout(0.2), dense(10)]),`).replace(
  'import { adam,',
  'import { cosineDecay, dropout, reduceOnPlateau, adam,',
);

const words = ['--backend', 'wasm', '--threads', '2', '--checkpoint-every', '0.05', '--quiet'];
const resumeWords = ['--threads', '1', '--checkpoint-every', '0.05', '--quiet'];

suite('a training that is killed', (test) => {
  test(`at ${kills} random moments, seed ${seed}`, () =>
    inProject(async (cwd) => {
      console.log(`QUERN_KILL_SEED=${seed} QUERN_KILLS=${kills}`);
      writeFileSync(join(cwd, 'long.mjs'), recipe);
      const whole = await quern(['train', './long.mjs', '--out', 'whole', ...words], { cwd });
      assert.is(whole.code, 0, whole.stderr);
      const result = (run: string) =>
        JSON.parse(readFileSync(join(cwd, run, 'result.json'), 'utf8')) as TrainingResult;
      // From before the run has begun; late enough that it comes near its end with the last of them.
      const milliseconds = 600 + (result('whole').trainSeconds * 2000) / kills;

      const next = () =>
        existsSync(join(cwd, 'run/config.json'))
          ? ['train', '--resume', 'run', ...resumeWords]
          : ['train', './long.mjs', '--out', 'run', ...words];
      let killed = 0;
      for (let i = 0; i < kills; i++) {
        const moment = Math.round(randomUniform(i, randomKey(seed, 'kills'), 0) * milliseconds);
        const { code, stderr } = await quern(next(), { cwd, killAfter: moment });
        // null: by the signal; else it had come to its end before
        assert.ok(code === null || code === 0, stderr);
        assert.is(stderr, '');
        if (code === null) killed++;
      }
      const last = await quern(next(), { cwd });
      assert.is(last.code, 0, last.stderr);
      assert.is(result('run').weightsSha256, result('whole').weightsSha256);
      assert.is(result('run').testLoss, result('whole').testLoss);
      console.log(`killed ${killed} times, ${result('run').steps} steps`);
      assert.ok(killed > 0, 'it was never killed');
    }));
});
