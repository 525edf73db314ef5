/**
 * What does the studio reach? In headless Chromium (QUERN_CHROMIUM, else /usr/bin/chromium), against Node.
 *
 *     npm run bench:studio -- digits RUN      1,000 drawn digits on the pad, classified by a trained run
 *     npm run bench:studio -- speed           mnist-speedrun in the page and in Node in turns: time and weightsSha256
 *     npm run bench:studio -- speed single    the same on one thread, the page without isolation
 *     npm run bench:studio -- closings        10 closings at random moments, resumed: the same bytes?
 *     npm run bench:studio -- frames          how long frames take while a convolutional network trains
 *     LIGHTHOUSE=FOLDER npm run bench:studio -- lighthouse     Lighthouse's scores; `npm install lighthouse@12` in FOLDER
 *
 * `--data-dir FOLDER` looks for datasets there.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { packDataset } from '../../src/cli/commands/studio/pack.js';
import { builtSite } from '../../src/cli/commands/studio/run.js';
import { startStudioServer } from '../../src/cli/commands/studio/serve.js';
import { silent } from '../../src/cli/inputs/datasets.js';
import { readModel } from '../../src/cli/inputs/ownRecipe.js';
import { openEngine, openModel } from '../../src/index.js';
import { linkOf, type Settings } from '../../src/studio/shared/settings.js';
import { drawnDigits, type Strokes } from './digits.js';
import { lighthouse } from './lighthouse.js';

const at = process.argv.indexOf('--data-dir');
const dataDir = at < 0 ? undefined : process.argv[at + 1];
const [question = '', argument = ''] = process.argv.slice(2);
const main = join(import.meta.dirname, '../../src/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'quern-bench-studio-'));

const server = await startStudioServer(
  {
    site: builtSite,
    datasets: ['mnist', 'fashion-mnist', 'fixture'],
    pack: (name) => packDataset(name, { dataDir, offline: false }, silent, false),
  },
  0,
);
const executablePath = process.env.QUERN_CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu'],
});

/** The studio as the page has it. */
interface PageStudio {
  strokes(strokes: Strokes, width: number): void;
}

async function statusOf(page: Page, pattern: RegExp): Promise<void> {
  await page.waitForFunction(
    (source) => new RegExp(source).test(document.getElementById('status')?.textContent ?? ''),
    pattern.source,
    { timeout: 600_000 },
  );
}

async function open(context: BrowserContext, settings?: Settings): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${server.url}${settings === undefined ? '' : linkOf(settings)}`);
  await statusOf(page, /test images/);
  return page;
}

const textOf = (page: Page, id: string) => page.locator(`#${id}`).innerText();

/** What the pad gives for strokes: the prepared image, and the pad merely made smaller. */
async function drawOn(
  page: Page,
  strokes: Strokes,
  width: number,
): Promise<{ prepared: number[]; small: number[] }> {
  return page.evaluate(
    async ([drawn, pen]) => {
      const preparedPlace = document.getElementById('prepared')!;
      preparedPlace.replaceChildren();
      (globalThis as unknown as { studio: PageStudio }).studio.strokes(drawn, pen);
      while (preparedPlace.firstElementChild === null) await new Promise((resolve) => setTimeout(resolve, 4));
      const grayOf = (canvas: HTMLCanvasElement) =>
        [...canvas.getContext('2d')!.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0);
      const small = document.createElement('canvas');
      small.width = small.height = 28;
      const context = small.getContext('2d')!;
      context.imageSmoothingQuality = 'high';
      context.drawImage(document.getElementById('pad') as HTMLCanvasElement, 0, 0, 28, 28);
      // what is there now may be of the stroke before the last
      await new Promise((resolve) => setTimeout(resolve, 40));
      return { prepared: grayOf(preparedPlace.firstElementChild as HTMLCanvasElement), small: grayOf(small) };
    },
    [strokes, width] as const,
  );
}

async function digits(): Promise<void> {
  const page = await open(await browser.newContext(), {
    recipe: 'mnist-mlp',
    dataset: 'fixture',
    seed: 0,
    backend: 'wasm',
  });
  const drawn = drawnDigits(1000, 1);
  const images = { prepared: [] as number[], small: [] as number[] };
  for (const { strokes, width } of drawn) {
    const { prepared, small } = await drawOn(page, strokes, width);
    images.prepared.push(...prepared);
    images.small.push(...small);
  }
  await using engine = await openEngine();
  const trained = await openModel(engine, await readModel(argument));
  for (const [name, pixels] of Object.entries(images)) {
    const { data } = await trained.predict(Uint8Array.from(pixels));
    const wrong = new Map<string, number>();
    drawn.forEach(({ label }, i) => {
      const row = data.subarray(10 * i, 10 * i + 10);
      const taken = row.indexOf(Math.max(...row));
      if (taken !== label) wrong.set(`${label}→${taken}`, (wrong.get(`${label}→${taken}`) ?? 0) + 1);
    });
    const count = [...wrong.values()].reduce((sum, each) => sum + each, 0);
    const worst = [...wrong].sort((a, b) => b[1] - a[1]).slice(0, 8);
    console.log(
      `${name}: ${((1000 - count) / 10).toFixed(1)}% right of 1,000; ${worst.map(([pair, n]) => `${pair} ${n}`).join(', ')}`,
    );
  }
}

