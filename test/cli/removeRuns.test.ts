import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { shareLock, takeLock } from '../../src/runs/lock.js';
import { suite } from '../support/suite.js';
import { inProject, onReference, quern } from './support.js';

suite('quern runs remove', (test) => {
  test('asks, keeps the best of each recipe, leaves alone what is trained, and knows sweeps', () =>
    inProject(async (cwd) => {
      const there = (...parts: string[]) => existsSync(join(cwd, ...parts));
      for (const [name, epochs] of [
        ['good', '2'],
        ['poor', '1'],
      ] as const) {
        const words = [
          'train',
          './tiny.mjs',
          '--epochs',
          epochs,
          '--out',
          `runs/${name}`,
          '--quiet',
          ...onReference,
        ];
        assert.is((await quern(words, { cwd })).code, 0);
      }
      const remove = (...words: string[]) => quern(['runs', 'remove', ...words], { cwd });
      const asked = await remove('runs/poor');
      assert.is(asked.code, 2);
      assert.match(
        asked.stderr,
        /^quern: runs remove: there is no terminal to ask at\n {2}--yes removes without asking\./,
      );
      assert.ok(there('runs/poor'));
      const unlock = await takeLock(join(cwd, 'runs/poor'));
      const busy = await remove('runs', '--yes');
      await unlock();
      assert.is(busy.code, 2);
      assert.match(busy.stderr, /^quern: runs remove: runs\/poor: it is being trained: process \d+ on /);
      // of a comparison, which has the folder while none of its runs is trained
      const share = await shareLock(join(cwd, 'runs'));
      assert.match(
        (await remove('runs', '--yes')).stderr,
        /^quern: runs remove: runs: it is being trained: process \d+ on /,
      );
      const above = await remove('.', '--yes');
      await share();
      assert.match(above.stderr, /^quern: runs remove: runs: it is being trained: process \d+ on /);
      const best = await remove('runs', '--keep-best', '--yes');
      assert.is(best.code, 0, best.stderr);
      assert.match(best.stdout, /^runs\/poor {2}\d+\.\d MB\nremoved \d+\.\d MB\n$/);
      assert.equal([there('runs/good'), there('runs/poor')], [true, false]);
      assert.match((await remove('runs', '--keep-best', '--yes')).stdout, /^nothing to remove\n/);
      // what a comparison keeps for the same command goes with its runs
      mkdirSync(join(cwd, 'runs/store'));
      writeFileSync(join(cwd, 'runs/store/store.json'), '{}');
      assert.is((await remove('runs', '--yes')).code, 0);
      assert.not(there('runs'));
      mkdirSync(join(cwd, 'empty'));
      assert.match(
        (await remove('empty', '--yes')).stderr,
        /^quern: runs remove: empty: it holds neither a run nor a sweep/,
      );

      mkdirSync(join(cwd, 'sweep/trials/trial-000'), { recursive: true });
      for (const folder of ['store', 'models', 'trials/winner-000']) mkdirSync(join(cwd, 'sweep', folder));
      writeFileSync(
        join(cwd, 'sweep/sweep.json'),
        JSON.stringify({ version: 1, description: {}, trials: [] }),
      );
      const rest = await remove('sweep', '--keep-best', '--yes');
      assert.match(rest.stdout, /^sweep\/trials\/trial-000 .*\nsweep\/store .*\nremoved .*\n$/);
      assert.equal(
        ['sweep.json', 'trials/trial-000', 'store', 'models', 'trials/winner-000'].map((part) =>
          there('sweep', part),
        ),
        [true, false, false, true, true],
      );
      assert.match((await remove('sweep', '--keep-best', '--yes')).stdout, /^nothing to remove\n/);
      assert.is((await remove('sweep', '--yes')).code, 0);
      assert.not(there('sweep'));
    }));
});
