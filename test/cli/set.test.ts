import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { RunConfig } from '../../src/runs/config.js';
import type { TrainingResult } from '../../src/runs/result.js';
import { suite } from '../support/suite.js';
import { inProject, onReference, quern, recipeText } from './support.js';

const withParameters = recipeText(`
  epochs: 3, validation: 0.2, parameters: { units: 12 }, schedule: cosineDecay(),
  layer: ({ parameters }) => sequential([flatten(), dense(parameters.units), relu(), dense(10)]),`).replace(
  'import { adam,',
  'import { cosineDecay, adam,',
);

const train = async (cwd: string, ...words: string[]) => {
  const { code, stdout, stderr } = await quern(['train', ...words, '--json'], { cwd });
  assert.is(code, 0, stderr);
  return { stderr, result: JSON.parse(stdout) as TrainingResult };
};

suite('settings and pauses at the command line', (test) => {
  test('--set changes a setting, a pause leaves the test set alone and goes on to the same bytes', () =>
    inProject(async (cwd) => {
      writeFileSync(join(cwd, 'own.mjs'), withParameters);
      const set = ['./own.mjs', '--set', 'units=5', '--set', 'schedule.final=0.1', ...onReference];
      const whole = await train(cwd, ...set, '--out', 'whole', '--quiet');
      assert.is(whole.result.parameters, 5 * 785 + 10 * 6 - 5 + 5);
      const first = await train(cwd, ...set, '--out', 'paused', '--pause-after', '1');
      assert.is(first.result.ended, 'paused');
      assert.is(first.result.epochs, 1);
      assert.is(first.result.testAccuracy, null);
      assert.match(
        first.stderr,
        /paused after epoch 1, the test set untouched; `quern train --resume paused` goes on/,
      );
      const second = await train(cwd, '--resume', 'paused', '--pause-after', '3');
      assert.is(second.result.epochs, 3);
      assert.is(second.result.testAccuracy, null);
      assert.is(second.result.weightsSha256, whole.result.weightsSha256);
      const third = await train(cwd, '--resume', 'paused');
      assert.is(third.result.testAccuracy, whole.result.testAccuracy);
      const config = JSON.parse(readFileSync(join(cwd, 'paused', 'config.json'), 'utf8')) as RunConfig;
      assert.equal(config.arguments.set, { units: 5, 'schedule.final': 0.1 });
      assert.is(config.arguments.pauseAfter, undefined);
    }));

  test('what is no setting is said before anything is made', () =>
    inProject(async (cwd) => {
      const refused = async (words: string[], message: RegExp) => {
        const { code, stderr } = await quern(['train', './tiny.mjs', ...words], { cwd });
        assert.is(code, 2, stderr);
        assert.match(stderr, message);
      };
      await refused(
        ['--set', 'units'],
        /^quern: --set must be a name and what it shall be, such as units=64: units/,
      );
      await refused(['--set', 'a=1', '--set', 'a=2'], /^quern: --set a is given more than once/);
      await refused(
        ['--set', 'units=3'],
        /^quern: tiny: there is no setting 'units'\n {2}There are learningRate, /,
      );
      await refused(
        ['--set', 'augmentation.shift=abc'],
        /^quern: tiny: augmentation\.shift must be a number from 0 to 512: "abc"\n/,
      );
      await refused(
        ['--set', 'augmentation.shfit=2'],
        /^quern: tiny: augmentation\.shfit is unknown: there are shift, .*\n {2}Did you mean shift\?\n/,
      );
      await refused(
        ['--validation', '0.001', '--limit', '100', ...onReference],
        /^quern: --validation must leave both parts an image: 0\.001 of 100 images is 0\n$/m,
      );
      assert.equal(readdirSync(cwd), ['tiny.mjs']);
      await refused(
        ['--resume', 'x', '--set', 'a=1'],
        /^quern: --resume goes on as the run was begun: a recipe cannot/,
      );
    }));
});
