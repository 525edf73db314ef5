/** The studio where something is missing: headers, a network, a store, a GPU; and in a frame. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import * as assert from 'uvu/assert';
import { linkOf } from '../../src/studio/shared/settings.js';
import { quern } from '../cli/support.js';
import { fixture, launch, StudioPage, servePlain } from '../studio/support.js';
import { findChromium, noChromium } from '../support/browser/browser.js';
import { suite } from '../support/suite.js';

suite('the studio on any host', (test) => {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    test.unavailable('everything', noChromium);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'quern-site-'));
  let browser: Browser;
  let site: Awaited<ReturnType<typeof servePlain>>;
  test.before(async () => {
    const { code, stderr } = await quern([
      'studio',
      '--out',
      join(folder, 'site'),
      '--datasets',
      'fixture',
      '--offline',
    ]);
    assert.is(code, 0, stderr);
    writeFileSync(
      join(folder, 'frame.html'),
      '<!doctype html><title>frame</title><iframe src="site/" width="900" height="700"></iframe>',
    );
    site = await servePlain(folder);
    browser = await launch(executablePath);
  });
  test.after(async () => {
    await browser.close();
    await site.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const url = () => `${site.url}site/`;

  test('without headers: the service worker isolates the page; then without a network', async () => {
    const context = await browser.newContext();
    const studio = await StudioPage.open(context, url(), fixture);
    const { page } = studio;
    await page.waitForFunction(() => crossOriginIsolated);
    await studio.status(/test images/);
    const hash = await studio.train();
    assert.match(await studio.text('backend-report'), /Computed by wasm, \d threads?/);
    await site.close();
    await page.reload();
    await studio.status(/test images/);
    assert.is(await page.evaluate(() => crossOriginIsolated), true);
    assert.is(await studio.train(), hash);
    await context.close();
    const port = Number(new URL(site.url).port);
    site = await servePlain(folder, port);
  });

  test('in a frame, and without service workers: one thread, and it says so', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const page = await context.newPage();
    await page.goto(`${site.url}frame.html`);
    const frame = page.frameLocator('iframe');
    await frame.locator('#start:enabled').waitFor();
    await frame.locator('#set-epochs').fill('1');
    await frame.locator('#set-epochs').blur();
    await frame.locator('#start').click();
    await frame.locator('#weights-sha256').waitFor({ timeout: 60_000 });
    assert.match(
      await frame.locator('#backend-report').innerText(),
      /1 thread .*Without: one thread: this page is not cross-origin isolated/,
    );
    await context.close();
  });

  test('without IndexedDB: runs are held, and it says so', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    await context.addInitScript(() => {
      Object.defineProperty(globalThis, 'indexedDB', {
        get() {
          throw new DOMException('The user denied permission to access the database.', 'InvalidStateError');
        },
      });
    });
    const studio = await StudioPage.open(context, url(), fixture);
    await studio.train();
    assert.match(await studio.text('runs-about'), /^This browser keeps nothing here/);
    assert.is(await studio.page.locator('#runs tbody th').count(), 1);
    await context.close();
  });

  test('without a GPU: wasm computes, and it says so', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const studio = await StudioPage.open(context, url(), { ...fixture, backend: 'gpu', epochs: 1 });
    await studio.train();
    assert.match(
      await studio.text('backend-report'),
      /^Computed by wasm, .*Without: no GPU: .*; wasm computes\./,
    );
    await context.close();
  });

  test('a link of a stranger is refused with a sentence', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const studio = await StudioPage.open(context, url());
    const said = async (hash: string) => {
      await studio.page.evaluate((text) => {
        location.hash = text;
      }, hash);
      await studio.page.waitForSelector('#status.wrong');
      return studio.text('status');
    };
    assert.match(await said('#run=!!'), /^link: what stands behind #run= is no text of settings/);
    const huge = { kind: 'sequential', parts: { 'layers.0': { kind: 'dense', options: { units: 1e12 } } } };
    await studio.page.evaluate(
      (text) => {
        location.hash = text;
      },
      linkOf({ ...fixture, layers: huge }),
    );
    await studio.page.locator('#layers-details summary').click();
    await studio.page.waitForSelector('#layers-problem');
    assert.is(await studio.page.locator('#start').isDisabled(), true);
    await context.close();
  });
});
