import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import { describeDatasets, getDataset, verifyDataset } from '../../src/data/catalog/catalog.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import type { DatasetEntry, FileEntry } from '../../src/data/catalog/manifest.js';
import { suite } from '../support/suite.js';
import { encodeIdx, inFolder, manifestOf, rejects, sha256, withServer } from './support.js';

/** Two splits in the form of EMNIST: lying images, gzipped; of the letters, labels count from 1 and the test is sorted. */
const stored = {
  'emnist-letters-train-images-idx3-ubyte.gz': encodeIdx('uint8', [5, 2, 2], [...Array(20).keys()]),
  'emnist-letters-train-labels-idx1-ubyte.gz': encodeIdx('uint8', [5], [2, 1, 3, 1, 2]),
  'emnist-letters-test-images-idx3-ubyte.gz': encodeIdx('uint8', [6, 2, 2], [...Array(24).keys()]),
  'emnist-letters-test-labels-idx1-ubyte.gz': encodeIdx('uint8', [6], [1, 1, 1, 2, 2, 3]),
  'emnist-digits-train-images-idx3-ubyte.gz': encodeIdx('uint8', [5, 2, 2], Array(20).fill(7)),
  'emnist-digits-train-labels-idx1-ubyte.gz': encodeIdx('uint8', [5], [0, 1, 2, 1, 0]),
  'emnist-digits-test-images-idx3-ubyte.gz': encodeIdx('uint8', [6, 2, 2], Array(24).fill(9)),
  'emnist-digits-test-labels-idx1-ubyte.gz': encodeIdx('uint8', [6], [2, 0, 1, 0, 0, 0]),
} as const;
type Name = keyof typeof stored;

const published = Object.fromEntries(
  Object.entries(stored).map(([name, raw]) => [name, gzipSync(raw)]),
) as Record<Name, Buffer>;

const letters = (Object.keys(stored) as Name[]).slice(0, 4);

/** The archive, with what it holds besides, and with changes. */
function archiveOf(changes: Partial<Record<Name, Buffer | undefined>> = {}): Buffer {
  const files = Object.entries({ ...published, ...changes }).filter(([, bytes]) => bytes !== undefined);
  const members = files.map(([name, bytes], i) => [
    `gzip/${name}`,
    // Some stored, some deflated once more.
    [bytes as Uint8Array, { level: i % 2 === 0 ? 0 : 6 }],
  ]);
  return Buffer.from(
    zipSync(
      {
        'gzip/emnist-letters-mapping.txt': Buffer.from('1 65 97\n'),
        '__MACOSX/gzip/._emnist-letters-train-images-idx3-ubyte.gz': Buffer.from('a resource fork'),
        ...Object.fromEntries(members),
      },
      // Every call gives the same bytes, whenever it is made.
      { mtime: new Date(2020, 0, 1) },
    ),
  );
}

/** The entry of one of the splits. */
function entryOf(split: 'letters' | 'digits', url: string, archive: Buffer): DatasetEntry {
  const file = (part: string): FileEntry => {
    const name = `emnist-${split}-${part}-ubyte.gz` as Name;
    return { name, gzipBytes: published[name].length, gzipSha256: sha256(published[name]) };
  };
  return {
    name: `emnist-${split}`,
    title: 'Tiny',
    license: 'MIT',
    citation: 'None.',
    classes: ['a', 'b', 'c'],
    image: [2, 2, 1],
    mirrors: [],
    archive: { url, bytes: archive.length, sha256: sha256(archive), family: 'emnist', directory: 'gzip' },
    transposed: true,
    ...(split === 'letters' && { labels: { first: 1 } }),
    splits: {
      train: { count: 5, images: file('train-images-idx3'), labels: file('train-labels-idx1') },
      test: { count: 6, images: file('test-images-idx3'), labels: file('test-labels-idx1') },
    },
  };
}

interface Scene {
  folder: string;
  /** Where the cache keeps the archive. */
  kept: string;
  /** What the cache holds of a dataset. */
  cached(name: string): string[];
  options: { cacheDirectory: string; manifest: ReturnType<typeof manifestOf> };
  /** How often the archive was asked for. */
  asked: (string | undefined)[];
  /** What the server sends. */
  server: { archive: Buffer; cut?: number };
}

