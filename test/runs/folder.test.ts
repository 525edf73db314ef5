import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ModelError, UsageError } from '../../src/core/errors.js';
import { RunFolder } from '../../src/runs/folder.js';
import { inFolder, rejects } from '../data/support.js';
import { suite } from '../support/suite.js';

/** Runs with an empty working directory. */
const inWorkingDirectory = (run: (folder: string) => Promise<void>) =>
  inFolder(async (folder) => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      await run(folder);
    } finally {
      process.chdir(before);
    }
  });

suite('run folders', (test) => {
  test('several at once, with no name given, get a folder each', () =>
    inWorkingDirectory(async () => {
      const open = () => RunFolder.open(undefined, 'tiny', false);
      const folders = await Promise.all([open(), open(), open(), open()]);
      assert.is(new Set(folders.map(({ path }) => path)).size, 4);
      for (const { path } of folders) assert.match(path, /^runs[\\/]tiny-[\dT-]+$/);
      await Promise.all(folders.map((folder) => folder.close()));
      // whoever made `runs` removes it too, if the others have gone before
      assert.equal(existsSync('runs') ? readdirSync('runs') : [], []);
    }));

  test('a folder that two were given is taken by the first to begin', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'deep', 'run');
      const [first, second] = await Promise.all([
        RunFolder.open(path, 'tiny', false),
        RunFolder.open(path, 'tiny', false),
      ]);
      await first.begin({ run: 1 });
      const error = await rejects(
        second.begin({ run: 2 }),
        UsageError,
        /run: it holds a run already; --force replaces it, --resume goes on with it$/,
      );
      assert.ok(error.message.startsWith(path));
      await second.close();
      assert.equal(JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')), { run: 1 });
      const third = await RunFolder.open(path, 'tiny', true);
      await rejects(third.begin({ run: 3 }), UsageError, /run: another process is training it: \d+ on /);
      await first.close();
      await third.begin({ run: 3 });
      assert.equal(JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')), { run: 3 });
      await third.close();
      assert.equal(readdirSync(path), ['config.json']);
    }));

  test('only what was made is removed, however the path is written', () =>
    inWorkingDirectory(async () => {
      mkdirSync('there');
      await (await RunFolder.open('./there/../there/a/b', 'tiny', false)).close();
      assert.equal(readdirSync('there'), []);
      assert.ok(existsSync('there'));
    }));

  test('a folder that is gone when the run begins, and runs that is a file', () =>
    inWorkingDirectory(async () => {
      const folder = await RunFolder.open('run', 'tiny', false);
      await folder.close();
      await rejects(
        folder.begin({}),
        ModelError,
        /^run[\\/]config\.json: cannot be written: ENOENT: no such file or directory$/,
      );
      writeFileSync('runs', '');
      await rejects(
        RunFolder.open(undefined, 'tiny', false),
        ModelError,
        /^runs: the run folder cannot be written: EEXIST: file already exists$/,
      );
    }));
});
