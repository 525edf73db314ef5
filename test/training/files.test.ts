import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ModelError, reasonOf } from '../../src/core/errors.js';
import { writeWhole } from '../../src/training/files.js';
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