/** @param known the archive that the manifest describes */
function scene(run: (scene: Scene) => Promise<void>, known: Buffer = archiveOf()): Promise<void> {
  const server: Scene['server'] = { archive: known };
  const asked: Scene['asked'] = [];
  return inFolder((folder) =>
    withServer(
      (request, response) => {
        const { range } = request.headers;
        asked.push(range);
        const { archive, cut } = server;
        const begin = Number(/\d+/.exec(range ?? '0')![0]);
        response.writeHead(range === undefined ? 200 : 206, {
          'content-length': archive.length - begin,
          'content-range': `bytes ${begin}-${archive.length - 1}/${archive.length}`,
        });
        if (cut === undefined) response.end(archive.subarray(begin));
        else {
          response.write(archive.subarray(begin, begin + cut));
          setTimeout(() => response.destroy(), 200);
        }
      },
      (base) => {
        const cacheDirectory = join(folder, 'cache');
        const url = `${base}EMNIST/gzip.zip`;
        const manifest = manifestOf(entryOf('letters', url, known), entryOf('digits', url, known));
        const place = (name: string) => join(cacheDirectory, 'datasets', name);
        return run({
          folder,
          kept: join(place('emnist'), 'gzip.zip'),
          cached: (name) => (existsSync(place(name)) ? readdirSync(place(name)).sort() : []),
          options: { cacheDirectory, manifest },
          asked,
          server,
        });
      },
    ),
  );
}

const sortedLetters = [...letters].sort();

