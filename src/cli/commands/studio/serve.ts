/** Serves the studio on this machine: its site, and datasets when the page wants them. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { messageOf } from '../../../core/errors.js';
import { isLocal, type LocalServer, serveLocally } from '../../../watch/localServer.js';
import { type PackedFile, packIndex } from './pack.js';

interface StudioFiles {
  /** The folder of the built site. */
  readonly site: string;
  readonly datasets: readonly string[];
  /** Called once for each dataset that is wanted. */
  pack(name: string): Promise<readonly PackedFile[]>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
};

const headers = {
  // what makes a page cross-origin isolated, so that there is shared memory: https://web.dev/articles/coop-coep
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

class Answers {
  private readonly packed = new Map<string, Promise<readonly PackedFile[]>>();

  constructor(private readonly files: StudioFiles) {}

  /** The bytes at a path; undefined where there are none. Throws what packing throws. */
  async find(path: string): Promise<Uint8Array | undefined> {
    const { site, datasets } = this.files;
    const data = /^\/data\/([\w.-]+)$/.exec(path)?.[1];
    if (data !== undefined) {
      if (data === 'index.json') return packIndex(datasets).bytes;
      const name = datasets.find(
        (each) => data === `${each}.json` || new RegExp(`^${each}-(train|test)-`).test(data),
      );
      if (name === undefined) return undefined;
      const packed = this.packed.get(name) ?? this.files.pack(name);
      this.packed.set(name, packed);
      packed.catch(() => this.packed.delete(name));
      return (await packed).find((file) => file.name === data)?.bytes;
    }
    const file = /^\/([\w-]+\.\w+)?$/.exec(path)?.[1] ?? (path === '/' ? 'index.html' : undefined);
    return file === undefined ? undefined : readFile(join(site, file)).catch(() => undefined);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isLocal(request) || request.method !== 'GET') {
      response.writeHead(403, headers).end('this page is for this machine alone\n');
      return;
    }
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    let content: Uint8Array | undefined;
    try {
      content = await this.find(pathname);
    } catch (error) {
      response.writeHead(503, headers).end(`${messageOf(error)}\n`);
      return;
    }
    if (content === undefined) {
      response.writeHead(404, headers).end('not found\n');
      return;
    }
    const text = types[pathname === '/' ? '.html' : extname(pathname)];
    const type = text ?? 'application/octet-stream';
    const zips = text !== undefined && /\bgzip\b/.test(`${request.headers['accept-encoding']}`);
    const body = zips ? await promisify(gzip)(content) : content;
    const encoding = zips ? { 'content-encoding': 'gzip' } : {};
    response
      .writeHead(200, { ...headers, ...encoding, 'content-type': type, 'content-length': body.length })
      .end(body);
  }
}

/**
 * Serves the studio on 127.0.0.1.
 *
 * @param port 0: any that is free
 * @throws BackendError when the port is taken
 */
export function startStudioServer(files: StudioFiles, port: number): Promise<LocalServer> {
  const answers = new Answers(files);
  return serveLocally('studio', port, (request, response) => answers.answer(request, response));
}
