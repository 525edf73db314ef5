/** The studio as people have it: its page in Chromium, against what Node computes with the same settings. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import * as assert from 'uvu/assert';
import { type Dataset, fit, Model, openEngine, recipes } from '../../src/browser.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { loadUserDataset } from '../../src/data/user/loadUserDataset.js';
import type { Settings } from '../../src/studio/shared/settings.js';
import type { LocalServer } from '../../src/watch/localServer.js';
import { inFolder } from '../data/support.js';
import { fixture, launch, StudioPage, startFixtureServer } from '../studio/support.js';
import { findChromium, noChromium } from '../support/browser/browser.js';
import { suite } from '../support/suite.js';

/** The hash of the weights that this process trains. */
async function trainedHere(settings: Settings, own?: Dataset): Promise<string> {
  const { default: recipe } = await recipes.table[settings.recipe]!();
  const { train } = own === undefined ? await loadDataset('fixture') : { train: own };
  await using engine = await openEngine({ backend: 'wasm' });
  const { shape, classes } = train;
  const layer = recipe.layer({ classes: classes.length, shape, parameters: recipe.parameters ?? {} });
  const options = recipes.fitOptionsOf(recipe, settings);
  const run = await fit(engine, new Model(layer, shape, settings.seed), train, options);
  return await run.weightsSha256();
}