suite('datasets out of an archive', (test) => {
  test('one download serves all splits; only the files of the split are taken out', () =>
    scene(async ({ cached, kept, options, asked }) => {
      const told = new Map<string, number>();
      const files = await getDataset('emnist-letters', {
        ...options,
        onProgress: ({ file, bytes, total }) => void told.set(file, bytes / total!),
      });
      assert.equal(
        files.map(({ file, downloaded, archive }) => [file, downloaded, archive]),
        letters.map((name) => [name, true, kept]),
      );
      assert.equal([...told], [['gzip.zip', 1], ...letters.map((name): [string, number] => [name, 1])]);
      assert.equal(cached('emnist'), ['gzip.zip']);
      assert.equal(cached('emnist-letters'), sortedLetters);
      for (const { file, path } of files) assert.equal(readFileSync(path), published[file as Name]);
      const others = await getDataset('emnist-digits', options);
      assert.ok(others.every(({ downloaded, archive }) => !downloaded && archive === kept));
      const again = await getDataset('emnist-digits', { ...options, offline: true });
      assert.ok(again.every(({ downloaded, archive }) => !downloaded && archive === undefined));
      assert.equal(asked, [undefined]);
    }));

  test('loadDataset: upright images, classes from 0, limits that leave no class of a sorted test out', () =>
    scene(async ({ options }) => {
      const { train, test: held } = await loadDataset('emnist-letters', options);
      assert.equal([...train.images.subarray(0, 8)], [0, 2, 1, 3, 4, 6, 5, 7]);
      assert.equal([...train.labels], [1, 0, 2, 0, 1]);
      assert.equal([...held.labels], [0, 0, 0, 1, 1, 2]);
      const limited = await loadDataset('emnist-letters', { ...options, offline: true, limit: 3 });
      assert.equal([...limited.test.labels], [0, 1, 2]);
      assert.equal([...limited.test.images.subarray(4, 8)], [12, 14, 13, 15]);
      assert.equal([...limited.train.labels], [1, 0, 2]);
      assert.equal([...(await loadDataset('emnist-digits', options)).train.labels], [0, 1, 2, 1, 0]);
    }));

  test('an archive in a data folder, wherever it lies there, is taken instead of a download', async () => {
    for (const place of ['.', 'emnist', 'emnist-letters']) {
      await scene(async ({ folder, cached, options, asked }) => {
        const dataDirectory = join(folder, 'data');
        mkdirSync(join(dataDirectory, place), { recursive: true });
        writeFileSync(join(dataDirectory, place, 'gzip.zip'), archiveOf());
        const [described] = await describeDatasets({ ...options, dataDirectory });
        assert.equal([described!.source, described!.directory], ['archive', join(dataDirectory, place)]);
        const files = await getDataset('emnist-letters', { ...options, dataDirectory, offline: true });
        assert.ok(
          files.every(({ downloaded, archive }) => !downloaded && archive?.startsWith(dataDirectory)),
        );
        assert.equal(cached('emnist'), []);
        assert.equal(cached('emnist-letters'), sortedLetters);
        assert.is((await loadDataset('emnist-letters', { ...options, offline: true })).train.count, 5);
        assert.is((await loadDataset('emnist-letters', { ...options, dataDirectory })).train.count, 5);
        assert.equal(readdirSync(join(dataDirectory, place)), ['gzip.zip']);
        assert.equal(asked, []);
      });
    }
  });

  test('one that was packed anew is as good in a data folder, where its files are known by their own hashes', () =>
    scene(async ({ folder, options }) => {
      const packed = zipSync(Object.fromEntries(letters.map((name) => [name, published[name]])));
      writeFileSync(join(folder, 'gzip.zip'), packed);
      const { test: held } = await loadDataset('emnist-letters', { ...options, dataDirectory: folder });
      assert.is(held.count, 6);
    }));

  test('an archive that was put into the cache is taken, a damaged one replaced', () =>
    scene(async ({ kept, cached, options, asked }) => {
      mkdirSync(join(kept, '..'), { recursive: true });
      writeFileSync(kept, archiveOf());
      await getDataset('emnist-letters', { ...options, offline: true });
      const damaged = archiveOf();
      damaged[damaged.length >> 1]! ^= 1;
      for (const bytes of [damaged, damaged.subarray(100)]) {
        writeFileSync(kept, bytes);
        await rejects(
          getDataset('emnist-digits', { ...options, offline: true }),
          DataError,
          /^emnist-digits: not found in the cache .*, and downloading is off\n/,
        );
      }
      assert.equal(asked, []);
      await getDataset('emnist-digits', options);
      assert.equal(readFileSync(kept), archiveOf());
      assert.equal([cached('emnist'), cached('emnist-digits').length], [['gzip.zip'], 4]);
    }));

  test('loose files of the archive do without it', () =>
    scene(async ({ folder, options }) => {
      for (const place of ['gzip', 'emnist', 'emnist/gzip', 'emnist-letters', '.']) {
        const dataDirectory = join(folder, place.replace('/', '-'), 'data');
        mkdirSync(join(dataDirectory, place), { recursive: true });
        for (const name of letters) writeFileSync(join(dataDirectory, place, name), published[name]);
        const { train } = await loadDataset('emnist-letters', { ...options, dataDirectory });
        assert.equal([...train.labels], [1, 0, 2, 0, 1], place);
        const files = await getDataset('emnist-letters', { ...options, dataDirectory, offline: true });
        assert.ok(files.every(({ path, downloaded }) => !downloaded && path.startsWith(dataDirectory)));
      }
      assert.not(existsSync(options.cacheDirectory));
      const dataDirectory = join(folder, 'none');
      mkdirSync(dataDirectory);
      await rejects(
        loadDataset('emnist-letters', { ...options, dataDirectory }),
        DataError,
        /^emnist-letters: files are missing in .*none: emnist-letters-train-images-\S+, .*\n {2}They may be gzipped or not; gzip\.zip, the archive that has them, does as well; when a data folder is given/,
      );
    }));

  test('a download that was cut goes on', () =>
    scene(async ({ cached, options, asked, server }) => {
      server.cut = 100;
      await rejects(
        getDataset('emnist-letters', options),
        DataError,
        /gzip\.zip: could not be downloaded: \S+: terminated.*\n {2}Once more, and it goes on where it stopped, for a day; or put http\S+ into \S+emnist or/,
      );
      assert.match(cached('emnist').join(), /^gzip\.zip\.\d+-\d+\.partial$/);
      delete server.cut;
      await getDataset('emnist-letters', options);
      assert.equal(asked, [undefined, 'bytes=100-']);
      assert.equal(cached('emnist'), ['gzip.zip']);
    }));

  test('another archive than the published one', () =>
    scene(async ({ cached, options, server }) => {
      server.archive = archiveOf();
      server.archive[200]! ^= 1;
      await rejects(
        getDataset('emnist-letters', options),
        DataError,
        new RegExp(
          `: gzip\\.zip: not as published: expected sha256 ${sha256(archiveOf())}, found sha256 ${sha256(server.archive)}\\n`,
        ),
      );
      server.archive = archiveOf().subarray(20);
      await rejects(
        getDataset('emnist-letters', options),
        DataError,
        /: gzip\.zip: not as published: expected \d+ bytes, found \d+ bytes\n/,
      );
      assert.equal([cached('emnist'), cached('emnist-letters')], [[], []]);
    }));

  test('an abort while files are taken out keeps those that are whole', () =>
    scene(async ({ cached, options }) => {
      const controller = new AbortController();
      const onProgress = ({ file }: { file: string }) => {
        if (file === letters[1]) controller.abort(new Error('stopped by the user'));
      };
      await rejects(
        getDataset('emnist-letters', { ...options, onProgress, signal: controller.signal }),
        Error,
        /^stopped by the user$/,
      );
      assert.equal([cached('emnist'), cached('emnist-letters')], [['gzip.zip'], [letters[0]]]);
    }));
});

