import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../src/core/errors.js';
import { describeDatasets, getDataset, verifyDataset } from '../../src/data/catalog/catalog.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { readManifest } from '../../src/data/catalog/manifest.js';
import { suite } from '../support/suite.js';
import { inFolder, manifestOf, rejects, sha256, tinyEntry, tinyFiles, withServer } from './support.js';

const names = Object.keys(tinyFiles()) as (keyof ReturnType<typeof tinyFiles>)[];
const published = names.map((name) => `${name}.gz`);

interface Scene {
  cacheDirectory: string;
  /** The folder of the tiny dataset in the cache. */
  folder: string;
  /** What the server sends, by address. */
  sent: Map<string, Buffer>;
  /** What it was asked for. */
  asked: string[];
  options: { cacheDirectory: string; manifest: ReturnType<typeof manifestOf> };
}

/** A cache folder, and a server whose folder `right/` has the tiny dataset; the first mirror, `empty/`, has nothing. */
function scene(run: (scene: Scene) => Promise<void>) {
  return inFolder((cacheDirectory) => {
    const sent = new Map(names.map((name) => [`/right/${name}.gz`, gzipSync(tinyFiles()[name])]));
    const asked: string[] = [];
    return withServer(
      (request, response) => {
        asked.push(request.url ?? '');
        const bytes = sent.get(request.url ?? '');
        if (bytes === undefined) response.writeHead(404).end();
        else response.end(bytes);
      },
      (base) => {
        const manifest = manifestOf(tinyEntry(tinyFiles(), { mirrors: [`${base}empty/`, `${base}right/`] }));
        const folder = join(cacheDirectory, 'datasets', 'tiny');
        return run({ cacheDirectory, folder, sent, asked, options: { cacheDirectory, manifest } });
      },
    );
  });
}

