/** A page on this machine that shows runs while they are trained. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { isLocal, type LocalServer, serveLocally } from './localServer.js';
import { watchPage } from './page.js';
import { readWatched } from './watched.js';

const everyMilliseconds = 1000;
/** What the page runs; they name each other by these paths. */
const scripts = ['watch/client.js', 'report/charts/ticks.js'];

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

function sameToken(given: string, token: string): boolean {
  return given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));
}

/** Sends what there is to see, again and again, where it has changed. */
async function sendEvents(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
  let open = true;
  request.on('close', () => {
    open = false;
  });
  let last = '';
  while (open) {
    const text = JSON.stringify(
      await readWatched(folder).catch((error: Error) => ({ problem: error.message })),
    );
    if (text !== last) response.write(`data: ${text}\n\n`);
    else response.write(': \n\n');
    last = text;
    await new Promise((resolve) => setTimeout(resolve, everyMilliseconds));
  }
}

async function answer(
  folder: string,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, given = '', file = ''] = /^\/([^/?]*)\/?([^?]*)/.exec(request.url ?? '') ?? [];
  if (!isLocal(request) || !sameToken(given, token) || request.method !== 'GET') {
    response.writeHead(403, headers).end('the address of this page has a token: quern watch prints it\n');
  } else if (file === '') {
    response.writeHead(200, { ...headers, 'content-type': 'text/html; charset=utf-8' }).end(watchPage());
  } else if (scripts.includes(file)) {
    const script = await readFile(fileURLToPath(new URL(`../${file}`, import.meta.url)));
    response.writeHead(200, { ...headers, 'content-type': 'text/javascript; charset=utf-8' }).end(script);
  } else if (file === 'events') {
    await sendEvents(folder, request, response);
  } else {
    response.writeHead(404, headers).end();
  }
}

/**
 * Serves the page of a folder on 127.0.0.1. Its address holds a token, without which nothing is shown.
 *
 * @param port 0: any that is free
 * @throws BackendError when the port is taken
 */
export async function startWatchServer(folder: string, port: number): Promise<LocalServer> {
  const token = randomBytes(16).toString('hex');
  const server = await serveLocally('watch', port, (request, response) =>
    answer(folder, token, request, response),
  );
  return { ...server, url: `${server.url}${token}/` };
}
