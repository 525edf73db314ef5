/**
 * Tests in a real browser: headless Chromium, one for a test file.
 *
 *     const chromium = findChromium();
 *     if (chromium === undefined) test.unavailable('…', noChromium);
 *     else {
 *       let browser: Browser;
 *       test.before(async () => { browser = await Browser.open(chromium); });
 *       test.after(() => browser.close());
 *       test('…', async () => assert.is(await browser.run(import.meta.resolve('./page.js'), 'work', 3), 9));
 *     }
 */
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Place, performTask } from './page.js';
import { startServer, strictPolicy } from './server.js';
import type { Answer, Task } from './task.js';

export const noChromium = 'no Chromium: install the package chromium, or name one in QUERN_CHROMIUM';

/** The path of a Chromium, if there is one. */
export function findChromium(): string | undefined {
  const named = process.env.QUERN_CHROMIUM;
  const candidates = named ? [named] : ['/usr/bin/chromium', '/usr/bin/chromium-browser'];
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const quiet = [
  ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

export interface OpenOptions {
  /** Of the command line, for what draws. Default: no gpu. */
  readonly graphics?: readonly string[];
}

export interface RunOptions {
  /** Makes the page cross-origin isolated, so that it has shared memory. Default true. */
  readonly isolated?: boolean;
  /** Default 'worker'. */
  readonly place?: Place;
  /** The compiled modules, or a minified bundle of them. Default 'modules'. */
  readonly library?: 'modules' | 'bundle';
  /** Default 120. */
  readonly seconds?: number;
  /** Forbids, by the content security policy, that text is compiled. Default false. */
  readonly strict?: boolean;
}

const libraries = { modules: '/dist/src/browser.js', bundle: '/bundle/index.js' } as const;
const distRoot = new URL('../../../', import.meta.url).href;

export class Browser {
  /** By whether their pages are isolated and held to the strict policy. */
  private readonly servers = new Map<string, ReturnType<typeof startServer>>();

  private constructor(
    private readonly context: BrowserContext,
    private readonly profile: string,
  ) {}

  static async open(executablePath: string, { graphics = ['--disable-gpu'] }: OpenOptions = {}) {
    const profile = await mkdtemp(join(tmpdir(), 'quern-chromium-'));
    try {
      const args = [...quiet, ...graphics];
      const context = await chromium.launchPersistentContext(profile, {
        executablePath,
        headless: true,
        args,
      });
      return new Browser(context, profile);
    } catch (error) {
      await rm(profile, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Calls an exported function of a compiled module in the browser, with the library and an argument of plain data.
   *
   * @param module its `import.meta.resolve`d address, below dist/
   * @throws Error with the name and message of what was thrown there, and with what the page wrote to its console
   */
  async run<Result>(
    module: string,
    name: string,
    argument: unknown,
    {
      isolated = true,
      place = 'worker',
      library = 'modules',
      seconds = 120,
      strict = false,
    }: RunOptions = {},
  ): Promise<Result> {
    const page = await this.context.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => said.push(`uncaught: ${error.message}`));
    try {
      await page.goto(await this.origin(isolated, strict));
      const task: Task = {
        library: libraries[library],
        module: `/dist/${module.slice(distRoot.length)}`,
        export: name,
        argument,
      };
      const answer = await withTimeout(performOn(page, task, place), seconds);
      if ('error' in answer) throw new Error([answer.error, ...said].join('\n'));
      return answer.result as Result;
    } finally {
      await page.close();
    }
  }

  async close(): Promise<void> {
    await this.context.close();
    for (const started of this.servers.values()) await closeServer((await started).server);
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private async origin(isolated: boolean, strict: boolean): Promise<string> {
    const key = `${isolated} ${strict}`;
    const started = this.servers.get(key) ?? startServer(isolated, strict ? strictPolicy : undefined);
    this.servers.set(key, started);
    return (await started).origin;
  }
}

function performOn(page: Page, task: Task, place: Place): Promise<Answer> {
  return page.evaluate(
    ([task, place]) =>
      (globalThis as unknown as { performTask: typeof performTask }).performTask(task, place),
    [task, place] as const,
  );
}

async function withTimeout<T>(work: Promise<T>, seconds: number): Promise<T> {
  const { promise, stop } = timeout(seconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    stop();
  }
}

function timeout(seconds: number): { promise: Promise<never>; stop: () => void } {
  let stop = () => {};
  const promise = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing after ${seconds} s`)), seconds * 1000);
    stop = () => clearTimeout(timer);
  });
  return { promise, stop };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