suite('the studio', (test) => {
  const chromium = findChromium();
  if (chromium === undefined) {
    test.unavailable('everything', noChromium);
    return;
  }
  let browser: Browser;
  let server: LocalServer;
  test.before(async () => {
    server = await startFixtureServer();
    browser = await launch(chromium);
  });
  test.after(async () => {
    await browser.close();
    await server.close();
  });

  test('trains what a link says, to the bytes of Node, and takes drawings', async () => {
    const context = await browser.newContext();
    const studio = await StudioPage.open(context, server.url, fixture);
    const { page } = studio;
    assert.is(await page.evaluate(() => crossOriginIsolated), true);
    assert.is(await studio.train(), await trainedHere(fixture));
    assert.match(await studio.text('outcome-text'), /of the test images are right/);
    assert.is(await page.locator('#matrix tbody tr').count(), 10);
    assert.is(await studio.text('command'), 'quern train ./studio-recipe.mjs --epochs 3 --seed 3');
    await page.locator('#pad').scrollIntoViewIfNeeded();
    const box = (await page.locator('#pad').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.45, box.y + box.height * 0.8, { steps: 6 });
    await page.mouse.up();
    await page.waitForFunction(() => document.getElementById('answer')!.textContent !== '…');
    const shares = await page.locator('#classes span:last-child').allTextContents();
    const total = shares.reduce((sum, share) => sum + Number.parseFloat(share), 0);
    assert.ok(shares.length === 10 && Math.abs(total - 100) < 0.6, shares.join());
    await page.waitForSelector('#spoke canvas');
    await page.locator('#pad').press('Escape');
    await page.waitForFunction(() => document.getElementById('answer')!.textContent === '…');
    assert.equal(studio.said, []);
    await context.close();
  });

  test('paused, closed, opened again: the same bytes', async () => {
    const long = { ...fixture, epochs: 250 };
    const context = await browser.newContext();
    const first = await StudioPage.open(context, server.url, long);
    await first.page.click('#start');
    await first.page.waitForFunction(() => /\d/.test(document.getElementById('numbers')!.textContent ?? ''));
    await first.page.click('#pause');
    await first.status(/^Paused/);
    await first.page.click('#step');
    await first.status(/^Paused/);
    await first.page.close();
    const again = await StudioPage.open(context, server.url);
    await again.page.getByRole('button', { name: /^Open/ }).click();
    await again.status(/^At step \d+ of/);
    assert.is(await again.train(), await trainedHere(long));
    assert.equal(again.said, []);
    await context.close();
  });

  test('layers are changed, and a wrong one is named', async () => {
    const context = await browser.newContext();
    const studio = await StudioPage.open(context, server.url, fixture);
    const { page } = studio;
    await page.locator('#layers-details summary').click();
    assert.match(await page.locator('#layers tbody tr:last-child').innerText(), /118,282/);
    const units = page.getByLabel('units of dense, layer 2');
    await units.fill('64');
    await units.blur();
    await page.waitForFunction(() =>
      /59,850/.test(document.querySelector('#layers tbody tr:last-child')!.textContent!),
    );
    await page.selectOption('#new-layer', 'maxPool2d');
    await page.click('#add-layer');
    await page.waitForSelector('#layers-problem');
    assert.match(await studio.text('layers-problem'), /maxPool2d/);
    assert.match(await page.locator('#layers tr.how.bad').innerText(), /maxPool2d/);
    assert.is(await page.locator('#start').isDisabled(), true);
    await page.getByLabel('remove maxPool2d, layer 6').click();
    await page.waitForFunction(() => !(document.getElementById('start') as HTMLButtonElement).disabled);
    await studio.train();
    assert.match(await studio.text('command'), /^quern train \.\/studio-recipe\.mjs/);
    assert.equal(studio.said, []);
    await context.close();
  });

  test('data of one’s own: what is dropped is read and trained as in Node', async () => {
    const context = await browser.newContext();
    const studio = await StudioPage.open(context, server.url, { ...fixture, epochs: 2 });
    const { train } = await loadDataset('fixture');
    const { images, labels, count } = train;
    const line = (i: number) => `${labels[i]},${images.subarray(784 * i, 784 * (i + 1)).join()}`;
    const text = Array.from({ length: count }, (_, i) => line(i)).join('\n');
    await inFolder(async (folder) => {
      const path = join(folder, 'mine.csv');
      writeFileSync(path, text);
      await studio.page.setInputFiles('#own-files', path);
      await studio.status(/^mine: 10 classes/);
      const own = await loadUserDataset(path, { onNote: () => {} });
      assert.is(await studio.train(), await trainedHere({ ...fixture, epochs: 2 }, own.train));
      await studio.page.setInputFiles('#own-files', {
        name: 'wrong.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from('a,b\n1,2\n'),
      });
      await studio.page.waitForFunction(() =>
        /^\/wrong\.csv: /.test(document.getElementById('status')!.textContent!),
      );
    });
    await context.close();
  });

  test('idx files in gzip; facts are told; what cannot be taken is named', async () => {
    const context = await browser.newContext();
    const studio = await StudioPage.open(context, server.url, { ...fixture, epochs: 1 });
    const { page } = studio;
    const { train } = await loadDataset('fixture');
    const file = (name: string, shape: readonly number[], data: Uint8Array) => {
      const header = Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, n >> 8, n & 255])]);
      return { name, mimeType: '', buffer: gzipSync(Buffer.concat([header, data])) };
    };
    const images = file('train-images-idx3-ubyte.gz', [train.count, 28, 28], train.images);
    const labels = file('train-labels-idx1-ubyte.gz', [train.count], train.labels);
    await page.setInputFiles('#own-files', [images, labels]);
    await studio.status(/^own: 10 classes/);
    await inFolder(async (folder) => {
      for (const { name, buffer } of [images, labels]) writeFileSync(join(folder, name), buffer);
      const own = await loadUserDataset(folder, { onNote: () => {} });
      assert.is(await studio.train(), await trainedHere({ ...fixture, epochs: 1 }, own.train));
    });
    const cut = { ...images, buffer: images.buffer.subarray(0, -20) };
    await page.setInputFiles('#own-files', [cut, labels]);
    await studio.status(/corrupt gzip/);
    const pixels = Array.from({ length: 784 }, (_, i) => i % 256).join();
    const rows = Array.from({ length: 30 }, (_, i) => `${pixels},${['name', '<img src=x>', '=cmd'][i % 3]}`);
    const text = [
      `${Array.from({ length: 784 }, (_, i) => `p${i}`).join()},what`,
      ...rows,
      `${pixels},`,
    ].join('\n');
    await page.setInputFiles('#own-files', {
      name: '<b>.csv',
      mimeType: '',
      buffer: Buffer.from(`${text}\n1,2\n`),
    });
    await studio.status(/the option skipBad leaves/);
    await page.getByText('Facts about this data').click();
    await page.getByLabel('skip bad').check();
    await studio.status(/^<b>: 3 classes/);
    assert.match(await studio.text('data-notes'), /left out/);
    await page.waitForFunction(() =>
      /--data YOUR_DATA --epochs 1 --seed 3 --skip-bad$/.test(
        document.getElementById('command')!.textContent!,
      ),
    );
    assert.equal(studio.said, []);
    await context.close();
  });

  test('a model is downloaded in formats, and opened again', async () => {
    const context = await browser.newContext();
    const studio = await StudioPage.open(context, server.url, fixture);
    const { page } = studio;
    await studio.train();
    const right = await studio.text('matrix-title');
    await inFolder(async (folder) => {
      for (const [format, name] of [
        ['quern', 'mnist-mlp.safetensors'],
        ['onnx', 'mnist-mlp.onnx'],
        ['tfjs', 'mnist-mlp.json'],
      ] as const) {
        await page.selectOption('#format', format);
        const download = page.waitForEvent('download', (each) => each.suggestedFilename() === name);
        await page.click('#download-model');
        const path = join(folder, name);
        await (await download).saveAs(path);
        if (format === 'tfjs') continue;
        await page.setInputFiles('#open-model', path);
        await studio.status(new RegExp(`^${name} is opened: 10 classes, 118,282 parameters`));
        assert.is(await studio.text('matrix-title'), right);
      }
      await page.setInputFiles('#open-model', join(folder, 'mnist-mlp.json'));
      await studio.status(
        /^mnist-mlp\.json: the file 'mnist-mlp\.weights\.bin' is wanted beside it: choose both/,
      );
    });
    await page.click('#pick');
    await page.waitForSelector('#spoke canvas');
    await context.close();
  });

  test('looks inside the step that is trained', async () => {
    const context = await browser.newContext();
    const studio = await StudioPage.open(context, server.url, { ...fixture, batchSize: 16 });
    const { page } = studio;
    await page.click('#look-inside');
    await page.waitForSelector('#inside canvas.memory');
    const rows = await page.locator('#inside .kernels tbody tr').count();
    assert.ok(rows >= 15, String(rows));
    await page.getByLabel('op of the step').fill('9');
    assert.match(await page.locator('#inside .now-op').innerText(), /forward/);
    await page.locator('#inside button.op.gradient').first().focus();
    assert.match(await page.locator('#inside .said-op').innerText(), /made by the gradient rule of \w+/);
    assert.equal(studio.said, []);
    await context.close();
  });
});
