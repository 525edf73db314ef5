import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.js';
import { inProject, onReference, quern } from '../support.js';

suite('the last run', (test) => {
  test('goes by that name; the end of a training says what comes next; a run without a model says so', () =>
    inProject(async (cwd) => {
      const without = await quern(['evaluate', 'last'], { cwd });
      assert.is(without.stderr, 'quern: last: there is no run in runs yet\n');
      assert.is(without.code, 2);

      const words = ['train', './tiny.mjs', '--epochs', '1', '--limit', '64', ...onReference];
      const first = await quern([...words, '--out', 'runs/b'], { cwd });
      assert.match(first.stderr, /next: `quern report runs\/b` makes a page, `quern predict runs\/b FILE` /);
      const second = await quern([...words, '--out', 'runs/a', '--quiet'], { cwd });
      assert.is(second.code, 0, second.stderr);
      assert.not(second.stderr.includes('next:'));

      const evaluated = await quern(['evaluate', 'last', '--limit', '50', '--json', ...onReference], { cwd });
      assert.is(JSON.parse(evaluated.stdout).model, 'runs/a', evaluated.stderr);
      const compared = await quern(['runs', 'compare', 'runs/b', 'last'], { cwd });
      assert.match(compared.stdout, /A {2}runs\/b .*\nB {2}runs\/a /);
      const list = async (...options: string[]) => {
        const { stdout } = await quern(['runs', '--json', ...options], { cwd });
        return JSON.parse(stdout).runs.map(({ path }: { path: string }) => path);
      };
      assert.equal(await list(), ['runs/b', 'runs/a']);
      assert.equal(await list('--sort', 'recipe', '--recipe', 'tiny'), ['runs/b', 'runs/a']);
      assert.equal(await list('--recipe', 'mnist-mlp'), []);
      assert.equal(await list('--state', 'failed'), []);

      const layers = await quern(['summary', 'last'], { cwd });
      assert.match(layers.stdout, /^tiny on fixture\n/);

      rmSync(join(cwd, 'runs/a/model.safetensors'));
      for (const command of [
        ['evaluate', 'last'],
        ['predict', 'last', 'x.png'],
        ['summary', 'runs/a'],
      ]) {
        const { code, stderr } = await quern(command, { cwd });
        assert.match(
          stderr,
          /^quern: runs\/a: the run has no model yet: there is no model\.safetensors\n {2}It is /,
        );
        assert.is(code, 1);
      }
      mkdirSync(join(cwd, 'empty'));
      const empty = await quern(['evaluate', 'empty'], { cwd });
      assert.match(empty.stderr, /^quern: empty: a folder without a run or a model: /);
    }));
});