suite('archives that are not right', (test) => {
  /** Loads from an archive in a data folder. Nothing may be left in the cache, except whole files. */
  const load = (archive: Buffer, message: RegExp, left: readonly string[] = []) =>
    scene(async ({ folder, cached, options }) => {
      const dataDirectory = join(folder, 'data');
      mkdirSync(dataDirectory);
      writeFileSync(join(dataDirectory, 'gzip.zip'), archive);
      await rejects(loadDataset('emnist-letters', { ...options, dataDirectory }), DataError, message);
      assert.equal(cached('emnist-letters'), left);
    });

  test('no zip archive, or a part of one', async () => {
    await load(Buffer.from('<html>moved</html>'), /data\/gzip\.zip: not a sound zip archive: /);
    await load(Buffer.alloc(0), /data\/gzip\.zip: not a sound zip archive: /);
    await load(archiveOf().subarray(0, -30), /data\/gzip\.zip: not a sound zip archive: /);
    await load(archiveOf().subarray(50), /data\/gzip\.zip: (not a sound zip archive: |\S+: )/);
  });

  test('a file is missing', () =>
    load(
      archiveOf({ [letters[2]!]: undefined }),
      /data\/gzip\.zip: holds no emnist-letters-test-images-idx3-ubyte\.gz$/,
      [letters[0]!, letters[1]!],
    ));

  test('a file is another, cut, corrupt or too long', async () => {
    const name = letters[0]!;
    const other = Buffer.from(stored[name]);
    other[20]! ^= 1;
    await load(
      archiveOf({ [name]: gzipSync(other) }),
      /data\/gzip\.zip: emnist-letters-train-images-idx3-ubyte\.gz: wrong hash for emnist-letters-train-images\S+ of emnist-letters: expected sha256/,
    );
    await load(
      archiveOf({ [name]: published[name].subarray(0, 20) }),
      /data\/gzip\.zip: \S+: (corrupt gzip|truncated)/,
    );
    await load(
      archiveOf({ [name]: published['emnist-letters-test-labels-idx1-ubyte.gz'] }),
      /data\/gzip\.zip: \S+: holds uint8 \[6\] where uint8 \[5, 2, 2\] is expected\n/,
    );
    await load(
      archiveOf({ [name]: Buffer.alloc(5000) }),
      /data\/gzip\.zip: emnist-letters-train-images-idx3-ubyte\.gz is too long: 5000 bytes, at most 1061 are expected$/,
    );
    // Within the data of a deflated member.
    const archive = archiveOf();
    const at = archive.indexOf(letters[1]!) + letters[1]!.length;
    archive.fill(255, at, at + 10);
    await load(archive, /data\/gzip\.zip: not a sound zip archive: /, [letters[0]!]);
  });

  test('a cache that cannot be written', () =>
    scene(async ({ folder, options }) => {
      writeFileSync(join(folder, 'gzip.zip'), archiveOf());
      writeFileSync(options.cacheDirectory, 'a file where a folder should be');
      await rejects(
        loadDataset('emnist-letters', { ...options, dataDirectory: folder }),
        DataError,
        /emnist-letters-train-images-idx3-ubyte\.gz: cannot be written: (ENOTDIR|EEXIST)/,
      );
    }));

  test('verifyDataset and describeDatasets: the archive too', () =>
    scene(async ({ kept, options }) => {
      mkdirSync(join(kept, '..'), { recursive: true });
      writeFileSync(kept, archiveOf());
      const [alone] = await verifyDataset('emnist-letters', options);
      assert.equal(alone, {
        file: 'gzip.zip',
        path: kept,
        ok: true,
        expected: `sha256 ${sha256(archiveOf())}`,
        found: `sha256 ${sha256(archiveOf())}`,
      });
      assert.is((await describeDatasets(options))[0]?.source, 'archive');
      await getDataset('emnist-letters', options);
      assert.is((await describeDatasets(options))[0]?.source, 'cache');
      assert.is((await describeDatasets(options))[0]?.downloadBytes, archiveOf().length);
      writeFileSync(kept, 'short');
      const reports = await verifyDataset('emnist-letters', options);
      assert.equal(
        reports.map(({ file, ok }) => [file, ok]),
        [...letters.map((name) => [name, true]), ['gzip.zip', false]],
      );
      assert.is(reports[4]!.found, '5 bytes');
    }));
});
