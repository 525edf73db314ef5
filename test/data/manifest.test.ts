import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../src/core/errors.js';
import { filesOf } from '../../src/data/catalog/files.js';
import { bundledDirectory, findEntry, readManifest } from '../../src/data/catalog/manifest.js';
import { suite } from '../support/suite.js';
import { inFolder, rejects, throws } from './support.js';

const hash = 'a'.repeat(64);

/** A sound manifest of one dataset, to break in one place. */
function sound() {
  const file = (name: string): Record<string, unknown> => ({ name, rawSha256: hash });
  return {
    about: 'a test',
    datasets: {
      tiny: {
        title: 'Tiny',
        license: 'MIT',
        citation: 'None.',
        classes: ['a', 'b'],
        image: [2, 2, 1],
        mirrors: ['https://example.org/tiny/'],
        splits: {
          train: { count: 5, images: file('train-images.gz'), labels: file('train-labels.gz') },
          test: { count: 3, images: file('test-images.gz'), labels: file('test-labels.gz') },
        },
      } as Record<string, unknown>,
    } as Record<string, Record<string, unknown>>,
  };
}

suite('manifest', (test) => {
  test('the one that comes with Quern: every dataset is described in full', () => {
    const { datasets } = readManifest();
    const names = [...datasets.keys()];
    for (const name of ['mnist', 'fashion-mnist', 'kmnist', 'qmnist', 'emnist-balanced', 'fixture']) {
      assert.ok(names.includes(name), name);
    }
    for (const entry of datasets.values()) {
      assert.equal(entry.image, [28, 28, 1]);
      assert.is(new Set(entry.classes).size, entry.classes.length, `${entry.name}: classes differ`);
      const files = filesOf(entry);
      assert.is(new Set(files.map(({ name }) => name)).size, 4);
      assert.ok(
        entry.mirrors.length > 0 || entry.archive !== undefined || entry.directory !== undefined,
        entry.name,
      );
      // Safe addresses are tried before plain ones.
      const plain = entry.mirrors.map((mirror) => mirror.startsWith('http:'));
      assert.equal(plain, [...plain].sort());
    }
  });

  test('counts, classes and forms as published', () => {
    const manifest = readManifest();
    const { train, test: held } = findEntry(manifest, 'mnist').splits;
    assert.equal([train.count, held.count], [60000, 10000]);
    assert.equal(
      filesOf(findEntry(manifest, 'fashion-mnist')).map(({ form }) => form.shape),
      [[60000, 28, 28], [60000], [10000, 28, 28], [10000]],
    );
    assert.equal(filesOf(findEntry(manifest, 'qmnist'))[3].form, { dtype: 'int32', shape: [60000, 8] });
    assert.is(
      findEntry(manifest, 'emnist-byclass').classes.join(''),
      '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    );
    assert.equal(findEntry(manifest, 'qmnist').labels, { dtype: 'int32', columns: 8, column: 0, writer: 2 });
    assert.is(findEntry(manifest, 'mnist').writersFrom, 'qmnist');
  });

  // Cohen et al. 2017, table II, the letters' counts as they are in the files, and the mapping files beside them: the
  // capitals of C, I, J, K, L, M, O, P, S, U, V, W, X, Y and Z stand for both cases where cases are merged.
  const merged = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt';
  const digits = '0123456789';
  const emnist = {
    byclass: [`${digits}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz`, 697932, 116323],
    bymerge: [merged, 697932, 116323],
    balanced: [merged, 112800, 18800],
    letters: ['abcdefghijklmnopqrstuvwxyz', 124800, 20800],
    digits: [digits, 240000, 40000],
    mnist: [digits, 60000, 10000],
  } as const;

  test('EMNIST: six splits, lying, out of one archive; letters count from 1', () => {
    const manifest = readManifest();
    for (const [split, [classes, train, held]] of Object.entries(emnist)) {
      const entry = findEntry(manifest, `emnist-${split}`);
      assert.is(entry.classes.join(''), classes, split);
      assert.equal([entry.splits.train.count, entry.splits.test.count], [train, held], split);
      assert.is(entry.transposed, true, split);
      assert.is(entry.labels?.first ?? 0, split === 'letters' ? 1 : 0, split);
      assert.equal(entry.archive, findEntry(manifest, 'emnist-byclass').archive, split);
      assert.equal(
        filesOf(entry).map(({ name }) => name),
        ['train-images-idx3', 'train-labels-idx1', 'test-images-idx3', 'test-labels-idx1'].map(
          (part) => `emnist-${split}-${part}-ubyte.gz`,
        ),
      );
    }
  });

  test('an unknown name is answered with the known ones', () => {
    throws(
      () => findEntry(readManifest(), 'minst'),
      UsageError,
      /^unknown dataset "minst": the names are mnist, fashion-mnist, kmnist, /,
    );
  });

  test('only what comes along has a folder', () => {
    const manifest = readManifest();
    assert.is(bundledDirectory(manifest, findEntry(manifest, 'mnist')), undefined);
    assert.is(bundledDirectory(manifest, findEntry(manifest, 'fixture')), join(manifest.root, 'fixture'));
  });

  test('what is wrong is named by its place', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'manifest.json');
      const read = async (json: unknown) => {
        writeFileSync(path, typeof json === 'string' ? json : JSON.stringify(json));
        return readManifest(path);
      };
      assert.is((await read(sound())).datasets.get('tiny')?.splits.test.count, 3);
      await rejects(read('{"about": '), DataError, /^manifest: .*manifest\.json: is not JSON$/);
      throws(() => readManifest(join(folder, 'none')), DataError, /^manifest: .*none: cannot be read$/);
      await rejects(read([]), DataError, /^manifest: .*manifest\.json must be an object: /);
      await rejects(
        read({ ...sound(), more: 1 }),
        DataError,
        /\.more must be left out: the members are about, datasets$/,
      );

      const split = (changes: object) => ({
        splits: { ...(sound().datasets.tiny!.splits as object), ...changes },
      });
      const images = (file: object) =>
        split({ test: { count: 3, images: file, labels: { name: 'l', rawMd5: 'b'.repeat(32) } } });
      const wrong: [object, RegExp][] = [
        [{ title: '' }, /: tiny\.title must be a text that is not empty: /],
        [{ license: 5 }, /: tiny\.license must be a text that is not empty: /],
        [{ citation: undefined }, /: tiny\.citation must be a text/],
        [{ classes: ['a'] }, /: tiny\.classes must be a list of 2 to 256: /],
        [{ classes: Array(257).fill('a') }, /: tiny\.classes must be a list of 2 to 256: /],
        [{ classes: ['a', 1] }, /: tiny\.classes\[1\] must be a text/],
        [{ image: [28, 28] }, /: tiny\.image must be a list of 3: /],
        [{ image: [28, 28, 0] }, /: tiny\.image\[2\] must be a whole number of at least 1: /],
        [{ image: [28, 28, 1.5] }, /: tiny\.image\[2\] must be a whole number/],
        [{ mirrors: 'https://example.org/' }, /: tiny\.mirrors must be a list: /],
        [{ mirrors: ['file:///etc/'] }, /: tiny\.mirrors\[0\] must be a web address that ends in \/: /],
        [{ mirrors: ['https://example.org/a'] }, /: tiny\.mirrors\[0\] must be a web address/],
        [{ directory: '../outside' }, /: tiny\.directory must be a folder below this one: /],
        [{ directory: 'a/../../b' }, /: tiny\.directory must be a folder below/],
        [{ directory: '/etc' }, /: tiny\.directory must be a folder below/],
        [{ npmPackage: { name: 'x' } }, /: tiny\.npmPackage\.directory must be a folder/],
        [
          { archive: { url: 'https://x/', bytes: 1, sha256: hash, family: 'x', directory: 'x' } },
          /: tiny\.archive\.url must be the web address of a file: /,
        ],
        [
          { archive: { url: 'https://x/a.zip', bytes: 1, sha256: hash, directory: 'x' } },
          /: tiny\.archive\.family must be a plain name: /,
        ],
        [{ transposed: 'yes' }, /: tiny\.transposed must be true or false: /],
        [
          { transposed: true, image: [2, 3, 1] },
          /: tiny\.image must be square with one channel when transposed: 2 x 3 x 1$/,
        ],
        [{ labels: { dtype: 'int64' } }, /: tiny\.labels\.dtype must be one of uint8, int32: /],
        [
          { labels: { columns: 8, column: 8 } },
          /: tiny\.labels\.column must be less than the number of columns, 8$/,
        ],
        [
          { labels: { columns: 2, writer: 2 } },
          /: tiny\.labels\.writer must be less than the number of columns, 2$/,
        ],
        [
          { labels: { colunm: 1 } },
          /: tiny\.labels\.colunm must be left out: the members are dtype, columns, column, writer, first$/,
        ],
        [{ writersFrom: 'other' }, /: tiny\.writersFrom must name a dataset whose labels have writers$/],
        [{ writersFrom: 'tiny' }, /: tiny\.writersFrom must name a dataset whose labels have writers$/],
        [{ splits: {} }, /: tiny\.splits\.train must be an object: /],
        [
          split({ train: { count: 0 } }),
          /: tiny\.splits\.train\.count must be a whole number of at least 1: /,
        ],
        [
          images({ name: '../../x', rawSha256: hash }),
          /: tiny\.splits\.test\.images\.name must be a plain name: /,
        ],
        [
          images({ name: '..', rawSha256: hash }),
          /: tiny\.splits\.test\.images\.name must be a plain name: /,
        ],
        [
          images({ name: 'x' }),
          /: tiny\.splits\.test\.images must be known by a hash: gzipSha256, gzipMd5, rawSha256 or rawMd5$/,
        ],
        [
          images({ name: 'x', rawSha256: 'abc' }),
          /: tiny\.splits\.test\.images\.rawSha256 must be 64 hexadecimal digits: /,
        ],
        [
          images({ name: 'x', gzipMd5: hash }),
          /: tiny\.splits\.test\.images\.gzipMd5 must be 32 hexadecimal digits: /,
        ],
      ];
      for (const [changes, message] of wrong) {
        const json = sound();
        json.datasets.tiny = { ...json.datasets.tiny, ...changes };
        await rejects(read(json), DataError, message);
      }
      const json = sound();
      json.datasets['../tiny'] = json.datasets.tiny!;
      await rejects(read(json), DataError, /: the name "\.\.\/tiny" must be a plain name: /);
    }));
});
