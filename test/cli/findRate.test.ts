import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { searchText } from '../../src/cli/commands/findRate/run.js';
import { suite } from '../support/suite.js';
import { inProject, quern, recipeText } from './support.js';

const onOneThread = ['--backend', 'wasm', '--threads', '1'];
const words = ['find-rate', './tiny.mjs', '--from', '1e-5', '--steps', '40', ...onOneThread];

suite('quern find-rate', (test) => {
  test('for people: a table, the curve, a suggestion; nothing is kept but the picture', () =>
    inProject(async (cwd) => {
      const { code, stdout, stderr } = await quern([...words, '--out', 'rates.svg'], { cwd });
      assert.is(code, 0, stderr);
      assert.match(stdout, /^ +rate +loss +smoothed\n *1\.0e-5 +2\.\d{4} +2\.\d{4}\n/);
      assert.match(stdout, /\n1\.0e-5 [▁▂▃▄▅▆▇█]{10,} \d\.\de[-+]\d\n/u);
      assert.match(stdout, /\nsuggestion: \d\.\de-\d, where the loss falls fastest\n$/);
      assert.match(
        readFileSync(join(cwd, 'rates.svg'), 'utf8'),
        /^<svg [^>]*aria-label="Loss over learning rate/,
      );
      assert.equal(readdirSync(cwd).sort(), ['rates.svg', 'tiny.mjs']);
    }));

  test('as JSON, with the optimizer that is asked for', () =>
    inProject(async (cwd) => {
      const json = [...words, '--json', '--quiet', '--optimizer', 'adamw', '--batch-size', '32'];
      const { code, stdout, stderr } = await quern(json, { cwd });
      assert.is(code, 0, stderr);
      assert.is(stderr, '');
      const result = JSON.parse(stdout);
      assert.is(result.recipe, 'tiny');
      assert.is(result.dataset, 'fixture');
      assert.is(result.optimizer, 'adamW');
      assert.is(result.backend, 'wasm');
      assert.is(result.batchSize, 32);
      assert.ok(result.suggestion > 1e-5 && result.suggestion < result.lowest);
      assert.ok(result.points.length <= 40);
      assert.equal(Object.keys(result.points[0]), ['learningRate', 'loss', 'smoothed']);
    }));

  test('where the loss does not fall it says so', () => {
    const points = [1e-3, 2e-3].map((learningRate) => ({ learningRate, loss: 2, smoothed: 2 }));
    const text = searchText({ points, suggestion: null, lowest: null, diverged: false });
    assert.match(text, /\n\nthe loss never ran away\nnothing to suggest: the loss did not fall$/);
  });

  test('it searches within what validation leaves, and never in the test set', () =>
    inProject(async (cwd) => {
      writeFileSync(join(cwd, 'held.mjs'), recipeText('validation: 0.5,'));
      const first = async (recipe: string) =>
        JSON.parse(
          (
            await quern(
              [...words, '--json'].map((word) => (word === './tiny.mjs' ? recipe : word)),
              { cwd },
            )
          ).stdout,
        ).points[0].loss;
      assert.not((await first('./tiny.mjs')) === (await first('./held.mjs')));
    }));

  test('what is wrong ends it, before anything is done', () =>
    inProject(async (cwd) => {
      const refuse = async (more: string[], expected: RegExp, exit = 2) => {
        const { code, stdout, stderr } = await quern([...words, ...more], { cwd });
        assert.match(stderr, expected);
        assert.is(code, exit);
        assert.is(stdout, '');
      };
      await refuse(['--to', '1e-6'], /^quern: --to must be above --from: 0\.000001 and 0\.00001\n$/);
      await refuse(['--optimizer', 'lamb'], /^quern: optimizer: there is no 'lamb': sgd, adam, /);
      const { stderr, code } = await quern(['find-rate', 'tiny.mjs', '--steps', '3'], { cwd });
      assert.is(code, 2);
      assert.match(stderr, /^quern: --steps must be a whole number of at least 20\n$/);
    }));

  test('a picture that cannot be written is a fault, after the result', () =>
    inProject(async (cwd) => {
      const { code, stdout, stderr } = await quern([...words, '--out', 'no/rates.svg'], { cwd });
      assert.is(code, 1);
      assert.match(stdout, /suggestion: /);
      assert.match(stderr, /^quern: no\/rates\.svg: cannot be written: /m);
    }));
});
