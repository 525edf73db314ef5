import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ModelError, reasonOf } from '../../src/core/errors.js';
import { makeFolder, writeWhole } from '../../src/core/files.js';
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
  });
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