suite('downloading datasets', (test) => {
  test('loadDataset downloads once and then has it', () =>
    scene(async ({ folder, asked, options }) => {
      const files = new Set<string>();
      const { train } = await loadDataset('tiny', {
        ...options,
        onProgress: ({ file }) => void files.add(file),
      });
      assert.equal([...train.labels], [0, 1, 2, 1, 0]);
      assert.equal([...files], published);
      assert.equal(readdirSync(folder).sort(), [...published].sort());
      assert.equal(
        asked,
        // the mirror that answered is asked first from then on
        published.flatMap((name, i) => (i === 0 ? [`/empty/${name}`, `/right/${name}`] : `/right/${name}`)),
      );
      asked.length = 0;
      await loadDataset('tiny', { ...options, offline: true });
      assert.equal(asked, []);
    }));

  test('a mirror with other bytes is passed over; only a hash lets a file in', () =>
    scene(async ({ folder, sent, options }) => {
      sent.set('/empty/train-images-idx3-ubyte.gz', gzipSync(tinyFiles()['t10k-images-idx3-ubyte']));
      sent.set('/empty/train-labels-idx1-ubyte.gz', Buffer.from('<html>moved</html>'));
      await loadDataset('tiny', options);
      const changed = Buffer.from(tinyFiles()['t10k-labels-idx1-ubyte']);
      changed[8]! ^= 1;
      sent.set('/right/t10k-labels-idx1-ubyte.gz', gzipSync(changed));
      writeFileSync(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(changed));
      const hash = sha256(tinyFiles()['t10k-labels-idx1-ubyte']);
      await rejects(
        getDataset('tiny', options),
        DataError,
        new RegExp(
          `t10k-labels-idx1-ubyte\\.gz: could not be downloaded: \\S+: HTTP 404; \\S+: t10k-labels-idx1-ubyte\\.gz: wrong hash for t10k-labels-idx1-ubyte\\.gz of tiny: expected sha256 ${hash}, found sha256 ${sha256(changed)}\n {2}If no mirror can be reached, give a folder that holds train-images-idx3-ubyte\\.gz and its companions \\(\`dataDir\`\\)\\.$`,
        ),
      );
      assert.equal(readdirSync(folder).length, 4, 'nothing half-way is left');
    }));

  test('a file longer than it can be is refused', () =>
    scene(async ({ folder, sent, options }) => {
      sent.set('/right/train-images-idx3-ubyte.gz', Buffer.alloc(3000));
      await rejects(
        getDataset('tiny', options),
        DataError,
        /too long: 3000 bytes, at most 1061 are expected\n/,
      );
      assert.equal(readdirSync(folder), []);
    }));

  test('getDataset keeps what is right and replaces what is not, under whatever name', () =>
    scene(async ({ folder, asked, options }) => {
      mkdirSync(folder, { recursive: true });
      const files = tinyFiles();
      writeFileSync(join(folder, 'train-images-idx3-ubyte'), files['train-images-idx3-ubyte']);
      writeFileSync(join(folder, 'train-labels-idx1-ubyte'), 'damaged');
      writeFileSync(
        join(folder, 't10k-images-idx3-ubyte.gz'),
        gzipSync(files['t10k-images-idx3-ubyte']).subarray(0, 20),
      );
      const fetched = await getDataset('tiny', options);
      assert.equal(
        fetched.map(({ file, path, downloaded }) => [file, basename(path), downloaded]),
        [
          [published[0], 'train-images-idx3-ubyte', false],
          [published[1], published[1], true],
          [published[2], published[2], true],
          [published[3], published[3], true],
        ],
      );
      assert.not(existsSync(join(folder, 'train-labels-idx1-ubyte')));
      assert.is(asked.length, 4);
      assert.ok((await verifyDataset('tiny', options)).every(({ ok }) => ok));
      assert.is((await loadDataset('tiny', { ...options, offline: true })).train.count, 5);
      assert.ok(
        (await getDataset('tiny', { ...options, offline: true })).every(({ downloaded }) => !downloaded),
      );
    }));

  test('an abort keeps the files that were whole', () =>
    scene(async ({ folder, options }) => {
      const controller = new AbortController();
      const onProgress = ({ file }: { file: string }) => {
        if (file === published[1]) controller.abort(new Error('stopped'));
      };
      await rejects(
        getDataset('tiny', { ...options, onProgress, signal: controller.signal }),
        Error,
        /^stopped$/,
      );
      assert.equal(readdirSync(folder), [published[0]]);
    }));

  test('offline, nothing is asked for', () =>
    scene(async ({ asked, options }) => {
      await rejects(
        getDataset('tiny', { ...options, offline: true }),
        DataError,
        /^tiny: not found in the cache .* and downloading is off/,
      );
      assert.equal(asked, []);
    }));

  test('what comes with Quern needs no download; an unknown name is told', async () => {
    const fetched = await getDataset('fixture', { offline: true });
    assert.ok(fetched.every(({ path, downloaded }) => existsSync(path) && !downloaded));
    await rejects(getDataset('tyni', { offline: true }), UsageError, /^unknown dataset "tyni"/);
  });
});

