import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import { decodeIdx, idxBytes, isGzip, longestStored, parseIdx, readIdx } from '../../src/data/idx.js';
import { suite } from '../support/suite.js';
import { encodeIdx, inFolder, rejects, throws } from './support.js';

const images = encodeIdx('uint8', [2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255]);
const labels = encodeIdx('uint8', [2], [7, 3]);
const integers = encodeIdx('int32', [2, 2], [1, -2, 2 ** 31 - 1, -(2 ** 31)]);

suite('idx', (test) => {
  test('uint8 by hand, byte for byte', () => {
    const bytes = Uint8Array.from([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30]);
    const array = decodeIdx(bytes, 'by-hand');
    assert.is(array.dtype, 'uint8');
    assert.equal(array.shape, [1, 3]);
    assert.equal([...array.data], [10, 20, 30]);
    assert.is(array.data.buffer, bytes.buffer, 'a view');
    assert.is(decodeIdx(Buffer.from(bytes), 'by-hand').data.constructor, Uint8Array, 'not a Buffer');
    assert.equal(encodeIdx('uint8', [1, 3], [10, 20, 30]), Buffer.from(bytes));
  });

  test('int32 is big-endian and signed', () => {
    const bytes = Uint8Array.from([0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 1, 2, 255, 255, 255, 254]);
    const array = decodeIdx(bytes, 'by-hand');
    assert.is(array.dtype, 'int32');
    assert.equal(array.data, Int32Array.of(258, -2));
    assert.equal(decodeIdx(integers, 'x').data, Int32Array.of(1, -2, 2 ** 31 - 1, -(2 ** 31)));
  });

  test('a view that begins in the middle of its buffer', () => {
    const buffer = Buffer.concat([Buffer.alloc(5), integers]);
    assert.equal([...decodeIdx(buffer.subarray(5), 'x').data], [1, -2, 2 ** 31 - 1, -(2 ** 31)]);
  });

  test('an axis of no elements', () => {
    const array = decodeIdx(encodeIdx('uint8', [0, 28, 28], []), 'empty');
    assert.equal(array.shape, [0, 28, 28]);
    assert.is(array.data.length, 0);
  });

  test('gzip is told by its first bytes, not by a name', async () => {
    assert.ok(isGzip(gzipSync(images)));
    assert.not(isGzip(images));
    const plain = await parseIdx(images, 'images.gz');
    const packed = await parseIdx(gzipSync(images), 'images');
    assert.equal([...packed.data], [...plain.data]);
    assert.equal(packed.shape, [2, 2, 3]);
    assert.equal(Buffer.from(packed.raw), images);
  });

  test('sizes of files', () => {
    assert.is(idxBytes({ dtype: 'uint8', shape: [60000, 28, 28] }), 47040016);
    assert.is(idxBytes({ dtype: 'int32', shape: [60000, 8] }), 1920012);
    assert.ok(longestStored({ dtype: 'uint8', shape: [60000] }) < 62_000);
  });

  test('not an idx file', () => {
    throws(
      () => decodeIdx(Buffer.from('<!DOCTYPE html>'), 'a/b'),
      DataError,
      /^a\/b: not an idx file: it begins with 0x3c21444f, not with two zero bytes and a type$/,
    );
    throws(
      () => decodeIdx(Uint8Array.of(0, 0, 7, 1), 'f'),
      DataError,
      /not an idx file: it begins with 0x00000701/,
    );
    throws(
      () => decodeIdx(Uint8Array.of(0, 0, 8, 0), 'f'),
      DataError,
      /not an idx file: it begins with 0x00000800/,
    );
  });

  test('element types that do not occur', () => {
    const header = (type: number) => Uint8Array.of(0, 0, type, 1, 0, 0, 0, 0);
    for (const [type, name] of [
      [9, 'int8'],
      [11, 'int16'],
      [13, 'float32'],
      [14, 'float64'],
    ] as const) {
      const message = new RegExp(`^f: idx elements must be uint8 or int32: the header says ${name}$`);
      throws(() => decodeIdx(header(type), 'f'), DataError, message);
    }
  });

  test('truncated anywhere', async () => {
    throws(
      () => decodeIdx(new Uint8Array(0), 'f'),
      DataError,
      /^f: truncated: an idx header takes at least 4 bytes, the file holds 0$/,
    );
    throws(
      () => decodeIdx(images.subarray(0, 9), 'f'),
      DataError,
      /^f: truncated: an idx header of rank 3 takes 16 bytes, the file holds 9$/,
    );
    throws(
      () => decodeIdx(images.subarray(0, 20), 'f'),
      DataError,
      /^f: truncated: its header says uint8 \[2, 2, 3\], 12 bytes, and 4 follow$/,
    );
    await rejects(
      parseIdx(gzipSync(images.subarray(0, 20)), 'f'),
      DataError,
      /^f: truncated: .* and 4 follow$/,
    );
    for (let length = 0; length < images.length; length++) {
      throws(() => decodeIdx(images.subarray(0, length), 'f'), DataError, /^f: truncated/);
    }
  });

  test('too long', async () => {
    const long = Buffer.concat([images, Buffer.alloc(3)]);
    throws(
      () => decodeIdx(long, 'f'),
      DataError,
      /^f: 3 bytes too long: its header says uint8 \[2, 2, 3\], 12 bytes, and 15 follow$/,
    );
    await rejects(
      parseIdx(gzipSync(long), 'f'),
      DataError,
      /^f: too long: its header says uint8 \[2, 2, 3\], 28 bytes in all, and more follow$/,
    );
  });

  test('corrupt gzip: cut at any length, damaged, followed by something', async () => {
    const packed = gzipSync(images);
    for (let length = 3; length < packed.length; length++) {
      await rejects(
        parseIdx(packed.subarray(0, length), 'f.gz'),
        DataError,
        /^f\.gz: (corrupt gzip: |truncated: )/,
      );
    }
    await rejects(
      parseIdx(packed.subarray(0, packed.length - 1), 'f.gz'),
      DataError,
      /^f\.gz: corrupt gzip: unexpected end of file$/,
    );
    const damaged = Buffer.from(packed);
    damaged[packed.length - 6]! ^= 1;
    const error = await rejects(
      parseIdx(damaged, 'f.gz'),
      DataError,
      /^f\.gz: corrupt gzip: incorrect data check$/,
    );
    assert.ok(error.cause instanceof Error);
    await rejects(
      parseIdx(Buffer.concat([packed, Buffer.from('more')]), 'f.gz'),
      DataError,
      /^f\.gz: corrupt gzip/,
    );
    const garbled = Buffer.concat([packed.subarray(0, 10), Buffer.alloc(40, 0xff)]);
    await rejects(parseIdx(garbled, 'f.gz'), DataError, /^f\.gz: corrupt gzip: invalid/);
  });

  test('a small file that would unpack to much more than its header says is not unpacked', async () => {
    const bomb = gzipSync(Buffer.concat([labels, Buffer.alloc(2 ** 26)]));
    assert.ok(bomb.length < 100_000);
    const before = process.memoryUsage().arrayBuffers;
    await rejects(
      parseIdx(bomb, 'bomb.gz'),
      DataError,
      /^bomb\.gz: too long: its header says uint8 \[2\], 10 bytes in all/,
    );
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 24);
  });

  test('a header that claims gigabytes is refused before they are allocated', async () => {
    const header = Buffer.from([0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
    const message =
      /^f: too large: its header says uint8 \[4294967295, 4294967295, 4294967295\], the limit is 2147483648 bytes in memory\n {2}Keep fewer images in it\.$/;
    throws(() => decodeIdx(header, 'f'), DataError, message);
    await rejects(parseIdx(gzipSync(header), 'f'), DataError, message);
  });

  test('another form than is expected', async () => {
    const form = { dtype: 'uint8', shape: [2, 2, 3] } as const;
    assert.is(decodeIdx(images, 'f', form).data.length, 12);
    const count = { dtype: 'uint8', shape: [3, 2, 3] } as const;
    throws(
      () => decodeIdx(images, 'f', count),
      DataError,
      /^f: holds uint8 \[2, 2, 3\] where uint8 \[3, 2, 3\] is expected$/,
    );
    throws(
      () => decodeIdx(integers, 'f', { dtype: 'uint8', shape: [2] }),
      DataError,
      /^f: holds int32 \[2, 2\] where uint8 \[2\] is expected$/,
    );
  });

  test('labels under the name of images, and the other way round', async () => {
    const expectImages = { dtype: 'uint8', shape: [2, 2, 3] } as const;
    const expectLabels = { dtype: 'uint8', shape: [2] } as const;
    throws(
      () => decodeIdx(labels, 'f', expectImages),
      DataError,
      /^f: holds uint8 \[2\] where uint8 \[2, 2, 3\] is expected\n {2}It looks like a file of labels under the name of a file of images\.$/,
    );
    await rejects(
      parseIdx(gzipSync(images), 'f', expectLabels),
      DataError,
      /a file of images under the name of a file of labels\.$/,
    );
  });

  test('files: read, missing, a folder, longer than they can be', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'labels');
      const form = { dtype: 'uint8', shape: [2] } as const;
      writeFileSync(path, labels);
      assert.equal([...(await readIdx(path, form)).data], [7, 3]);
      writeFileSync(path, gzipSync(labels));
      assert.equal([...(await readIdx(path)).data], [7, 3]);
      const missing = await rejects(
        readIdx(join(folder, 'none')),
        DataError,
        /none: cannot be read: ENOENT: no such file or directory$/,
      );
      assert.is((missing.cause as NodeJS.ErrnoException).code, 'ENOENT');
      mkdirSync(join(folder, 'sub'));
      await rejects(readIdx(join(folder, 'sub')), DataError, /sub: cannot be read: EISDIR/);
      truncateSync(path, 5000);
      await rejects(
        readIdx(path, form),
        DataError,
        /labels: too long: 5000 bytes, at most 1035 are expected$/,
      );
      truncateSync(path, 2 ** 31 + 1);
      await rejects(
        readIdx(path),
        DataError,
        /labels: too long: 2147483649 bytes, at most 2147483648 are expected$/,
      );
    }));
});
