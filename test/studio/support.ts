/** The studio in headless Chromium, with the dataset that comes with Quern. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, posix } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { packDataset } from '../../src/cli/commands/studio/pack.js';
import { builtSite } from '../../src/cli/commands/studio/run.js';
import { startStudioServer } from '../../src/cli/commands/studio/serve.js';
import { silent } from '../../src/cli/inputs/datasets.js';
import { linkOf, type Settings } from '../../src/studio/shared/settings.js';
import type { LocalServer } from '../../src/watch/localServer.js';

export const fixture: Settings = {
  recipe: 'mnist-mlp',
  dataset: 'fixture',
  seed: 3,
  epochs: 3,
  backend: 'wasm',
};

export const startFixtureServer = (): Promise<LocalServer> =>
  startStudioServer(
    {
      site: builtSite,
      datasets: ['fixture'],
      pack: (name) => packDataset(name, { offline: true }, silent, false),
    },
    0,
  );

export const launch = (executablePath: string, args: readonly string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', ...args] });

/** A page of the studio, with what went wrong in it. */
export class StudioPage {
  readonly said: string[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.said.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.said.push(message.text());
    });
  }

  /** Opens the page and waits until it is ready. */
  static async open(
    context: BrowserContext | Browser,
    url: string,
    settings?: Settings,
  ): Promise<StudioPage> {
    const studio = new StudioPage(await context.newPage());
    await studio.page.goto(`${url}${settings === undefined ? '' : linkOf(settings)}`);
    await studio.status(/test images/);
    return studio;
  }

  text(id: string): Promise<string> {
    return this.page.locator(`#${id}`).innerText();
  }

  /** Waits for the line that says how things stand. */
  async status(wanted: RegExp, seconds = 60): Promise<void> {
    const { source } = wanted;
    await this.page
      .waitForFunction(
        (pattern) => new RegExp(pattern).test(document.getElementById('status')?.textContent ?? ''),
        source,
        { timeout: 1000 * seconds },
      )
      .catch(async (error: Error) => {
        throw new Error([error.message, await this.text('status'), ...this.said].join('\n'));
      });
  }

  /** Trains until all is done, and gives the hash of the weights. */
  async train(): Promise<string> {
    await this.page.click('#start');
    await this.status(/^Finished/);
    return this.text('weights-sha256');
  }
}

/** A site as any host of files serves it: no headers but the type. */
export async function servePlain(folder: string, port = 0): Promise<{ url: string; close(): Promise<void> }> {
  const types: Readonly<Record<string, string>> = {
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.css': 'text/css',
    '.json': 'application/json',
  };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const content = await readFile(join(folder, posix.normalize(name))).catch(() => undefined);
    response.writeHead(content === undefined ? 404 : 200, {
      'content-type': types[extname(name)] ?? 'application/octet-stream',
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
