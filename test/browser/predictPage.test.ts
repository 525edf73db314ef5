/** The page that `quern export MODEL predict.html` writes, opened from a disk: it draws, computes and says when it cannot. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { exportModel } from '../../src/formats/export.js';
import { inFolder } from '../data/support.js';
import { models, sourceOf } from '../formats/support.js';
import { findChromium, noChromium } from '../support/browser/browser.js';
import { suite } from '../support/suite.js';

const executablePath = findChromium();
const name = 'draws on a wide and on a narrow screen, light and dark';

/** A stroke across the place to draw. */
async function draw(page: Page): Promise<void> {
  const box = await page.locator('#drawing').boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.3);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.7, { steps: 5 });
  await page.mouse.up();
}

suite('predict.html', (test) => {
  if (executablePath === undefined) {
    test.unavailable(name, noChromium);
    return;
  }
  test(name, () =>
    inFolder(async (folder) => {
      const { files } = await exportModel(sourceOf(models.chain!()), 'page', { name: 'predict' });
      for (const file of files) writeFileSync(join(folder, file.name || 'predict.html'), file.bytes);
      const address = pathToFileURL(join(folder, 'predict.html')).href;
      const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
      const said: string[] = [];
      try {
        for (const [width, colorScheme] of [
          [1280, 'light'],
          [390, 'dark'],
        ] as const) {
          const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
          page.on('pageerror', (error) => said.push(error.message));
          await page.goto(address);
          assert.is(await page.locator('#answer').textContent(), '…');
          await draw(page);
          await page.waitForFunction(() => document.getElementById('answer')!.textContent !== '…');
          const shares = await page.locator('#classes span:last-child').allTextContents();
          const total = shares.reduce((sum, share) => sum + Number.parseFloat(share), 0);
          assert.ok(shares.length === 5 && Math.abs(total - 100) < 0.5, shares.join());
          assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
          await page.locator('#clear').click();
          await page.waitForFunction(() => document.getElementById('answer')!.textContent === '…');
          await page.close();
        }
        rmSync(join(folder, 'predict.weights.js'));
        const page = await browser.newPage();
        await page.goto(address);
        assert.ok(await page.locator('#missing').isVisible());
        assert.equal(said, []);
      } finally {
        await browser.close();
      }
    }),
  );
});
