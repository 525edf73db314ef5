import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../src/core/errors.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { cachedDirectory } from '../../src/data/catalog/locate.js';
import { findEntry, readManifest } from '../../src/data/catalog/manifest.js';
import { splitByWriter } from '../../src/data/dataset.js';
import { suite } from '../support/suite.js';
import {
  encodeIdx,
  inFolder,
  manifestOf,
  put,
  rejects,
  sha256,
  tinyEntry,
  tinyFiles,
  withServer,
} from './support.js';

/** A table as QMNIST has it: the digit, the partition, the writer, the number in it, the class in NIST's own code, … */
function table(labels: readonly number[], writers: readonly number[]): Buffer {
  const rows = labels.flatMap((label, i) => [label, 4, writers[i]!, i, 30 + label, 229_421 + i, 0, 0]);
  return encodeIdx('int32', [labels.length, 8], rows);
}

const tables = {
  ...tinyFiles(),
  // The tiny dataset has the first three of these four.
  't10k-images-idx3-ubyte': encodeIdx('uint8', [4, 2, 2], Array(16).fill(1)),
  'train-labels-idx1-ubyte': table([0, 1, 2, 1, 0], [2154, 7, 7, 2154, 8]),
  't10k-labels-idx1-ubyte': table([2, 0, 1, 1], [2578, 9, 2578, 10]),
};
const files = {
  'wide-train-images': tables['train-images-idx3-ubyte'],
  'wide-train-labels': tables['train-labels-idx1-ubyte'],
  'wide-test-images': tables['t10k-images-idx3-ubyte'],
  'wide-test-labels': tables['t10k-labels-idx1-ubyte'],
};

function entries(base = 'http://127.0.0.1:9/') {
  const file = (name: keyof typeof files) => ({ name: `${name}.gz`, rawSha256: sha256(files[name]) });
  const wide = tinyEntry(tinyFiles(), {
    name: 'wide',
    mirrors: [base],
    labels: { dtype: 'int32', columns: 8, column: 0, writer: 2 },
    splits: {
      train: { count: 5, images: file('wide-train-images'), labels: file('wide-train-labels') },
      test: { count: 4, images: file('wide-test-images'), labels: file('wide-test-labels') },
    },
  });
  return manifestOf(
    tinyEntry(tinyFiles(), { writersFrom: 'wide' }),
    wide,
    tinyEntry(tinyFiles(), { name: 'plain' }),
  );
}

const labelFiles = ['wide-train-labels', 'wide-test-labels'] as const;

suite('who wrote what', (test) => {
  test('a table of eight columns has the label and the writer', () =>
    inFolder(async (folder) => {
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
      const { train, test: held } = await loadDataset('wide', { dataDirectory: folder, manifest: entries() });
      assert.equal([...train.labels], [0, 1, 2, 1, 0]);
      assert.equal([...train.writers!], [2154, 7, 7, 2154, 8]);
      assert.equal([...held.writers!], [2578, 9, 2578, 10]);
      const limited = await loadDataset('wide', {
        dataDirectory: folder,
        manifest: entries(),
        limit: 2,
        writers: true,
      });
      assert.equal([...limited.train.writers!], [2154, 7]);
    }));

  test('the images of one dataset, the writers of another: from its label files alone', () =>
    inFolder(async (folder) => {
      put(folder, tinyFiles());
      mkdirSync(join(folder, 'wide'));
      for (const name of labelFiles) writeFileSync(join(folder, 'wide', `${name}.gz`), gzipSync(files[name]));
      const options = { dataDirectory: folder, manifest: entries() };
      assert.is((await loadDataset('tiny', options)).train.writers, undefined);
      const { train, test: held } = await loadDataset('tiny', { ...options, writers: true });
      assert.equal([...train.writers!], [2154, 7, 7, 2154, 8]);
      assert.equal([...held.writers!], [2578, 9, 2578]);
      assert.equal([...train.images.subarray(0, 3)], [0, 1, 2]);
      const { validation, train: rest } = splitByWriter(train, 0.4, 0);
      assert.is(validation.count + rest.count, 5);
      assert.not(validation.writers!.some((writer) => rest.writers!.includes(writer)));
    }));

  test('they are downloaded, and nothing else is', () =>
    inFolder((cacheDirectory) => {
      const asked: string[] = [];
      return withServer(
        (request, response) => {
          asked.push(request.url!);
          response.end(gzipSync(files[request.url!.slice(1, -3) as keyof typeof files]));
        },
        async (base) => {
          put(join(cacheDirectory, 'datasets', 'tiny'), tinyFiles());
          const options = { cacheDirectory, manifest: entries(base), writers: true };
          for (const offline of [false, true]) {
            const { train } = await loadDataset('tiny', { ...options, offline });
            assert.equal([...train.writers!], [2154, 7, 7, 2154, 8]);
          }
          assert.equal(asked, ['/wide-train-labels.gz', '/wide-test-labels.gz']);
          assert.is(readdirSync(join(cacheDirectory, 'datasets', 'wide')).length, 2);
        },
      );
    }));

  test('tables of other images, missing tables, nobody who knows', () =>
    inFolder(async (folder) => {
      put(folder, tinyFiles());
      const options = { dataDirectory: folder, manifest: entries(), writers: true };
      await rejects(
        loadDataset('tiny', options),
        DataError,
        /^wide: files are missing in .*: wide-train-labels\.gz, wide-test-labels\.gz\n/,
      );
      for (const name of labelFiles) writeFileSync(join(folder, name), files[name]);
      writeFileSync(join(folder, 'wide-train-labels'), table([0, 1, 2, 1, 1], [1, 2, 3, 4, 5]));
      await rejects(loadDataset('tiny', options), DataError, /wide-train-labels: wrong hash for/);
      await rejects(
        loadDataset('tiny', { ...options, verify: false }),
        DataError,
        /wide-train-labels: does not fit the images of tiny: its first 5 labels are others$/,
      );
      await rejects(
        loadDataset('plain', options),
        UsageError,
        /^plain: who wrote the images is not known: it is known of tiny, wide$/,
      );
    }));

  const qmnist = cachedDirectory(findEntry(readManifest(), 'qmnist'));
  const mnist = 'MNIST by writer';
  if (!existsSync(join(qmnist, 'qmnist-test-labels-idx2-int.gz')))
    test.unavailable(mnist, 'the label files of QMNIST are not in the cache');
  else {
    test(mnist, async () => {
      const { train, test: held } = await loadDataset('mnist', { offline: true, writers: true });
      // Read and counted with numpy, in the files themselves.
      assert.equal([...train.writers!.subarray(0, 5)], [2154, 0, 2232, 0, 2168]);
      assert.equal([...held.writers!.subarray(0, 5)], [2578, 2359, 2530, 2395, 2494]);
      assert.is(new Set(held.writers).size, 297);
      assert.is(new Set(train.writers).size, 539);
      const { validation, train: kept } = splitByWriter(train, 0.1, 0);
      assert.ok(Math.abs(validation.count - 6000) < 100, `${validation.count}`);
      assert.is(validation.count + kept.count, 60000);
      // The test set of MNIST is by other people than its training set.
      const writers = new Set(train.writers);
      assert.not(held.writers!.some((writer) => writers.has(writer)));
    });
  }
});