function inNode(settings: Settings, threads: number): { seconds: number; weightsSha256: string } {
  const words = [
    'train',
    settings.recipe,
    '--seed',
    String(settings.seed),
    '--threads',
    String(threads),
    '--json',
    '--quiet',
  ];
  const own = [
    ...(settings.epochs === undefined ? [] : ['--epochs', String(settings.epochs)]),
    ...(dataDir === undefined ? [] : ['--data-dir', dataDir]),
  ];
  const text = execFileSync(
    process.execPath,
    [main, ...words, ...own, '--out', join(folder, 'run'), '--force'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const { trainSeconds: seconds, weightsSha256 } = JSON.parse(text);
  return { seconds, weightsSha256 };
}

async function inPage(
  settings: Settings,
  isolated: boolean,
): Promise<{ seconds: number; weightsSha256: string }> {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  // a page without the headers is not isolated
  if (!isolated)
    await context.route('**/*', async (route) => {
      const response = await route.fetch();
      const { 'cross-origin-embedder-policy': _, ...headers } = response.headers();
      await route.fulfill({ response, headers });
    });
  const page = await open(context, settings);
  await page.click('#start');
  await statusOf(page, /^Finished/);
  const said = await textOf(page, 'outcome-text');
  console.log(`page: ${await textOf(page, 'backend-report')} ${said}`);
  const seconds = Number(await page.locator('#outcome').getAttribute('data-seconds'));
  const weightsSha256 = await textOf(page, 'weights-sha256');
  await context.close();
  return { seconds, weightsSha256 };
}

async function speed(): Promise<void> {
  const single = argument === 'single';
  const threads = single ? 1 : 2;
  const settings: Settings = {
    recipe: 'mnist-speedrun',
    dataset: 'mnist',
    seed: 0,
    backend: 'wasm',
    threads,
    ...(single && { epochs: 1 }),
  };
  const ratios: number[] = [];
  for (let i = 0; i < 2; i++) {
    const node = inNode(settings, threads);
    const page = await inPage(settings, !single);
    ratios.push(page.seconds / node.seconds);
    console.log(
      `page ${page.seconds.toFixed(1)} s ÷ Node ${node.seconds.toFixed(1)} s = ${(page.seconds / node.seconds).toFixed(2)}; weightsSha256 ${page.weightsSha256 === node.weightsSha256 ? 'equal' : 'differ'}`,
    );
  }
  console.log(
    `${threads} threads, median: ${ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)]!.toFixed(2)}`,
  );
}

async function closings(): Promise<void> {
  const settings: Settings = {
    recipe: 'mnist-mlp',
    dataset: 'fixture',
    seed: 5,
    epochs: 400,
    backend: 'wasm',
  };
  const whole = await inPage(settings, true);
  let equal = 0;
  for (let i = 0; i < 10; i++) {
    const context = await browser.newContext();
    const page = await open(context, settings);
    await page.click('#start');
    await page.waitForFunction(() => /Training/.test(document.getElementById('status')?.textContent ?? ''));
    const wait = 50 + Math.random() * 9000;
    await page.waitForTimeout(wait);
    await page.close();
    const again = await open(context);
    const button = again.getByRole('button', { name: /^Open/ });
    // closed before anything was kept: it begins anew
    if ((await button.count()) > 0) {
      await button.first().click();
      await statusOf(again, /^(At step|The state of this run is gone)/);
    } else {
      await again.evaluate((hash) => {
        location.hash = hash;
      }, linkOf(settings));
      await statusOf(again, /^fixture: .*test images/);
    }
    const where = await textOf(again, 'status');
    if (await again.locator('#start').isEnabled()) await again.click('#start');
    await statusOf(again, /^Finished/);
    const same = (await textOf(again, 'weights-sha256')) === whole.weightsSha256;
    equal += same ? 1 : 0;
    console.log(`closed after ${wait.toFixed(0)} ms; ${where} ${same ? 'same bytes' : 'OTHER BYTES'}`);
    await context.close();
  }
  console.log(`${equal} of 10`);
}

async function frames(): Promise<void> {
  const settings: Settings = {
    recipe: 'mnist-cnn',
    dataset: 'mnist',
    seed: 0,
    epochs: 1,
    limit: 8000,
    backend: 'wasm',
  };
  const page = await open(await browser.newContext({ serviceWorkers: 'block' }), settings);
  await page.click('#start');
  await statusOf(page, /^Training/);
  await page.waitForFunction(
    () => /\d/.test(document.getElementById('numbers')?.textContent ?? ''),
    undefined,
    { timeout: 60_000 },
  );
  const times = await page.evaluate(async () => {
    const taken: number[] = [];
    let last = performance.now();
    const until = last + 20_000;
    while (last < until) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const now = performance.now();
      taken.push(now - last);
      last = now;
    }
    return taken;
  });
  const within = times.filter((time) => time <= 50).length / times.length;
  times.sort((a, b) => a - b);
  console.log(
    `${times.length} frames: ${(100 * within).toFixed(2)}% within 50 ms, the longest ${times.at(-1)!.toFixed(0)} ms`,
  );
}

const questions: Readonly<Record<string, () => Promise<void>>> = {
  ...{ digits, speed, closings, frames },
  lighthouse: () => lighthouse(executablePath, server.url),
};
try {
  const ask = questions[question];
  if (ask === undefined) throw new Error(`one of ${Object.keys(questions).join(', ')} is asked for`);
  await ask();
} finally {
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}
