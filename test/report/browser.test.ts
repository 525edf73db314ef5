/** The page in a real browser: light and dark, wide and narrow. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium } from 'playwright-core';
import * as assert from 'uvu/assert';
import { asFile } from '../../src/report/charts/chart.js';
import { lossChart } from '../../src/report/charts/charts.js';
import { contrast } from '../../src/report/charts/theme.js';
import { collect, examine } from '../../src/report/page/collect.js';
import { renderReport } from '../../src/report/page/page.js';
import { findChromium, noChromium } from '../support/browser/browser.js';
import { suite } from '../support/suite.js';
import { fixture, withEngine } from '../training/support.js';
import { convolutional, history, runOf, untrained } from './support.js';

/** The text that is read, with the colors that it has on what is behind it. */
interface Seen {
  readonly text: string;
  readonly color: string;
  readonly ground: string;
}

/** In the page: the colors of all texts, those of drawings on the page's own ground or on a cell before them. */
function coloredTexts(): Seen[] {
  const hex = (color: string) =>
    `#${(color.match(/[\d.]+/g) ?? [])
      .slice(0, 3)
      .map((part) => Number(part).toString(16).padStart(2, '0'))
      .join('')}`;
  const opaque = (color: string) => color !== 'rgba(0, 0, 0, 0)' && color !== 'transparent';
  const ground = (from: Element) => {
    for (let element: Element | null = from; element !== null; element = element.parentElement) {
      const { backgroundColor } = getComputedStyle(element);
      if (opaque(backgroundColor)) return hex(backgroundColor);
    }
    return '#000000';
  };
  const texts: Seen[] = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(
      (node) => node.nodeType === 3 && node.textContent!.trim() !== '',
    );
    if (!own || element.closest('title, style') !== null) continue;
    const style = getComputedStyle(element);
    const before = element.previousElementSibling;
    const inCell =
      element.tagName === 'text' && before?.tagName === 'path' && /^[-\d]/.test(element.textContent!);
    texts.push({
      text: element.textContent!.trim().slice(0, 40),
      color: hex(element instanceof SVGElement ? style.fill : style.color),
      ground:
        inCell && getComputedStyle(before!).fill !== 'none'
          ? hex(getComputedStyle(before!).fill)
          : ground(element),
    });
  }
  return texts;
}

const path = findChromium();

suite('report in Chromium', (test) => {
  if (path === undefined) {
    test.unavailable('light and dark, wide and narrow', noChromium);
    return;
  }
  let context: BrowserContext;
  let profile: string;

  test.before(async () => {
    profile = await mkdtemp(join(tmpdir(), 'quern-report-'));
    const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
    context = await chromium.launchPersistentContext(profile, { executablePath: path, headless: true, args });
    await withEngine(async (engine) => {
      const file = await untrained(engine, convolutional(), fixture.test);
      const examined = await examine(engine, file, fixture.test, { robustness: true });
      const { page } = await renderReport(
        await collect(runOf('mnist'), file, examined, ['Something is missing.']),
      );
      await writeFile(join(profile, 'report.html'), page);
    });
    await writeFile(join(profile, 'loss.svg'), asFile(await lossChart(history)));
  });

  test.after(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  const open = async (file: string, colorScheme: 'light' | 'dark', width = 1200) => {
    const page = await context.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', ({ message }) => said.push(message));
    page.on('request', (request) => {
      if (!/^(data|file):/.test(request.url())) said.push(request.url());
    });
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.goto(pathToFileURL(join(profile, file)).href);
    return { page, said };
  };

  for (const scheme of ['light', 'dark'] as const) {
    test(`${scheme}: every text can be read; no errors, nothing from elsewhere`, async () => {
      const { page, said } = await open('report.html', scheme);
      const texts = await page.evaluate(coloredTexts);
      assert.ok(texts.length > 500, `${texts.length} texts`);
      const faint = texts.filter(({ color, ground }) => contrast(color, ground) < 4.5);
      assert.equal(faint, []);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.is(background, scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(15, 20, 25)');
      assert.equal(said, []);
      const broken = await page.evaluate(
        () => [...document.images].filter((image) => image.naturalWidth === 0).length,
      );
      assert.is(broken, 0);
      await page.close();
    });
  }

  test('a phone need not scroll sideways', async () => {
    const { page } = await open('report.html', 'light', 360);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.is(width, 360);
    await page.close();
  });

  test('paper is white on dark screens too', async () => {
    const { page } = await open('report.html', 'dark');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const ink = await page.evaluate(() => getComputedStyle(document.querySelector('h1')!).color);
    assert.is(ink, 'rgb(27, 33, 41)');
    await page.close();
  });

  test('closed tables are printed', async () => {
    const { page } = await open('report.html', 'light');
    const hidden = () =>
      page.evaluate(() => {
        const tables = [...document.querySelectorAll('details table')];
        return tables.filter((table) => !table.checkVisibility({ contentVisibilityAuto: true })).length;
      });
    assert.is(await hidden(), 3);
    await page.emulateMedia({ media: 'print' });
    // what details hide is laid out with the next frame
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    assert.is(await hidden(), 0);
    await page.close();
  });

  test('feature maps stand side by side on a phone', async () => {
    const { page } = await open('report.html', 'light', 390);
    const tops = await page.evaluate(() =>
      [...document.querySelectorAll('.example .tiles img')].map((image) => image.getBoundingClientRect().top),
    );
    assert.ok(tops.length > 1 && new Set(tops).size === 1, `${tops}`);
    await page.close();
  });

  test('the keyboard reaches the parts and what scrolls', async () => {
    const { page } = await open('report.html', 'light');
    const reached = new Set<string>();
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement!.tagName));
    }
    for (const name of ['A', 'SUMMARY', 'FIGURE', 'DIV'])
      assert.ok(reached.has(name), `${name}: ${[...reached]}`);
    await page.close();
  });

  test('a picture of its own follows the screen', async () => {
    for (const [scheme, ink] of [
      ['light', 'rgb(27, 33, 41)'],
      ['dark', 'rgb(232, 237, 242)'],
    ] as const) {
      const { page, said } = await open('loss.svg', scheme);
      const fills = await page.evaluate(() =>
        [...document.querySelectorAll('text')].map((text) => getComputedStyle(text).fill),
      );
      assert.ok(fills.includes(ink), `${scheme}: ${fills}`);
      assert.equal(said, []);
      await page.close();
    }
  });
});
