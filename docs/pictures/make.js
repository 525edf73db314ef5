/**
 * Makes the pictures of the README from a run:
 *
 *     quern train fashion-cnn --validation 0.1 --out runs/fashion
 *     node docs/pictures/make.js runs/fashion [--data-dir datasets]
 *
 * Needs Chromium: /usr/bin/chromium, or what QUERN_CHROMIUM names.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [run, ...options] = process.argv.slice(2);
const here = import.meta.dirname;
const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'quern-pictures-'));
const report = join(folder, 'report.html');
execFileSync(process.execPath, [main, 'report', run, '--out', report, ...options], { stdio: 'inherit' });
for (const name of ['confusion', 'ladder']) {
  await copyFile(join(folder, 'report', `${name}.svg`), join(here, `${name}.svg`));
}
const executablePath = process.env.QUERN_CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
  executablePath,
  args: ['--no-sandbox', '--disable-gpu'],
  viewport: { width: 1120, height: 738 },
});
const page = await browser.newPage();
for (const colorScheme of ['light', 'dark']) {
  await page.emulateMedia({ colorScheme });
  await page.goto(pathToFileURL(report).href);
  await page.screenshot({ path: join(here, `report-${colorScheme}.png`) });
  await page.locator('#mistakes').scrollIntoViewIfNeeded();
  await page.locator('#mistakes').screenshot({ path: join(here, `mistakes-${colorScheme}.png`) });
}
await browser.close();
await rm(folder, { recursive: true });
