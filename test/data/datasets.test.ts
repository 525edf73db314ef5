import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../src/core/errors.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { namesOf } from '../../src/data/catalog/locate.js';
import type { DatasetEntry } from '../../src/data/catalog/manifest.js';
import { suite } from '../support/suite.js';
import {
  encodeIdx,
  inFolder,
  manifestOf,
  md5,
  put,
  rejects,
  sha256,
  type TinyFiles,
  tinyEntry,
  tinyFiles,
} from './support.js';

/** Loads the tiny dataset from a folder. */
const load = (dataDirectory: string, changes: Partial<DatasetEntry> = {}, options = {}) =>
  loadDataset('tiny', { dataDirectory, manifest: manifestOf(tinyEntry(tinyFiles(), changes)), ...options });

suite('loadDataset from a data folder', (test) => {
  test('what it gives', () =>
    inFolder(async (folder) => {
      put(folder, tinyFiles());
      const { train, test: held } = await load(folder);
      assert.is(train.name, 'tiny');
      assert.equal([train.split, held.split], ['train', 'test']);
      assert.equal([train.count, held.count], [5, 3]);
      assert.equal(train.shape, [2, 2, 1]);
      assert.equal(train.classes, ['a', 'b', 'c']);
      assert.equal([...train.images], [...Array(20).keys()]);
      assert.equal(
        [...held.images],
        [...Array(12).keys()].map((i) => 100 + i),
      );
      assert.equal([...train.labels], [0, 1, 2, 1, 0]);
      assert.equal([...held.labels], [2, 0, 1]);
      assert.instance(train.labels, Uint8Array);
    }));

  test('in a folder of its name or in the folder itself, gzipped or not, under its other names', () =>
    inFolder(async (folder) => {
      put(join(folder, 'a', 'tiny'), tinyFiles());
      put(join(folder, 'b'), tinyFiles(), true);
      const { 'train-images-idx3-ubyte': images, ...others } = tinyFiles();
      put(join(folder, 'c'), others, true);
      writeFileSync(join(folder, 'c', 'train-images.idx3-ubyte'), images);
      // The name says gzip, the bytes do not.
      put(join(folder, 'd', 'tiny'), others);
      writeFileSync(join(folder, 'd', 'tiny', 'train-images-idx3-ubyte.gz'), images);
      for (const name of ['a', 'b', 'c', 'd']) {
        const { train } = await load(join(folder, name));
        assert.equal([...train.images], [...Array(20).keys()], name);
      }
    }));

  test('names of a file: what need not be unpacked comes first, if there is a hash for it', () => {
    const names = ['t-idx3-ubyte', 't.idx3-ubyte', 't-idx3-ubyte.gz'];
    assert.equal(namesOf({ name: 't-idx3-ubyte.gz', rawMd5: 'x' }), names);
    assert.equal(namesOf({ name: 't-idx3-ubyte.gz', gzipMd5: 'x' }), [names[2], names[0], names[1]]);
  });

  test('limit keeps the first of each split', () =>
    inFolder(async (folder) => {
      put(folder, tinyFiles());
      const { train, test: held } = await load(folder, {}, { limit: 4 });
      assert.equal([train.count, held.count], [4, 3]);
      assert.is(train.images.length, 16);
      for (const limit of [0, -3, 1.5, Number.NaN]) {
        const message = new RegExp(`^loadDataset: limit must be a whole number of at least 1: ${limit}$`);
        await rejects(load(folder, {}, { limit }), UsageError, message);
      }
    }));

  test('a folder that is not there, or lacks files, is named, and no other place is searched', () =>
    inFolder(async (folder) => {
      await rejects(load(join(folder, 'none')), DataError, /^tiny: the data folder does not exist: .*none$/);
      const cacheDirectory = join(folder, 'cache');
      put(join(cacheDirectory, 'datasets', 'tiny'), tinyFiles());
      mkdirSync(join(folder, 'data'));
      await rejects(
        load(join(folder, 'data'), {}, { cacheDirectory }),
        DataError,
        /^tiny: files are missing in .*data: train-images-idx3-ubyte\.gz, train-labels-idx1-ubyte\.gz, t10k-images-idx3-ubyte\.gz, t10k-labels-idx1-ubyte\.gz\n {2}They may be gzipped or not; when a data folder is given, no other place is searched\.$/,
      );
      const { 't10k-labels-idx1-ubyte': _, ...others } = tinyFiles();
      put(join(folder, 'data', 'tiny'), others);
      await rejects(load(join(folder, 'data')), DataError, /missing in .*tiny: t10k-labels-idx1-ubyte\.gz\n/);
    }));

  test('an unknown name', async () => {
    await rejects(loadDataset('imagenet'), UsageError, /^unknown dataset "imagenet": the names are mnist, /);
  });
});

