/** A page on this machine that shows runs while they are trained. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { BackendError, reasonOf } from '../core/errors.js';
import { watchPage } from './page.js';
import { readWatched } from './watched.js';

interface WatchServer {
  /** With the token, without which nothing is shown. */
  readonly url: string;
  close(): Promise<void>;
}

const everyMilliseconds = 1000;
const clientPath = fileURLToPath(new URL('./client.js', import.meta.url));

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Tells whether a browser asks this machine by its own name: another name in front of it is somebody else's page. */
const isLocal = ({ headers: { host = '' } }: IncomingMessage) =>
  /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);

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
  } else if (file === 'client.js') {
    const script = await readFile(clientPath);
    response.writeHead(200, { ...headers, 'content-type': 'text/javascript; charset=utf-8' }).end(script);
  } else if (file === 'events') {
    await sendEvents(folder, request, response);
  } else {
    response.writeHead(404, headers).end();
  }
}

/**
 * Serves the page of a folder on 127.0.0.1.
 *
 * @param port 0: any that is free
 * @throws BackendError when the port is taken
 */
export async function startWatchServer(folder: string, port: number): Promise<WatchServer> {
  const token = randomBytes(16).toString('hex');
  const server = createServer((request, response) => {
    answer(folder, token, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new BackendError(`watch: port ${port} of this machine cannot be used: ${reasonOf(cause)}`, {
          cause,
          hint: '--port takes another; without it any that is free is taken.',
        }),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${token}/`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
