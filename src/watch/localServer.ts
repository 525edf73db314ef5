import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { BackendError, reasonOf } from '../core/errors.js';

/** Tells whether a browser asks this machine by its own name: another name in front of it is somebody else's page. */
export const isLocal = ({ headers: { host = '' } }: IncomingMessage) =>
  /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);

export interface LocalServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves on 127.0.0.1. A request whose answer rejects is cut off.
 *
 * @param what begins the error: the command
 * @param port 0: any that is free
 * @throws BackendError when the port is taken
 */
export async function serveLocally(
  what: string,
  port: number,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<LocalServer> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new BackendError(`${what}: port ${port} of this machine cannot be used: ${reasonOf(cause)}`, {
          cause,
          hint: '--port takes another; without it any that is free is taken.',
        }),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${taken}/`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