suite('loadDataset and bad files', (test) => {
  /** Loads with one file replaced. */
  const loadWith = (name: keyof TinyFiles, bytes: Buffer, message: RegExp, packed = false, options = {}) =>
    inFolder(async (folder) => {
      put(folder, tinyFiles());
      put(folder, { [name]: bytes });
      if (packed) writeFileSync(join(folder, name), gzipSync(bytes));
      await rejects(load(folder, {}, options), DataError, message);
    });
  const images = tinyFiles()['train-images-idx3-ubyte'];

  test('truncated, too long, not idx at all', async () => {
    await loadWith('train-images-idx3-ubyte', images.subarray(0, 30), /train-images-idx3-ubyte: truncated: /);
    await loadWith(
      'train-images-idx3-ubyte',
      images.subarray(0, 30),
      /train-images-idx3-ubyte: truncated: /,
      true,
    );
    await loadWith('t10k-images-idx3-ubyte', Buffer.alloc(0), /t10k-images-idx3-ubyte: truncated: /);
    await loadWith(
      't10k-labels-idx1-ubyte',
      Buffer.concat([tinyFiles()['t10k-labels-idx1-ubyte'], Buffer.alloc(1)]),
      /t10k-labels-idx1-ubyte: 1 bytes too long/,
    );
    await loadWith(
      'train-labels-idx1-ubyte',
      Buffer.from('<html>'),
      /train-labels-idx1-ubyte: not an idx file/,
    );
    await loadWith(
      'train-labels-idx1-ubyte',
      Buffer.alloc(10_000),
      /train-labels-idx1-ubyte: too long: 10000 bytes/,
    );
  });

  test('corrupt gzip', async () => {
    const packed = gzipSync(images);
    await loadWith(
      'train-images-idx3-ubyte',
      packed.subarray(0, 20),
      /train-images-idx3-ubyte: (corrupt gzip|truncated)/,
    );
    packed[packed.length - 5]! ^= 1;
    await loadWith(
      'train-images-idx3-ubyte',
      packed,
      /train-images-idx3-ubyte: corrupt gzip: incorrect data check$/,
    );
  });

  test('labels where images should be, and the other way round', async () => {
    const labels = tinyFiles()['train-labels-idx1-ubyte'];
    await loadWith(
      'train-images-idx3-ubyte',
      labels,
      /where uint8 \[5, 2, 2\] is expected\n.*labels under the name of a file of images/,
    );
    await loadWith(
      'train-labels-idx1-ubyte',
      encodeIdx('uint8', [5, 1, 1], [0, 1, 2, 1, 0]),
      /images under the name of a file of labels/,
    );
  });

  test('wrong counts: of images, of labels, against each other', async () => {
    const message = (found: string, expected: string) =>
      new RegExp(`holds uint8 \\[${found}\\] where uint8 \\[${expected}\\] is expected$`);
    await loadWith(
      'train-images-idx3-ubyte',
      encodeIdx('uint8', [4, 2, 2], Array(16).fill(0)),
      message('4, 2, 2', '5, 2, 2'),
    );
    await loadWith('train-labels-idx1-ubyte', encodeIdx('uint8', [4], [0, 1, 2, 1]), message('4', '5'));
    await loadWith('t10k-images-idx3-ubyte', images, message('5, 2, 2', '3, 2, 2'));
  });

  test('images of another size', async () => {
    await loadWith(
      'train-images-idx3-ubyte',
      encodeIdx('uint8', [5, 2, 3], Array(30).fill(0)),
      /holds uint8 \[5, 2, 3\] where uint8 \[5, 2, 2\]/,
    );
    await loadWith(
      'train-images-idx3-ubyte',
      encodeIdx('uint8', [5, 4], Array(20).fill(0)),
      /holds uint8 \[5, 4\] where/,
    );
  });

  test('a wrong hash tells what was expected and what was found, unless told not to look', async () => {
    const other = Buffer.from(images);
    other[20]! ^= 1;
    const hashes = `expected sha256 ${sha256(images)}, found sha256 ${sha256(other)}`;
    const message = new RegExp(
      `train-images-idx3-ubyte: wrong hash for train-images-idx3-ubyte.gz of tiny: ${hashes}$`,
    );
    await loadWith('train-images-idx3-ubyte', other, message);
    await loadWith('train-images-idx3-ubyte', other, message, true);
    await inFolder(async (folder) => {
      put(folder, { ...tinyFiles(), 'train-images-idx3-ubyte': other });
      const { train } = await load(folder, {}, { verify: false });
      assert.is(train.images[4], 5);
    });
  });

  test('labels out of range, when no hash tells', async () => {
    const labels = encodeIdx('uint8', [5], [0, 1, 3, 1, 0]);
    const message =
      /train-labels-idx1-ubyte: a label is out of range: number 2 is 3, the classes are 0 to 2$/;
    await loadWith('train-labels-idx1-ubyte', labels, message, false, { verify: false });
  });

  test('a gzip file is known by its own hash, or by that of what it holds', () =>
    inFolder(async (folder) => {
      const files = tinyFiles();
      const packed = gzipSync(images, { level: 1 });
      put(folder, files, true);
      const { splits } = tinyEntry(files);
      const withHash = (hashes: object) => ({
        splits: {
          ...splits,
          train: { ...splits.train, images: { name: splits.train.images.name, ...hashes } },
        },
      });
      const path = join(folder, 'train-images-idx3-ubyte.gz');
      writeFileSync(path, packed);
      const wrong = 'f'.repeat(64);
      await load(folder, withHash({ gzipSha256: sha256(packed) }));
      await load(folder, withHash({ gzipMd5: md5(packed) }));
      await load(folder, withHash({ gzipSha256: sha256(packed), rawSha256: wrong }));
      await load(folder, withHash({ gzipSha256: wrong, rawSha256: sha256(images) }));
      await load(folder, withHash({ gzipSha256: wrong, rawMd5: md5(images) }));
      await rejects(
        load(folder, withHash({ gzipSha256: wrong })),
        DataError,
        new RegExp(`expected sha256 ${wrong}, found sha256 ${sha256(packed)}$`),
      );
      await rejects(
        load(folder, withHash({ gzipSha256: wrong, rawMd5: 'e'.repeat(32) })),
        DataError,
        new RegExp(`expected md5 e{32}, found md5 ${md5(images)}$`),
      );
      // Unpacked, with nothing to know it by.
      put(folder, { 'train-images-idx3-ubyte': images });
      writeFileSync(path, images);
      await rejects(
        load(folder, withHash({ gzipSha256: wrong })),
        DataError,
        new RegExp(`expected sha256 ${wrong} of the gzip file, found an unpacked file$`),
      );
    }));
});

