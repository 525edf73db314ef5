import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ModelError, reasonOf } from '../../src/core/errors.js';
import { makeFolder, withFolder, writeTogether, writeWhole } from '../../src/core/files.js';
import { inFolder, rejects } from '../data/support.js';
import { suite } from '../support/suite.js';

suite('writeWhole', (test) => {
  test('new files and old ones, with nothing left beside them', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.txt');
      await writeWhole(path, 'one');
      await writeWhole(path, Uint8Array.of(116, 119, 111));
      assert.is(readFileSync(path, 'utf8'), 'two');
      assert.equal(readdirSync(folder), ['a.txt']);
    }));

  test('many at a time: one of them wins, whole', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.txt');
      const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
      await Promise.all(texts.map((text) => writeWhole(path, text)));
      assert.ok(texts.includes(readFileSync(path, 'utf8')));
      assert.equal(readdirSync(folder), ['a.txt']);
    }));

  test('a path below a file', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'file');
      writeFileSync(file, 'stays');
      const path = join(file, 'a.txt');
      const error = await rejects(
        writeWhole(path, 'one'),
        ModelError,
        /: cannot be written: ENOTDIR: not a directory$/,
      );
      assert.ok(error.message.startsWith(path));
      assert.is(readFileSync(file, 'utf8'), 'stays');
    }));

  test('a name that is a folder: the old stays, nothing is left', () =>
    inFolder(async (folder) => {
      await rejects(writeWhole(folder, 'one'), ModelError, /: cannot be written: E\w+: /);
      assert.equal(readdirSync(folder), []);
    }));

  test('reasons', () => {
    assert.is(reasonOf(new Error("EACCES: permission denied, open '/a/b'")), 'EACCES: permission denied');
    assert.is(reasonOf('text'), 'text');
    assert.is(
      reasonOf(new Error('ENOSPC: no space left on device, write')),
      'ENOSPC: no space left on device',
    );
    assert.is(reasonOf(new Error('one, two')), 'one, two');
  });
});

suite('writeTogether', (test) => {
  test('all of them; or none, with what was there and nothing beside it', () =>
    inFolder(async (folder) => {
      const [a, b] = [join(folder, 'a'), join(folder, 'b')];
      await writeTogether([
        [a, 'one'],
        [b, Uint8Array.of(50)],
      ]);
      assert.equal(
        [a, b].map((path) => readFileSync(path, 'utf8')),
        ['one', '2'],
      );
      mkdirSync(join(folder, 'c'));
      for (const [path, reason] of [
        [join(folder, 'c'), 'EISDIR: it is a folder'],
        [join(folder, 'a/d'), 'ENOTDIR: not a directory'],
      ] as const) {
        const work = writeTogether([
          [a, 'three'],
          [path, 'four'],
        ]);
        const error = await rejects(work, ModelError, /: cannot be written: /);
        assert.is(error.message, `${path}: cannot be written: ${reason}`);
        assert.is(readFileSync(a, 'utf8'), 'one');
        assert.equal(readdirSync(folder).sort(), ['a', 'b', 'c']);
      }
    }));
});

suite('withFolder', (test) => {
  test('where the work fails, what was made for it goes, unless somebody uses it', () =>
    inFolder(async (folder) => {
      const fail = async () => {
        throw new Error('no');
      };
      assert.is(await withFolder(join(folder, 'a/b'), async () => 3), 3);
      await rejects(withFolder(join(folder, 'a/b'), fail), Error, /^no$/);
      await rejects(withFolder(join(folder, 'a/c/d'), fail), Error, /^no$/);
      assert.equal(readdirSync(join(folder, 'a')), ['b']);
      const others = async () => {
        writeFileSync(join(folder, 'a/e/theirs'), '');
        await fail();
      };
      await rejects(withFolder(join(folder, 'a/e/f'), others), Error, /^no$/);
      assert.equal(readdirSync(join(folder, 'a/e')), ['theirs']);
    }));

  test('one that cannot be made', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'file'), '');
      const error = await rejects(
        withFolder(join(folder, 'file/a'), async () => {}),
        ModelError,
        /cannot be made/,
      );
      assert.is(error.message, `${join(folder, 'file/a')}: cannot be made: ENOTDIR: not a directory`);
    }));
});

suite('makeFolder', (test) => {
  test('all that is missing; tells of the outermost that was made', () =>
    inFolder(async (folder) => {
      assert.is(await makeFolder(folder), undefined);
      assert.is(await makeFolder(join(folder, 'a/b/c')), join(folder, 'a'));
      assert.is(await makeFolder(join(folder, 'a/b/d')), join(folder, 'a/b/d'));
      assert.equal(readdirSync(join(folder, 'a/b')).sort(), ['c', 'd']);
    }));

  test('many at a time: all find it there', () =>
    inFolder(async (folder) => {
      const made = await Promise.all(Array.from({ length: 20 }, () => makeFolder(join(folder, 'a/b/c'))));
      assert.ok(existsSync(join(folder, 'a/b/c')));
      assert.ok(made.includes(join(folder, 'a')));
    }));

  test('the reasons of the system', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'file'), '');
      symlinkSync(join(folder, 'nothing'), join(folder, 'link'));
      await rejects(makeFolder(join(folder, 'file')), Error, /^EEXIST: /);
      await rejects(makeFolder(join(folder, 'file/a')), Error, /^ENOTDIR: /);
      await rejects(makeFolder(join(folder, 'link')), Error, /^EEXIST: /);
    }));

  const title = 'below /proc, where mkdir of Node.js 20 with `recursive` tries for ever';
  if (process.platform === 'linux')
    test(title, () => rejects(makeFolder('/proc/quern'), Error, /^E[A-Z]+: /).then(() => {}));
  else test.unavailable(title, 'there is no /proc here');
});