suite('describing and verifying datasets', (test) => {
  test('describeDatasets: what each is, and where it is', () =>
    scene(async ({ cacheDirectory, folder, options }) => {
      const [absent] = await describeDatasets(options);
      assert.equal(absent, {
        name: 'tiny',
        title: 'Tiny',
        counts: { train: 5, test: 3 },
        shape: [2, 2, 1],
        classes: ['a', 'b', 'c'],
        license: 'MIT',
        citation: 'None.',
        downloadBytes: undefined,
        source: 'absent',
        directory: undefined,
      });
      await getDataset('tiny', options);
      const [cached] = await describeDatasets(options);
      assert.equal([cached?.source, cached?.directory], ['cache', folder]);
      const [elsewhere] = await describeDatasets({
        ...options,
        dataDirectory: join(cacheDirectory, 'datasets'),
      });
      assert.equal([elsewhere?.source, elsewhere?.directory], ['data-dir', folder]);
      const [missing] = await describeDatasets({ ...options, dataDirectory: join(cacheDirectory, 'none') });
      assert.is(missing?.source, 'absent');
    }));

  test('describeDatasets: a folder of files is one dataset, not all that use the same names', () =>
    inFolder(async (dataDirectory) => {
      for (const [name, bytes] of Object.entries(tinyFiles()))
        writeFileSync(join(dataDirectory, name), bytes);
      const other = tinyEntry({
        ...tinyFiles(),
        't10k-labels-idx1-ubyte': tinyFiles()['train-labels-idx1-ubyte'],
      });
      const manifest = manifestOf(tinyEntry(), { ...other, name: 'other' });
      const described = await describeDatasets({ dataDirectory, manifest });
      assert.equal(
        described.map(({ name, source }) => [name, source]),
        [
          ['tiny', 'data-dir'],
          ['other', 'absent'],
        ],
      );
    }));

  test('describeDatasets: those of Quern, with license and citation', () =>
    inFolder(async (cacheDirectory) => {
      const described = await describeDatasets({ cacheDirectory });
      assert.equal(
        described.map(({ name }) => name),
        [...readManifest().datasets.keys()],
      );
      const fashion = described.find(({ name }) => name === 'fashion-mnist');
      assert.is(fashion?.license, 'MIT (Zalando SE)');
      assert.match(fashion?.citation ?? '', /arXiv:1708\.07747/);
      assert.is(fashion?.classes[9], 'Ankle boot');
      assert.is(fashion?.downloadBytes, 26421880 + 29515 + 4422102 + 5148);
      const download = (name: string) => described.find((dataset) => dataset.name === name)?.downloadBytes;
      assert.equal(['emnist-letters', 'qmnist', 'fixture'].map(download), [561753746, undefined, 0]);
      assert.is(described.find(({ name }) => name === 'fixture')?.source, 'package');
    }));

  test('verifyDataset: file by file, what was expected and what was found', () =>
    scene(async ({ folder, options }) => {
      await getDataset('tiny', options);
      const files = tinyFiles();
      const good = await verifyDataset('tiny', options);
      assert.equal(
        good.map(({ file, ok }) => [file, ok]),
        published.map((name) => [name, true]),
      );
      assert.is(good[0]?.found, `sha256 ${sha256(files['train-images-idx3-ubyte'])}`);
      const changed = Buffer.from(files['train-images-idx3-ubyte']);
      changed[20]! ^= 1;
      writeFileSync(join(folder, published[0]!), gzipSync(changed));
      writeFileSync(join(folder, published[3]!), readFileSync(join(folder, published[3]!)).subarray(0, 15));
      const [first, second, third, fourth] = await verifyDataset('tiny', options);
      assert.equal(first, {
        file: published[0],
        path: join(folder, published[0]!),
        ok: false,
        expected: `sha256 ${sha256(files['train-images-idx3-ubyte'])}`,
        found: `sha256 ${sha256(changed)}`,
      });
      assert.ok(second?.ok && third?.ok);
      assert.is(fourth?.ok, false);
      assert.is(fourth?.expected, `sha256 ${sha256(files['t10k-labels-idx1-ubyte'])}`);
      assert.match(fourth?.found ?? '', /t10k-labels-idx1-ubyte\.gz: (corrupt gzip|truncated)/);
    }));

  test('verifyDataset: nothing to verify', () =>
    scene(async ({ options }) => {
      await rejects(
        verifyDataset('tiny', options),
        DataError,
        /^tiny: not on this machine, so there is nothing to verify\n {2}`quern datasets get tiny` downloads it\.$/,
      );
      await rejects(verifyDataset('tyni', options), UsageError, /^unknown dataset "tyni"/);
    }));
});
