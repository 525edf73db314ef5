import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { RowStore } from '../../../src/data/user/sources/rowStore.js';
import { readText } from '../../../src/data/user/sources/text.js';
import { rejects } from '../../support/messages.js';
import { suite } from '../../support/suite.js';
import { inFolder } from '../support.js';
import { fails } from './support.js';

const hint =
  '\n  Keep fewer images in it, or store their pixels as whole numbers from 0 to 255, in numpy as uint8.';

suite('own data: what a file becomes in memory is bounded', (test) => {
  test('a text that is gzipped, in one member or two', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'x.csv.gz');
      for (const bytes of [
        gzipSync(Buffer.alloc(1001)),
        Buffer.concat([gzipSync(Buffer.alloc(500)), gzipSync(Buffer.alloc(501))]),
      ]) {
        writeFileSync(path, bytes);
        assert.is((await readText(path, 1001)).buffer.byteLength, 1001);
        await rejects(
          () => readText(path, 1000),
          DataError,
          `${path}: too large: it unfolds to more than 1000 bytes in memory${hint}`,
        );
      }
    });
  });

  test('rows: a byte a pixel, five where one is no byte', () => {
    const store = (limit: number) => new RowStore({ size: 4, most: 100, held: 50, limit }, 'x.csv');
    // the text, and four pixels and 64 bytes a row
    const bytes = store(50 + 2 * 68);
    bytes.add(Float32Array.of(1, 2, 3, 255));
    bytes.add(Float32Array.of(0, 0, 0, 9));
    assert.equal(bytes.all(), Uint8Array.of(1, 2, 3, 255, 0, 0, 0, 9));
    assert.throws(
      () => bytes.add(Float32Array.of(0, 0, 0, 0)),
      (error: Error) =>
        error.message.startsWith('x.csv: too large: it unfolds to more than 186 bytes in memory'),
    );
    const floats = store(300);
    floats.add(Float32Array.of(1, 2, 3, 4));
    floats.add(Float32Array.of(0, 256, 0.5, -1));
    assert.equal(floats.all(), Float32Array.of(1, 2, 3, 4, 0, 256, 0.5, -1));
    const narrow = store(200);
    narrow.add(Float32Array.of(1, 2, 3, 4));
    assert.throws(() => narrow.add(Float32Array.of(0.5, 0, 0, 0)), /more than 200 bytes in memory/);
  });

  test('a line of a text', async () => {
    await fails(
      { 'x.csv.gz': gzipSync(Buffer.alloc(2 ** 25 + 1), { level: 1 }) },
      'x.csv.gz',
      DataError,
      '@/x.csv.gz, line 1: too long: 33554433 bytes, the limit is 33554432\n' +
        '  A line holds one image; is the file a text?',
    );
  });
});
