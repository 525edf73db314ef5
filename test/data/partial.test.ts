import { mkdirSync, readdirSync } from 'node:fs';
import { appendFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../src/core/errors.js';
import { makeWhole } from '../../src/data/catalog/partial.js';
import { suite } from '../support/suite.js';
import { inFolder, rejects } from './support.js';

suite('makeWhole', (test) => {
  test('what the system refuses is told of the file that was to be, and nothing is left', () =>
    inFolder(async (folder) => {
      const taken = join(folder, 'taken');
      mkdirSync(taken);
      const error = await rejects(
        makeWhole(taken, (partial) => appendFile(partial, 'text')),
        DataError,
        /./,
      );
      assert.match(error.message, /taken: cannot be written: E(ISDIR|EXIST|PERM|NOTEMPTY): [\w ]+$/);
      const path = join(folder, 'a.csv');
      const refused = await rejects(
        makeWhole(path, (partial) => open(join(partial, 'below'))),
        DataError,
        /./,
      );
      assert.is(refused.message, `${path}: cannot be written: ENOTDIR: not a directory`);
      assert.equal(readdirSync(folder), ['taken']);
    }));

  test('other errors stay what they are', () =>
    inFolder(async (folder) => {
      const fail = async () => {
        throw new UsageError('no');
      };
      await rejects(makeWhole(join(folder, 'a.csv'), fail), UsageError, /^no$/);
      assert.equal(readdirSync(folder), []);
    }));
});