suite('loadDataset and other forms of data', (test) => {
  test('images stored with rows and columns swapped, labels that count from 1', () =>
    inFolder(async (folder) => {
      const files = {
        ...tinyFiles(),
        'train-labels-idx1-ubyte': encodeIdx('uint8', [5], [1, 2, 3, 2, 1]),
        't10k-labels-idx1-ubyte': encodeIdx('uint8', [3], [3, 1, 2]),
      };
      put(folder, files);
      const manifest = manifestOf(tinyEntry(files, { transposed: true, labels: { first: 1 } }));
      const { train, test: held } = await loadDataset('tiny', { dataDirectory: folder, manifest });
      assert.equal([...train.images.subarray(0, 8)], [0, 2, 1, 3, 4, 6, 5, 7]);
      assert.equal([...train.labels], [0, 1, 2, 1, 0]);
      assert.equal([...held.labels], [2, 0, 1]);
      const zero = manifestOf(tinyEntry(files, { labels: { first: 2 } }));
      await rejects(
        loadDataset('tiny', { dataDirectory: folder, manifest: zero }),
        DataError,
        /number 0 is -1, the classes are 0 to 2$/,
      );
    }));

  test('labels as one of several int32 columns', () =>
    inFolder(async (folder) => {
      const table = (labels: number[]) =>
        encodeIdx(
          'int32',
          [labels.length, 2],
          labels.flatMap((label) => [2 ** 20, label]),
        );
      const files = {
        ...tinyFiles(),
        'train-labels-idx1-ubyte': table([0, 1, 2, 1, 0]),
        't10k-labels-idx1-ubyte': table([2, 0, 1]),
      };
      put(folder, files, true);
      const labels = { dtype: 'int32', columns: 2, column: 1 } as const;
      const { train } = await loadDataset('tiny', {
        dataDirectory: folder,
        manifest: manifestOf(tinyEntry(files, { labels })),
      });
      assert.equal([...train.labels], [0, 1, 2, 1, 0]);
      const first = manifestOf(tinyEntry(files, { labels: { ...labels, column: 0 } }));
      await rejects(
        loadDataset('tiny', { dataDirectory: folder, manifest: first }),
        DataError,
        /number 0 is 1048576/,
      );
    }));

  test('images with several channels', () =>
    inFolder(async (folder) => {
      const files = {
        ...tinyFiles(),
        'train-images-idx3-ubyte': encodeIdx('uint8', [5, 1, 2, 2], [...Array(20).keys()]),
        't10k-images-idx3-ubyte': encodeIdx('uint8', [3, 1, 2, 2], [...Array(12).keys()]),
      };
      put(folder, files);
      const manifest = manifestOf(tinyEntry(files, { image: [1, 2, 2] }));
      assert.equal((await loadDataset('tiny', { dataDirectory: folder, manifest })).train.shape, [1, 2, 2]);
    }));
});
