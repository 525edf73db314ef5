/**
 * A web server on loopback for the tests in browsers. It serves:
 *
 * - `/`             an empty page, with the code that runs tasks (page.ts)
 * - `/dist/…`       the compiled modules as they are, but for bare imports: an import map would do on the page, but
 *                   workers take none, so they become addresses of…
 * - `/packages/…`   the packages that the library and its tests import, each as one module
 * - `/bundle/…`     what a bundler makes of the library: index.js, chunks that load when they are needed, worker.js
 * - `/elsewhere/worker.js`  the worker alone, in a place that the bundle does not know
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

/** dist/ */
const dist = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const libraryEntry = join(dist, 'src/browser.js');
const workerEntry = join(dist, 'src/backends/wasm/worker.js');

/** What the library and its tests import by name, in files that browsers load. */
const packages = ['fflate', 'ndarray', 'ndarray-ops', 'gpu.js', 'uvu/assert'];

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.html': 'text/html; charset=utf-8',
};

const page = `<!doctype html><title>Quern</title><link rel="icon" href="data:,">
<script type="module" src="/dist/test/support/browser/page.js"></script>`;

/** What makes a page cross-origin isolated: https://web.dev/articles/coop-coep */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** The strictest policy under which there is WebAssembly: nothing compiles text, nothing comes from elsewhere. */
export const strictPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";

const bundleOptions = {
  ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
  ...{ write: false, logLevel: 'silent' },
} as const satisfies BuildOptions;

/** Bundles made once, by the path that they are served at. */
class Bundles {
  private library: Promise<ReadonlyMap<string, string>> | undefined;
  private worker: Promise<string> | undefined;
  private readonly packages = new Map<string, Promise<string>>();

  async get(path: string): Promise<string | undefined> {
    if (path === '/elsewhere/worker.js' || path === '/bundle/worker.js') {
      this.worker ??= this.single({ entryPoints: [workerEntry] });
      return this.worker;
    }
    if (path.startsWith('/bundle/')) {
      this.library ??= this.buildLibrary();
      return (await this.library).get(path.slice('/bundle/'.length));
    }
    const name = packages.find((one) => path === `/packages/${one}.js`);
    if (name === undefined) return undefined;
    const known = this.packages.get(name) ?? this.buildPackage(name);
    this.packages.set(name, known);
    return known;
  }

  private async buildLibrary(): Promise<ReadonlyMap<string, string>> {
    const outdir = join(dist, 'bundle');
    const { outputFiles } = await build({
      ...bundleOptions,
      entryPoints: { index: libraryEntry },
      splitting: true,
      outdir,
    });
    return new Map(outputFiles.map(({ path, text }) => [path.slice(outdir.length + 1), text]));
  }

  private buildPackage(name: string): Promise<string> {
    // `export *` gives the names of an ES module; a CommonJS one has only a default, which an ES module need not have
    const contents = `import * as all from '${name}'; export * from '${name}'; export default all.default;`;
    return this.single({ stdin: { contents, resolveDir: dist } });
  }

  private async single(options: BuildOptions): Promise<string> {
    const { outputFiles } = await build({ ...bundleOptions, ...options, write: false });
    return outputFiles[0]!.text;
  }
}

const bundles = new Bundles();

/** A compiled module whose bare imports are addresses of this server. */
function withAddresses(source: string): string {
  return source.replace(
    /\b(from\s*|import\s*\(?\s*)(['"])([^'"./][^'"]*)\2/g,
    (whole, before: string, quote: string, name: string) => {
      // `imports` of package.json
      if (name === '#gpu.js') return `${before}${quote}/dist/src/vendor/gpuJs.browser.js${quote}`;
      return packages.includes(name) ? `${before}${quote}/packages/${name}.js${quote}` : whole;
    },
  );
}

async function find(path: string): Promise<string | undefined> {
  if (path === '/') return page;
  if (!path.startsWith('/dist/')) return bundles.get(path);
  const source = await readFile(join(dist, path.slice('/dist'.length)), 'utf8').catch(() => undefined);
  return source === undefined || extname(path) !== '.js' ? source : withAddresses(source);
}

async function answer(
  address: string,
  headers: Readonly<Record<string, string>>,
  response: ServerResponse,
): Promise<void> {
  // normalized, so that nothing above dist/ can be named
  const path = posix.normalize(new URL(address, 'http://localhost').pathname);
  const content = await find(path);
  const type = types[path === '/' ? '.html' : extname(path)] ?? 'text/plain';
  response.writeHead(content === undefined ? 404 : 200, {
    'Content-Type': type,
    // a browser lives as long as its test file
    'Cache-Control': 'max-age=3600',
    ...headers,
  });
  response.end(content ?? `${path}: not found`);
}

/** Starts a server; its pages are cross-origin isolated or not, and may be held to a content security policy. */
export async function startServer(
  isolated: boolean,
  policy?: string,
): Promise<{ origin: string; server: Server }> {
  const headers = {
    ...(isolated && isolation),
    ...(policy !== undefined && { 'Content-Security-Policy': policy }),
  };
  const server = createServer((request, response) => {
    answer(request.url ?? '/', headers, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
