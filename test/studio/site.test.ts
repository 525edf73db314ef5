/** The site as files, and the server of this machine. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { builtSite } from '../../src/cli/commands/studio/run.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { quern, whyNoSmallDisk, withSmallDisk } from '../cli/support.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';
import { startFixtureServer } from './support.js';

suite('the studio as a site', (test) => {
  test('quern studio --out writes page, scripts and datasets, without loss', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'site');
      const { code, stdout } = await quern(['studio', '--out', out, '--datasets', 'fixture', '--offline']);
      assert.is(code, 0);
      assert.match(stdout, /site: the site, fixture with 0\.\d MB; any host of files can serve it/);
      const names = readdirSync(out);
      for (const name of ['index.html', 'studio.js', 'trainer.js', 'worker.js', 'sw.js', 'LICENSES.txt'])
        assert.ok(names.includes(name), name);
      const { train } = await loadDataset('fixture');
      const packed = readFileSync(join(out, 'data/fixture-train-images.bin'));
      assert.ok(gunzipSync(packed).equals(train.images));
      const { train: described } = JSON.parse(readFileSync(join(out, 'data/fixture.json'), 'utf8'));
      assert.is(described.images.bytes, train.images.length);
      const again = await quern(['studio', '--out', out, '--datasets', 'fixture', '--offline']);
      assert.is(again.code, 2);
      assert.match(again.stderr, /is not empty\n {2}--force writes the site into it all the same\./);
    }));

  test('a dataset that cannot be had: nothing is begun', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'sites/one');
      const environment = { QUERN_CACHE: join(folder, 'cache') };
      const words = ['studio', '--out', out, '--datasets', 'fixture,emnist-letters', '--offline'];
      const { code, stderr } = await quern(words, { environment });
      assert.is(code, 1);
      assert.match(stderr, /emnist-letters/);
      assert.not(existsSync(join(folder, 'sites')));
    }));

  const full = 'a full disk: nothing of the site is left';
  const reason = whyNoSmallDisk();
  if (reason !== undefined) test.unavailable(full, reason);
  else
    test(full, () =>
      withSmallDisk('64k', async (folder) => {
        for (const out of ['disk', 'disk/new/site']) {
          const { code, stderr } = await quern(['studio', '--out', out, '--datasets', 'fixture'], {
            cwd: folder,
          });
          assert.is(code, 1);
          assert.ok(
            stderr.endsWith(`quern: ${out}: the site cannot be written: ENOSPC: no space left on device\n`),
            stderr,
          );
          assert.equal(readdirSync(join(folder, 'disk')), []);
        }
      }),
    );

  test('wrong words are named', async () => {
    const { code, stderr } = await quern(['studio', '--out', 'nowhere', '--datasets', 'mnits']);
    assert.is(code, 2);
    assert.match(stderr, /unknown dataset "mnits"/);
    const none = await quern(['studio', '--out', 'nowhere', '--datasets', ',']);
    assert.match(
      none.stderr,
      /--datasets must be names with commas between them, such as mnist,fashion-mnist/,
    );
  });

  test('the scripts of the first view stay below 250 kB, gzipped', () => {
    // what index.html names, and what that imports before anything is chosen
    const seen = new Set<string>();
    const follow = (name: string) => {
      if (seen.has(name)) return;
      seen.add(name);
      const text = readFileSync(join(builtSite, name), 'utf8');
      for (const [, target] of text.matchAll(/(?:from|import)"\.\/([\w-]+\.js)"/g)) follow(target!);
    };
    for (const name of ['studio.js', 'trainer.js', 'sw.js']) follow(name);
    const bytes = [...seen].reduce(
      (sum, name) => sum + gzipSync(readFileSync(join(builtSite, name))).length,
      0,
    );
    console.log(`\nfirst view: ${seen.size} scripts, ${bytes} bytes gzipped`);
    assert.ok(bytes > 20_000 && bytes < 250_000, String(bytes));
  });

  test('the server serves the site and its data to this machine alone', async () => {
    const server = await startFixtureServer();
    try {
      const page = await fetch(server.url);
      assert.is(page.headers.get('cross-origin-opener-policy'), 'same-origin');
      assert.match(page.headers.get('content-security-policy')!, /script-src 'self' 'wasm-unsafe-eval';/);
      assert.match(await page.text(), /<title>Quern studio<\/title>/);
      const status = async (path: string, headers = {}) =>
        (await fetch(`${server.url}${path}`, { headers })).status;
      assert.is(await status('data/fixture.json'), 200);
      assert.is(await status('data/fixture-test-labels.bin'), 200);
      assert.is(await status('data/other.json'), 404);
      assert.is(await status('..%2f..%2fcli%2fmain.js'), 404);
      assert.is(await status('nothing.js'), 404);
    } finally {
      await server.close();
    }
  });

  test('a folder with other files is not written into', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'mine'));
      writeFileSync(join(folder, 'mine/file'), '');
      const { code } = await quern(['studio', '--out', join(folder, 'mine'), '--datasets', 'fixture']);
      assert.is(code, 2);
      assert.equal(readdirSync(join(folder, 'mine')), ['file']);
    }));
});
